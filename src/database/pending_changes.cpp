#include "database/pending_changes.h"

#include <algorithm>
#include <utility>

namespace database {
namespace {

constexpr std::size_t kKeptCapacity = 512;

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
  bytes_[position(family)] += change.value.capacity();
}

void PendingChanges::put(Family family, std::string_view key, std::string&& value) {
  Change& change = change_of(family, key);
  change.erased = false;
  change.value = std::move(value);
  bytes_[position(family)] += change.value.capacity();
}

void PendingChanges::erase(Family family, std::string_view key) {
  Change& change = change_of(family, key);
  change.erased = true;
  bytes_[position(family)] += change.value.capacity();
}

std::pair<Change*, bool> PendingChanges::find_or_add(Family family, std::string_view key) {
  if (family == Family::kKeys) {
    const auto [found, added] = keys_.try_emplace(key);
    return {&found->second, added};
  }
  OrderedChanges& changes = others_[position(family)];
  const auto found = changes.find(key);
  if (found != changes.end()) return {&found->second, false};
  return {&changes.emplace(key, Change()).first->second, true};
}

Change& PendingChanges::change_of(Family family, std::string_view key) {
  const auto [change, added] = find_or_add(family, key);
  std::size_t& bytes = bytes_[position(family)];
  if (added) {
    bytes += kRecordOverhead + key.size();
  } else {
    bytes -= change->value.capacity();
  }
  // What a value took is kept for the next one, if it is not much.
  if (change->value.capacity() > kKeptCapacity) std::string().swap(change->value);
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

void PendingChanges::add_earlier(PendingChanges&& earlier) {
  const auto add = [](auto& to, auto& from, std::size_t& bytes) {
    for (auto& [key, change] : from) {
      const auto [added, is_new] = to.try_emplace(key, std::move(change));
      if (is_new) bytes += kRecordOverhead + key.size() + added->second.value.capacity();
    }
  };
  add(keys_, earlier.keys_, bytes_[position(Family::kKeys)]);
  for (std::size_t i = 0; i < kFamilyCount; ++i) add(others_[i], earlier.others_[i], bytes_[i]);
}

PendingChanges PendingChanges::take() {
  PendingChanges taken = std::exchange(*this, {});
  keys_.reserve(taken.keys_.size());  // it will hold about as many again
  return taken;
}

void PendingChanges::clear(Family family) {
  others_[position(family)].clear();
  bytes_[position(family)] = 0;
}

KeyChanges PendingChanges::take_keys() {
  bytes_[position(Family::kKeys)] = 0;
  return std::exchange(keys_, {});
}

}  // namespace database
