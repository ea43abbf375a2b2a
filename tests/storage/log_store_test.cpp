#include "storage/log_store.h"

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/simulated_disk.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{77, 1, 0};
constexpr LogOptions kSmall{4096};

void append(LogStore& log, std::vector<raft::Entry>& all, std::size_t count, raft::Term term,
            std::size_t payload_size = 30) {
  const auto entries = next_entries(log, count, term, payload_size);
  log.append(entries);
  all.insert(all.end(), entries.begin(), entries.end());
}

TEST_CASE("log_store_empty_log_has_no_entry") {
  SimulatedDisk disk;
  for (int opening = 0; opening < 2; ++opening) {
    const LogStore log(disk, "node/log", kOwner, kSmall);
    CHECK(log.first_index() == 1);
    CHECK(log.last_index() == 0);
    CHECK(log.term_runs().empty());
    CHECK(log.tail(1000).empty());
    CHECK(log.torn_bytes() == 0);
  }
}

TEST_CASE("log_store_reopened_log_holds_what_was_synced") {
  SimulatedDisk disk;
  base::Random random(1);
  std::vector<raft::Entry> all;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    append(log, all, 3, 1);
    append(log, all, 1, 1, 0);
    append(log, all, 2, 4);
    log.sync();
    REQUIRE(same(all_of(log), all));
  }
  disk.crash("node", random);
  const LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK(same(all_of(log), all));
  REQUIRE(log.term_runs().size() == 2);
  CHECK(log.term_runs()[0].first_index == 1);
  CHECK(log.term_runs()[0].term == 1);
  CHECK(log.term_runs()[1].first_index == 5);
  CHECK(log.term_runs()[1].term == 4);
}

TEST_CASE("log_store_group_commit_is_one_sync_for_many_appends") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, LogOptions{1 << 20});
  std::vector<raft::Entry> all;
  append(log, all, 1, 1);  // writes zeros ahead
  log.sync();
  const auto before = disk.operations();
  for (int i = 0; i < 10; ++i) append(log, all, 5, 1);
  CHECK(disk.operations() == before + 10);
  log.sync();
  CHECK(disk.operations() == before + 11);
  log.sync();  // nothing new
  CHECK(disk.operations() == before + 11);
}

TEST_CASE("log_store_rolls_over_and_reads_across_segments") {
  SimulatedDisk disk;
  std::vector<raft::Entry> all;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    for (int i = 0; i < 40; ++i) append(log, all, 1 + i % 3, 1 + i / 10, i * 17 % 400);
    log.sync();
  }
  REQUIRE(disk.list("node/log").size() > 3);
  for (const auto& name : disk.list("node/log")) {
    CHECK(disk.content("node/log/" + name).size() <= kSmall.segment_bytes);
  }
  LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK(same(all_of(log), all));
  for (raft::Index first = 1; first <= all.size(); ++first) {
    const auto one = log.read(first, log.last_index(), 1);
    REQUIRE(one.size() == 1);
    CHECK(one[0].record == all[first - 1].record);
  }
  append(log, all, 2, 9);
  CHECK(same(all_of(log), all));
}

TEST_CASE("log_store_write_larger_than_a_segment_has_one_to_itself") {
  SimulatedDisk disk;
  std::vector<raft::Entry> all;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    append(log, all, 1, 1);
    append(log, all, 3, 1, 5000);
    append(log, all, 1, 1);
    log.sync();
  }
  const LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK(disk.list("node/log").size() == 3);
  CHECK(same(all_of(log), all));
}

