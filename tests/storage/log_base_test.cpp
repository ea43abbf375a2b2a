// A log that begins behind a snapshot: trimmed, replaced, and brought together with it.
#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_boundary.h"
#include "storage/log_recovery.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{77, 1, 0};
constexpr LogOptions kSmall{1024};
using Catch::Matchers::Contains;

raft::Configuration members(raft::NodeId last) {
  raft::Configuration configuration;
  for (raft::NodeId node = 1; node <= last; ++node) {
    configuration.members.push_back({node, node * 100, 0, "tcp://peer", "tcp://client", ""});
    configuration.voters.push_back(node);
  }
  return configuration;
}

// Entries 1 to 30, two a write and a millisecond, terms 1 to 3, each fifth one a configuration.
std::vector<raft::Entry> fill(LogStore& log) {
  std::vector<raft::Entry> all;
  for (raft::Index index = 1; index <= 30; index += 2) {
    raft::EntryBlockBuilder builder(log.last().checksum, 1000 + index);
    for (raft::Index each : {index, index + 1}) {
      if (each % 5 == 0) {
        builder.add(each, 1 + index / 11, raft::EntryKind::kConfiguration,
                    raft::encode_configuration(members(each / 5)));
      } else {
        builder.add(each, 1 + index / 11, raft::EntryKind::kCommand,
                    base::SharedBytes::take(payload_of(each, 1, 60)));
      }
    }
    const auto entries = builder.finish();
    log.append(entries);
    all.insert(all.end(), entries.begin(), entries.end());
  }
  log.sync();
  return all;
}

// Whether `log` holds exactly the entries from its first to `last` of `all`, and says so.
void require_part(const LogStore& log, const std::vector<raft::Entry>& all, raft::Index last) {
  REQUIRE(log.last_index() == last);
  const raft::Index first = log.first_index();
  REQUIRE(log.base() == (first == 1 ? raft::LogPosition{} : raft::position_of(all[first - 2])));
  REQUIRE(log.last() == (last == 0 ? raft::LogPosition{} : raft::position_of(all[last - 1])));
  REQUIRE(log.last_time_ms() == log.last().time_ms);
  std::vector<raft::Index> configurations;
  std::vector<raft::TermRun> runs;
  for (raft::Index index = first; index <= last; ++index) {
    const raft::Entry& entry = all[index - 1];
    if (entry.kind == raft::EntryKind::kConfiguration) configurations.push_back(index);
    if (runs.empty() || runs.back().term != entry.term) runs.push_back({index, entry.term});
  }
  REQUIRE(log.configurations().size() == configurations.size());
  for (std::size_t i = 0; i < configurations.size(); ++i) {
    REQUIRE(log.configurations()[i].index == configurations[i]);
    REQUIRE(log.configurations()[i].configuration == members(configurations[i] / 5));
  }
  REQUIRE(log.term_runs().size() == runs.size());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    REQUIRE(log.term_runs()[i].first_index == runs[i].first_index);
    REQUIRE(log.term_runs()[i].term == runs[i].term);
  }
  if (first > last) return;
  const std::vector<raft::Entry> part(all.begin() + static_cast<std::ptrdiff_t>(first - 1),
                                      all.begin() + static_cast<std::ptrdiff_t>(last));
  REQUIRE(same(log.read(first, last, SIZE_MAX), part));
  REQUIRE(same(log.tail(SIZE_MAX), part));
}

TEST_CASE("log_trim_forgets_whole_segments_and_never_the_last") {
  for (raft::Index index = 0; index <= 31; ++index) {
    SimulatedDisk disk;
    base::Random random(index);
    std::vector<raft::Entry> all;
    raft::Index first = 0;
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      all = fill(log);
      REQUIRE(disk.list("node/log").size() > 4);
      require_part(log, all, 30);
      log.trim_to(index);
      first = log.first_index();
      REQUIRE(first <= index + 1);
      REQUIRE((index < 10 || first > 1));
      require_part(log, all, 30);
    }
    disk.crash("node", random);  // it is durable on return
    LogStore log(disk, "node/log", kOwner, kSmall);
    REQUIRE(log.first_index() == first);
    require_part(log, all, 30);
    log.truncate_from(std::max(first, raft::Index{21}));
    require_part(log, all, std::max(first - 1, raft::Index{20}));
    log.append(next_entries_at(log, 2, 9, 5000));
    REQUIRE(log.last_time_ms() == 5000);
  }
}

