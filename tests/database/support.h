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

// Calls `test` with a directory and options: once for the maps, once for RocksDB.
template <typename Test>
void on_each_store(const Test& test) {
  for (const bool memory : {true, false}) {
    INFO("in memory: " << memory);
    const TemporaryDirectory directory;
    Options options;
    options.in_memory = memory;
    options.memory_image = memory ? make_memory_image() : nullptr;
    test(directory.path(), options);
  }
}

// Builds a log: indices from 1, or from just after what was applied.
class Log {
 public:
  explicit Log(std::uint64_t applied_index = 0, std::uint64_t time_ms = 0)
      : next_index_(applied_index + 1), time_ms_(time_ms) {}

  // Of the entries from here on.
  Log& at_ms(std::uint64_t time_ms);

  Log& set(std::string_view key, std::string_view value);
  Log& erase(std::string_view key);
  Log& publish(std::string_view channel, std::string_view value);
  Log& no_operation();
  Log& open_session(std::uint64_t timeout_ms, std::uint64_t max_sessions);
  Log& close_session(std::uint64_t session);
  Log& in_session(std::uint64_t session, std::uint64_t seq, const Write& write);
  Log& raw(std::string_view command);

  [[nodiscard]] std::span<const Committed> entries() const { return entries_; }

 private:
  Log& add(std::optional<base::SharedBytes> command);

  std::uint64_t next_index_;
  std::uint64_t time_ms_;
  std::vector<Committed> entries_;
};

// Few keys and channels, so that they meet often; no-operations and undecodable commands too.
[[nodiscard]] Log random_log(base::Random& random, std::size_t count);
// The same, with sessions that are opened, used out of order, repeated, closed and expire.
[[nodiscard]] Log random_session_log(base::Random& random, std::size_t count);
[[nodiscard]] std::string random_bytes(base::Random& random, std::size_t size);

// Applies `entries` in batches of random sizes up to `most`.
Applied apply_in_batches(Database& database, std::span<const Committed> entries,
                         base::Random& random, std::size_t most);

[[nodiscard]] std::string snapshot_of(const Database& database, std::size_t slice_bytes = 1 << 20);
// What is refused is an error; a database's own fault is an exception.
[[nodiscard]] base::Result<std::uint64_t> load(Database& database, std::string_view snapshot,
                                               std::size_t slice_bytes = 1 << 20);

// Where it must not be compacted.
[[nodiscard]] Replay replay(const Database& database, std::uint64_t after,
                            const std::vector<std::string>& topics = {},
                            std::size_t limit = kNoLimit, std::size_t max_bytes = kNoLimit);

}  // namespace test
}  // namespace database