TEST_CASE("log_store_read_and_tail_keep_to_their_limit") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, LogOptions{256 << 10});
  std::vector<raft::Entry> all;
  for (int i = 0; i < 300; ++i) append(log, all, 1 + i % 50, 1, 60);
  const std::size_t size = all[0].record.size();
  REQUIRE(disk.list("node/log").size() > 2);
  for (const std::size_t wanted : {1u, 2u, 10u, 777u, 3000u}) {
    const auto head = log.read(5, log.last_index(), wanted * size);
    REQUIRE(head.size() == wanted);
    CHECK(head.front().index == 5);
    CHECK(log.read(5, log.last_index(), wanted * size + size - 1).size() == wanted);
    const auto tail = log.tail(wanted * size);
    REQUIRE(tail.size() == wanted);
    CHECK(tail.back().index == log.last_index());
    CHECK(tail.front().record == all[all.size() - wanted].record);
  }
  CHECK(log.read(7, 9, SIZE_MAX).size() == 3);
  CHECK(log.tail(0).size() == 1);
  CHECK(same(log.tail(SIZE_MAX), all));
}

TEST_CASE("log_store_entries_of_one_read_share_their_buffer") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, LogOptions{1 << 20});
  std::vector<raft::Entry> all;
  append(log, all, 100, 1);
  const auto entries = all_of(log);
  for (const auto& entry : entries) CHECK(entry.record.owner() == entries[0].record.owner());
}

TEST_CASE("log_store_scattered_records_are_written_in_order") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, LogOptions{1 << 20});
  auto entries = make_entries(1, 20, 1, 0);
  for (std::size_t i = 0; i < entries.size(); i += 3) {
    entries[i].record = base::SharedBytes::copy_of(entries[i].record.view());
  }
  log.append(entries);
  CHECK(same(all_of(log), entries));
}

TEST_CASE("log_store_failed_sync_is_final", "[A16]") {
  SimulatedDisk disk;
  base::Random random(3);
  std::vector<raft::Entry> all;
  LogStore log(disk, "node/log", kOwner, kSmall);
  append(log, all, 1, 1);
  log.sync();
  const auto more = next_entries(log, 2, 1);
  log.append(more);
  disk.fail_after(0, FaultKind::kInputOutput);
  CHECK_THROWS_AS(log.sync(), DiskFault);
  const auto before = disk.operations();
  CHECK_THROWS_AS(log.sync(), DiskFault);
  CHECK_THROWS_AS(log.append(next_entries(log, 1, 1)), DiskFault);
  CHECK_THROWS_AS(log.truncate_from(1), DiskFault);
  CHECK(disk.operations() == before);
}

TEST_CASE("log_store_reopened_after_a_failed_sync_writes_the_dropped_pages_again", "[A16]") {
  // The kernel takes pages whose sync failed for clean: a new process reads them, and a sync of
  // them does nothing. What the log reports at open must survive a power cut all the same.
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    std::vector<raft::Entry> all;
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      append(log, all, 1, 1);
      log.sync();
      append(log, all, 2, 1);
      append(log, all, 2, 1);
      disk.fail_after(0, FaultKind::kInputOutput);
      CHECK_THROWS_AS(log.sync(), DiskFault);
    }
    raft::Index reported = 0;
    {
      const LogStore log(disk, "node/log", kOwner, kSmall);
      reported = log.last_index();
    }
    REQUIRE(reported == 5);
    disk.crash("node", random);
    const LogStore log(disk, "node/log", kOwner, kSmall);
    REQUIRE(log.last_index() == reported);
  }
}

// Where it is met while room is made, it may even go unnoticed.
TEST_CASE("log_store_full_disk_loses_nothing_synced") {
  for (std::uint64_t passing = 0; passing < 12; ++passing) {
    SimulatedDisk disk;
    std::vector<raft::Entry> all;
    std::size_t synced = 0;
    {
      LogStore log(disk, "node/log", kOwner, kSmall);
      disk.fail_after(passing, FaultKind::kNoSpace);
      try {
        for (int i = 0; i < 10; ++i) {
          append(log, all, 1, 1, 1000);
          log.sync();
          synced = all.size();
        }
      } catch (const DiskFault& fault) {
        CHECK(std::string(fault.what()).find("node/log") != std::string::npos);
      }
    }
    const LogStore log(disk, "node/log", kOwner, kSmall);
    CHECK(log.last_index() >= synced);
    CHECK(log.last_index() <= synced + 1);
  }
}

}  // namespace
}  // namespace storage
