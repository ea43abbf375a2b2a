#include <optional>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{77, 1, 0};
constexpr LogOptions kSmall{2048};

// Ten writes of three entries over several segments, all synced.
std::vector<raft::Entry> fill(LogStore& log) {
  std::vector<raft::Entry> all;
  for (int i = 0; i < 10; ++i) {
    const auto entries = next_entries(log, 3, 1 + i / 4, 100);
    log.append(entries);
    all.insert(all.end(), entries.begin(), entries.end());
  }
  log.sync();
  return all;
}

std::vector<raft::Entry> head(const std::vector<raft::Entry>& entries, raft::Index last) {
  return {entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(last)};
}

TEST_CASE("log_truncation_removes_an_entry_and_all_after_it") {
  for (raft::Index index = 1; index <= 30; ++index) {
    SimulatedDisk disk;
    base::Random random(index);
    std::vector<raft::Entry> all;
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      const auto before = fill(log);
      log.truncate_from(index);
      all = head(before, index - 1);
      REQUIRE(log.last_index() == index - 1);
      REQUIRE(same(all_of(log), all));
      REQUIRE((log.term_runs().empty() || log.term_runs().back().first_index < index));
    }
    disk.crash("node", random);  // it is durable on return
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      REQUIRE(log.torn_bytes() == 0);
      REQUIRE(same(all_of(log), all));
      for (int i = 0; i < 3; ++i) {
        const auto more = next_entries(log, 2, 7, 100);
        log.append(more);
        all.insert(all.end(), more.begin(), more.end());
      }
      log.sync();
      REQUIRE(same(all_of(log), all));
    }
    disk.crash("node", random);
    const LogStore log(disk, "node/log", kOwner, kSmall);
    REQUIRE(same(all_of(log), all));
    REQUIRE(log.term_runs().back().term == 7);
  }
}

TEST_CASE("log_truncation_may_follow_a_truncation") {
  SimulatedDisk disk;
  std::optional<LogStore> log;
  log.emplace(disk, "node/log", kOwner, kSmall);
  auto all = fill(*log);
  for (raft::Index index = 30; index >= 1; --index) {
    log->truncate_from(index);
    REQUIRE(same(all_of(*log), head(all, index - 1)));
    log.emplace(disk, "node/log", kOwner, kSmall);
    REQUIRE(same(all_of(*log), head(all, index - 1)));
  }
}

// One truncation and one write behind it, the power cut at change number `passing`. Returns
// whether the cut came too late to matter.
bool truncate_with_power_cut(raft::Index index, std::uint64_t passing, std::uint64_t seed) {
  SimulatedDisk disk;
  base::Random random(seed);
  std::vector<raft::Entry> before;
  std::vector<raft::Entry> after;
  bool truncated = false;
  bool finished = false;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    before = fill(log);
    after = head(before, index - 1);
    const auto previous = index > 1 ? before[index - 2].checksum() : 0;
    const auto more = make_entries(index, 4, 9, previous, 100);
    after.insert(after.end(), more.begin(), more.end());
    disk.fail_after(passing, FaultKind::kPowerCut);
    try {
      log.truncate_from(index);
      truncated = true;
      log.append(more);
      log.sync();
      finished = true;
    } catch (const DiskFault&) {
    }
  }
  disk.heal();
  disk.crash("node", random);
  LogStore log(disk, "node/log", kOwner, kSmall);
  INFO("truncation from " << index << ", power cut after " << passing << ", seed " << seed);
  REQUIRE(log.last_index() >= index - 1);
  if (finished) REQUIRE(same(all_of(log), after));
  if (truncated) {
    REQUIRE(is_prefix(log, after));
  } else {
    REQUIRE(is_prefix(log, before));
  }
  log.append(next_entries(log, 1, 10));
  return finished;
}

TEST_CASE("log_truncation_cut_short_at_any_change_keeps_all_before_it", "[A18]") {
  Tally tally("truncations with a power cut", {"kept all before them"});
  for (raft::Index index = 1; index <= 30; ++index) {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      std::uint64_t passing = 0;
      while (!truncate_with_power_cut(index, passing, seed)) ++passing;
      REQUIRE(passing >= 3);
      tally.add("kept all before them", passing + 1);
    }
  }
}

}  // namespace
}  // namespace storage