TEST_CASE("log_trim_and_truncation_meet") {
  for (raft::Index index = 30; index >= 1; --index) {
    SimulatedDisk disk;
    LogStore log(disk, "node/log", kOwner, kSmall);
    const auto all = fill(log);
    log.trim_to(15);
    if (index < log.first_index()) break;
    log.truncate_from(index);
    require_part(log, all, index - 1);
    const LogStore again(disk, "node/log", kOwner, kSmall);
    require_part(again, all, index - 1);
  }
}

TEST_CASE("log_trim_cut_short_at_any_change_leaves_no_hole", "[A18][A19]") {
  bool finished = false;
  Tally tally("trims with a power cut", {"left no hole"});
  for (std::uint64_t passing = 0; !finished; ++passing) {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      INFO("power cut after " << passing << ", seed " << seed);
      SimulatedDisk disk;
      base::Random random(seed);
      std::vector<raft::Entry> all;
      {
        LogStore log(disk, "node/log", kOwner, kSmall);
        all = fill(log);
        disk.fail_after(passing, FaultKind::kPowerCut);
        try {
          log.trim_to(25);
          finished = true;
        } catch (const DiskFault&) {
        }
      }
      disk.heal();
      disk.crash("node", random);
      LogStore log(disk, "node/log", kOwner, kSmall);
      require_part(log, all, 30);
      log.trim_to(25);
      require_part(log, all, 30);
      tally.add("left no hole");
    }
  }
}

TEST_CASE("log_reset_begins_behind_the_base") {
  const raft::LogPosition base{500, 7, 0xabcdef, 9000};
  for (const std::size_t filled : {0u, 1u}) {
    SimulatedDisk disk;
    base::Random random(1);
    std::vector<raft::Entry> more;
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      if (filled > 0) static_cast<void>(fill(log));
      log.reset(base);
      CHECK(log.base() == base);
      CHECK(log.last() == base);
      CHECK(log.first_index() == 501);
      CHECK(log.last_index() == 500);
      CHECK(log.last_time_ms() == 9000);
      CHECK(log.term_runs().empty());
      CHECK(log.configurations().empty());
      CHECK(log.tail(100).empty());
    }
    disk.crash("node", random);  // it is durable on return
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      CHECK(log.base() == base);
      more = next_entries_at(log, 3, 7, 9000);
      log.append(more);
      log.sync();
      CHECK(same(log.read(501, 503, SIZE_MAX), more));
      REQUIRE(log.term_runs().size() == 1);
      CHECK(log.term_runs()[0].first_index == 501);
    }
    LogStore log(disk, "node/log", kOwner, kSmall);
    CHECK(log.base() == base);
    CHECK(same(log.read(501, 503, SIZE_MAX), more));
    log.truncate_from(501);
    CHECK(log.last() == base);
  }
}

