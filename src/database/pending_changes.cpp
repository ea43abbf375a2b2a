#include "database/pending_changes.h"

#include <algorithm>
#include <utility>

namespace database {
namespace {

constexpr std::size_t kKeptCapacity = 512;

// As much of a value as is worth bringing near.
constexpr std::size_t kPrefetchedBytes = 512;
constexpr std::size_t kCacheLine = 64;

template <typename Table>
const Change* find_in(const Table& table, std::string_view key) {
  const auto found = table.find(key);
  return found == table.end() ? nullptr : &found->second;
}

void set_value(Change& change, std::initializer_list<std::string_view> parts) {
  change.erased = false;
  std::size_t size = 0;
  for (const std::string_view part : parts) size += part.size();
  change.value.reserve(size);
  for (const std::string_view part : parts) change.value.append(part);
}

// What a value took is kept for the next one, if it is not much.
void drop_value(Change& change) {
  if (change.value.capacity() > kKeptCapacity) std::string().swap(change.value);
  change.value.clear();
}

}  // namespace

void PendingChanges::put(Family family, std::string_view key,
                         std::initializer_list<std::string_view> parts) {
  Change& change = change_of(family, key);
  set_value(change, parts);
  count(family, change);
}

void PendingChanges::put(const HashedKey& key, std::initializer_list<std::string_view> parts) {
  Change& change = change_of(key);
  set_value(change, parts);
  count(Family::kKeys, change);
}

void PendingChanges::put(Family family, std::string_view key, std::string&& value) {
  Change& change = change_of(family, key);
  change.erased = false;
  change.value = std::move(value);
  count(family, change);
}

void PendingChanges::erase(Family family, std::string_view key) {
  Change& change = change_of(family, key);
  change.erased = true;
  count(family, change);
}

void PendingChanges::erase(const HashedKey& key) {
  Change& change = change_of(key);
  change.erased = true;
  count(Family::kKeys, change);
}

void PendingChanges::prefetch_value(const HashedKey& key) const {
  const auto found = keys_.find(key);
  if (found == keys_.end()) return;
  const std::string& value = found->second.value;
  const std::size_t size = std::min(value.size(), kPrefetchedBytes);
  for (std::size_t at = 0; at < size; at += kCacheLine) {
    __builtin_prefetch(value.data() + at, /*rw=*/1);
  }
}

Change& PendingChanges::change_of(Family family, std::string_view key) {
  if (family == Family::kKeys) return change_of(HashedKey(key));
  OrderedChanges& changes = others_[position(family)];
  auto found = changes.find(key);
  if (found == changes.end()) {
    found = changes.emplace(key, Change()).first;
    bytes_[position(family)] += kRecordOverhead + key.size();
  } else {
    bytes_[position(family)] -= found->second.value.capacity();
    drop_value(found->second);
  }
  return found->second;
}

Change& PendingChanges::change_of(const HashedKey& key) {
  const auto [found, added] = keys_.try_emplace(key);
  std::size_t& bytes = bytes_[position(Family::kKeys)];
  if (added) {
    bytes += kRecordOverhead + key.view().size();
  } else {
    bytes -= found->second.value.capacity();
    drop_value(found->second);
  }
  return found->second;
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
