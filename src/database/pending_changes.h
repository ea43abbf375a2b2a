// PendingChanges: the latest change of each record that the store below has not been given yet.
// Private to src/database; one owner, one thread.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <map>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "database/store.h"
#include "database/string_hash.h"

namespace database {

struct Change {
  bool erased = false;
  std::string value;  // empty where erased
};

// What a record takes in memory beside its bytes: a node of a table, two strings, what the heap
// adds.
inline constexpr std::size_t kRecordOverhead = 128;

// Of single look-ups alone, as keys are.
using KeyChanges = absl::flat_hash_map<std::string, Change, StringHash, StringEqual>;

class PendingChanges {
 public:
  struct Record {
    std::string_view key;
    const Change* change;
  };

  // Take the place of what was pending for the key.
  void put(Family family, std::string_view key, std::initializer_list<std::string_view> parts);
  void put(Family family, std::string_view key, std::string&& value);
  void erase(Family family, std::string_view key);
  // The same in the family `keys`.
  void put(const HashedKey& key, std::initializer_list<std::string_view> parts);
  void erase(const HashedKey& key);

  // What a change of the key reads first is brought near the processor; later, when that is there,
  // what it writes over.
  void prefetch(const HashedKey& key) const { keys_.prefetch(key); }
  void prefetch_value(const HashedKey& key) const;
  // Null where nothing is pending.
  [[nodiscard]] const Change* find(Family family, std::string_view key) const;
  // In order of the keys. Lasts until the next change.
  [[nodiscard]] std::vector<Record> sorted(Family family) const;

  // In memory, about.
  [[nodiscard]] std::size_t bytes() const {
    return std::accumulate(bytes_.begin(), bytes_.end(), std::size_t{0});
  }
  [[nodiscard]] std::size_t bytes(Family family) const { return bytes_[position(family)]; }

  // What was pending before all of these, and is not changed by them.
  void add_earlier(PendingChanges&& earlier);
  // Nothing is pending any more. Returns what was.
  [[nodiscard]] PendingChanges take();
  // Nothing is pending any more in the family; not `keys`.
  void clear(Family family);
  // Nothing of the family `keys` is pending any more. Returns what was.
  [[nodiscard]] KeyChanges take_keys();

 private:
  using OrderedChanges = std::map<std::string, Change, std::less<>>;

  // Without a value, whose room is not counted. The key is copied only where it is new.
  [[nodiscard]] Change& change_of(Family family, std::string_view key);
  [[nodiscard]] Change& change_of(const HashedKey& key);
  void count(Family family, const Change& change) {
    bytes_[position(family)] += change.value.capacity();
  }

  KeyChanges keys_;
  std::array<OrderedChanges, kFamilyCount> others_;  // that of `keys` stays empty
  std::array<std::size_t, kFamilyCount> bytes_{};
};

}  // namespace database
