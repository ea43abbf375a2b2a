#include "database/pending_changes.h"

#include <algorithm>
#include <utility>

namespace database {
namespace {

// Copies the key only where it is new.
template <typename Table>
std::pair<Change*, bool> find_or_add(Table& table, std::string_view key) {
  const auto found = table.find(key);
  if (found != table.end()) return {&found->second, false};
  return {&table.emplace(key, Change()).first->second, true};
}

template <typename Table>
const Change* find_in(const Table& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : &found->second;
}

}  // namespace

void PendingChanges::put(Family family, std::string_view key,
                         std::initializer_list<std::string_view> parts) {
  Change& change = change_of(family, key);
  change.erased = false;
  for (const std::string_view part : parts) change.value.append(part);
  bytes_ += change.value.size();
}

void PendingChanges::put(Family family, std::string_view key, std::string&& value) {
  Change& change = change_of(family, key);
  change.erased = false;
  change.value = std::move(value);
  bytes_ += change.value.size();
}

void PendingChanges::erase(Family family, std::string_view key) {
  change_of(family, key).erased = true;
}

Change& PendingChanges::change_of(Family family, std::string_view key) {
  const auto [change, added] = family == Family::kKeys
                                   ? find_or_add(keys_, key)
                                   : find_or_add(others_[position(family)], key);
  if (added) bytes_ += kRecordOverhead + key.size();
  bytes_ -= change->value.size();
  change->value.clear();
  return *change;
}

const Change* PendingChanges::find(Family family, std::string_view key) const {
  if (family == Family::kKeys) return find_in(keys_, key);
  return find_in(others_[position(family)], key);
}

std::vector<PendingChanges::Record> PendingChanges::sorted(Family family) const {
  std::vector<Record> records;
  if (family == Family::kKeys) {
    records.reserve(keys_.size());
    for (const auto& [key, change] : keys_) records.push_back({key, &change});
    std::sort(records.begin(), records.end(),
              [](const Record& a, const Record& b) { return a.key < b.key; });
    return records;
  }
  const OrderedChanges& changes = others_[position(family)];
  records.reserve(changes.size());
  for (const auto& [key, change] : changes) records.push_back({key, &change});
  return records;
}

void PendingChanges::clear(Family family) {
  OrderedChanges& changes = others_[position(family)];
  for (const auto& [key, change] : changes) {
    bytes_ -= kRecordOverhead + key.size() + change.value.size();
  }
  changes.clear();
}

KeyChanges PendingChanges::take_keys() {
  for (OrderedChanges& changes : others_) changes.clear();
  bytes_ = 0;
  return std::exchange(keys_, {});
}

}  // namespace database
