// What the tests of the database share: entries, seeded random logs, comparisons, directories.
#pragma once

#include <catch2/catch.hpp>
#undef CHECK  // base/check.h has its own; the tests say REQUIRE

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "database/command.h"
#include "database/database.h"

namespace database {

// Compared field by field, so that a difference can be printed.
bool operator==(const Broadcast& a, const Broadcast& b);
bool operator==(const Outcome& a, const Outcome& b);

namespace test {

inline constexpr std::size_t kNoLimit = 1'000'000'000;

// A new directory, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

[[nodiscard]] Options in_memory();

// Builds a log: indices from 1, or from just after what was applied.
class Log {
 public:
  explicit Log(std::uint64_t applied_index = 0) : next_index_(applied_index + 1) {}

  Log& set(std::string_view key, std::string_view value);
  Log& erase(std::string_view key);
  Log& publish(std::string_view channel, std::string_view value);
  Log& no_operation();
  Log& raw(std::string_view command);

  [[nodiscard]] std::span<const Committed> entries() const { return entries_; }

 private:
  Log& add(std::optional<base::SharedBytes> command);

  std::uint64_t next_index_;
  std::vector<Committed> entries_;
};

// Few keys and channels, so that they meet often; no-operations and undecodable commands too.
[[nodiscard]] Log random_log(base::Random& random, std::size_t count);
[[nodiscard]] std::string random_bytes(base::Random& random, std::size_t size);

// Applies `entries` in batches of random sizes up to `most`.
Applied apply_in_batches(Database& database, std::span<const Committed> entries,
                         base::Random& random, std::size_t most);

// Where it must not be compacted.
[[nodiscard]] Replay replay(const Database& database, std::uint64_t after,
                            const std::vector<std::string>& topics = {},
                            std::size_t limit = kNoLimit, std::size_t max_bytes = kNoLimit);

}  // namespace test
}  // namespace database