TEST_CASE("log_reset_cut_short_at_any_change_leaves_the_old_log_or_the_new", "[A19][A23]") {
  // The second base lies inside the log, where its segment takes the name of an old one; the
  // third is the point before everything.
  Tally tally("replacements with a power cut", {"left the old log", "left the new"});
  for (const raft::Index index : {500u, 30u, 15u, 0u}) {
    bool finished = false;
    for (std::uint64_t passing = 0; !finished; ++passing) {
      for (std::uint64_t seed = 0; seed < 40; ++seed) {
        INFO("base " << index << ", power cut after " << passing << ", seed " << seed);
        SimulatedDisk disk;
        base::Random random(seed);
        std::vector<raft::Entry> all;
        const raft::LogPosition base =
            index == 0 ? raft::LogPosition{} : raft::LogPosition{index, 9, 0xabcdef, 9000};
        {
          LogStore log(disk, "node/log", kOwner, kSmall);
          all = fill(log);
          disk.fail_after(passing, FaultKind::kPowerCut);
          try {
            log.reset(base);
            finished = true;
          } catch (const DiskFault&) {
          }
        }
        disk.heal();
        if (random.chance(1, 2)) disk.crash("node", random);
        // The opening that finishes the replacement is cut short as well.
        disk.fail_after(random.between(0, 8), FaultKind::kPowerCut);
        try {
          const LogStore log(disk, "node/log", kOwner, kSmall);
        } catch (const DiskFault&) {
        }
        disk.heal();
        disk.crash("node", random);
        REQUIRE(log_exists(disk, "node/log"));
        LogStore log(disk, "node/log", kOwner, kSmall);
        const bool is_new = log.base() == base && log.last() == base;
        tally.add(is_new ? "left the new" : "left the old log");
        if (is_new) continue;
        REQUIRE_FALSE(finished);
        REQUIRE(log.first_index() == 1);
        require_part(log, all, 30);
        log.reset(base);
        REQUIRE(log.last() == base);
      }
    }
  }
}

TEST_CASE("log_recovery_time_that_falls_is_damage") {
  SimulatedDisk disk;
  const raft::LogPosition base{500, 7, 0xabcdef, 9000};
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    log.reset(base);
    log.append(next_entries_at(log, 1, 7, 9000));
    log.sync();
  }
  const std::string file = "node/log/" + disk.list("node/log").front();
  auto bytes = disk.content(file);
  auto header = *decode_segment_header(bytes);
  SECTION("time") { header.before.time_ms = 9001; }
  SECTION("term") { header.before.term = 8; }
  const auto changed = encode(header);
  std::copy(changed.begin(), changed.end(), bytes.begin());
  disk.set_content(file, bytes);
  CHECK_THROWS_WITH(LogStore(disk, "node/log", kOwner, kSmall),
                    Contains("entry 501 of term 7 at 9000 ms follows term"));
}

TEST_CASE("log_boundary_every_relation_of_log_and_snapshot_boots", "[A19]") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  const auto all = fill(log);
  raft::SnapshotHead snapshot;

  SECTION("no snapshot and a whole log") {
    CHECK_FALSE(join_log_to_snapshot(log, std::nullopt));
    require_part(log, all, 30);
  }
  SECTION("a snapshot inside the log") {
    snapshot.last = raft::position_of(all[19]);
    CHECK_FALSE(join_log_to_snapshot(log, snapshot));
    log.trim_to(20);
    CHECK_FALSE(join_log_to_snapshot(log, snapshot));
    require_part(log, all, 30);
  }
  SECTION("a snapshot at the end of the log") {
    snapshot.last = raft::position_of(all[29]);
    CHECK_FALSE(join_log_to_snapshot(log, snapshot));
    require_part(log, all, 30);
  }
  SECTION("a snapshot beyond the log") {
    snapshot.last = {31, 9, 5, 9000};
    CHECK(join_log_to_snapshot(log, snapshot));
    CHECK(log.last() == snapshot.last);
    CHECK_FALSE(join_log_to_snapshot(log, snapshot));
  }
  SECTION("a log of another history") {
    snapshot.last = raft::position_of(all[19]);
    snapshot.last.checksum ^= 1;
    CHECK(join_log_to_snapshot(log, snapshot));
    CHECK(log.base() == snapshot.last);
  }
  SECTION("a hole between the two") {
    snapshot.last = raft::position_of(all[9]);
    log.trim_to(20);
    CHECK_THROWS_WITH(join_log_to_snapshot(log, snapshot),
                      Contains("the newest snapshot ends with entry 10"));
    CHECK_THROWS_AS(join_log_to_snapshot(log, std::nullopt), Damage);
  }
}

}  // namespace
}  // namespace storage
