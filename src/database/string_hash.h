// The hash of a table that is asked for views of its keys, and a key that is hashed once for
// several of them. Private to src/database.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

namespace database {

[[nodiscard]] inline std::size_t hash_of(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

// The key outlives it.
class HashedKey {
 public:
  explicit HashedKey(std::string_view key) : key_(key), hash_(hash_of(key)) {}

  operator std::string_view() const { return key_; }
  [[nodiscard]] std::string_view view() const { return key_; }
  [[nodiscard]] std::size_t hash() const { return hash_; }

 private:
  std::string_view key_;
  std::size_t hash_;
};

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return hash_of(text); }
  std::size_t operator()(const HashedKey& key) const { return key.hash(); }
};

struct StringEqual {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const { return a == b; }
};

}  // namespace database
