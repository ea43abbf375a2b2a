// Versions: of the keys that were changed lately, so that the next change need not look the key up
// among the records, of which there may be many more than fit into memory. What is forgotten here
// is looked up again. Private to src/database; one owner, one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "database/string_hash.h"

namespace database {

class Versions {
 public:
  // `max_bytes`: in memory, about.
  explicit Versions(std::size_t max_bytes) : max_generation_bytes_(max_bytes / 2) {}

  // What of() reads first of the key is brought near the processor; later, when that is there, the
  // version.
  void prefetch(const HashedKey& key) const {
    recent_.prefetch(key);
    earlier_.prefetch(key);
  }
  void prefetch_version(const HashedKey& key) const {
    const auto found = recent_.find(key);
    if (found != recent_.end()) __builtin_prefetch(&found->second, /*rw=*/1);
  }

  // Of a key, to be read and changed; 0: it is not there. Lasts until the next call. `look_up` is
  // asked, with the key, where it is not known here.
  template <typename LookUp>
  [[nodiscard]] std::uint64_t& of(const HashedKey& key, const LookUp& look_up);

  void clear();
  [[nodiscard]] std::size_t bytes() const { return recent_bytes_ + earlier_bytes_; }

 private:
  using Generation = absl::flat_hash_map<std::string, std::uint64_t, StringHash, StringEqual>;

  // A slot and its share of those that are empty; a key that is longer than a string holds itself.
  [[nodiscard]] static std::size_t bytes_of(std::string_view key);
  void make_room(std::size_t bytes);

  std::size_t max_generation_bytes_;
  // A key that is used moves to the recent ones. Once those fill their half, the earlier ones are
  // forgotten together, and they take their place.
  Generation recent_;
  Generation earlier_;
  std::size_t recent_bytes_ = 0;
  std::size_t earlier_bytes_ = 0;
};

template <typename LookUp>
std::uint64_t& Versions::of(const HashedKey& key, const LookUp& look_up) {
  const auto known = recent_.find(key);
  if (known != recent_.end()) return known->second;
  const auto earlier = earlier_.find(key);
  const std::uint64_t version = earlier == earlier_.end() ? look_up(key) : earlier->second;
  make_room(bytes_of(key));
  return recent_.try_emplace(key, version).first->second;
}

}  // namespace database
