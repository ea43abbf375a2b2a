// The segment that is prepared ahead of its use: what stands behind the end of the log is nothing
// but zeros, on disk, whatever the file was before.
#include "storage/spare_segment.h"

#include <algorithm>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/record_cursor.h"
#include "storage/simulated_disk.h"
#include "storage/space_guard.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{77, 1, 0};
constexpr LogOptions kSmall{4096};
constexpr std::uint64_t kSlice = 1024;
const std::string kSpare = "node/log/spare.segment";

void append(LogStore& log, std::size_t count, std::size_t payload_size = 400) {
  log.append(next_entries(log, count, 1, payload_size));
  log.sync();
}

void prepare_all(LogStore& log) {
  for (std::uint64_t done = 0; done < kSmall.segment_bytes; done += kSlice) {
    log.prepare_ahead(kSlice);
  }
}

std::size_t segments(const SimulatedDisk& disk) {
  std::size_t count = 0;
  for (const auto& name : disk.list("node/log")) count += index_of_segment(name) ? 1 : 0;
  return count;
}

// Until the log has one segment more.
void roll_over(SimulatedDisk& disk, LogStore& log) {
  for (const std::size_t before = segments(disk); segments(disk) == before;) append(log, 1);
}

void write_bytes(SimulatedDisk& disk, const std::string& name, std::vector<std::byte> bytes) {
  static_cast<void>(disk.open(name, FileSystem::OpenMode::kCreate));
  disk.set_content(name, std::move(bytes));
  disk.sync_directory("node/log");
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(),
                     [](std::byte each) { return each == std::byte{}; });
}

// The rule, for the last segment, as the disk has it.
void require_zeros_behind_the_end(SimulatedDisk& disk, const LogStore& log) {
  std::string last;
  for (const auto& name : disk.list("node/log")) {
    if (index_of_segment(name)) last = "node/log/" + name;
  }
  const auto file = disk.open(last, FileSystem::OpenMode::kReadOnly);
  RecordCursor cursor(*file, kOwner.directory,
                      {*index_of_segment(last.substr(9)), kSegmentHeaderSize, kSegmentHeaderSize},
                      std::nullopt, 4096);
  while (cursor.next()) {
  }
  REQUIRE(cursor.position().index == log.last_index() + 1);
  const auto bytes = disk.content(last);
  REQUIRE(all_zero(std::span(bytes).subspan(std::min<std::size_t>(cursor.end(), bytes.size()))));
}

TEST_CASE("spare_segment_is_used_at_roll_over_and_needs_no_more_zeros") {
  SimulatedDisk disk;
  base::Random random(1);
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    log.allow_spare(true);
    append(log, 4);
    prepare_all(log);
    REQUIRE(disk.content(kSpare).size() == kSmall.segment_bytes);
    REQUIRE(all_zero(disk.content(kSpare)));
    roll_over(disk, log);
    CHECK_FALSE(disk.exists(kSpare));
    const std::string next = "node/log/" + disk.list("node/log").back();
    CHECK(disk.content(next).size() == kSmall.segment_bytes);
    const auto before = disk.operations();
    append(log, 1);
    CHECK(disk.operations() == before + 2);  // a write and a sync
    require_zeros_behind_the_end(disk, log);
  }
  disk.crash("node", random);
  const LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK(log.torn_bytes() == 0);
  require_zeros_behind_the_end(disk, log);
}

TEST_CASE("spare_segment_is_not_used_before_it_is_complete") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 4);
  log.prepare_ahead(kSlice);
  roll_over(disk, log);
  CHECK(disk.content(kSpare).size() == kSlice);
  append(log, 4);
  prepare_all(log);  // goes on where it was
  roll_over(disk, log);
  CHECK_FALSE(disk.exists(kSpare));
  CHECK(segments(disk) == 3);
}

TEST_CASE("spare_segment_is_synced_once_it_is_complete") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 4);
  log.prepare_ahead(kSlice);
  for (int slice = 2; slice <= 4; ++slice) {
    const auto before = disk.operations();
    log.prepare_ahead(kSlice);
    CHECK(disk.operations() == before + (slice == 4 ? 2 : 1));
  }
  const auto complete = disk.operations();
  log.prepare_ahead(kSlice);
  CHECK(disk.operations() == complete);
}

TEST_CASE("log_store_writes_zeros_ahead_of_its_end_before_an_append_needs_them") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  const std::string file = "node/log/" + segment_name(1);
  log.prepare_ahead(kSlice);
  CHECK(disk.content(file).size() == kSegmentHeaderSize);  // not where it is not allowed
  log.allow_spare(true);
  prepare_all(log);
  CHECK(disk.content(file).size() == kSmall.segment_bytes);
  const auto before = disk.operations();
  append(log, 1);
  CHECK(disk.operations() == before + 2);  // a write and a sync
  require_zeros_behind_the_end(disk, log);
}

TEST_CASE("spare_segment_is_none_of_a_log_that_stays_small_or_is_not_allowed_one") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  append(log, 4);
  log.prepare_ahead(kSlice);
  CHECK_FALSE(disk.exists(kSpare));
  log.truncate_from(1);
  log.allow_spare(true);
  log.prepare_ahead(kSlice);
  CHECK_FALSE(disk.exists(kSpare));
}

TEST_CASE("spare_segment_is_made_of_one_that_is_trimmed_and_holds_nothing_of_it") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  for (int i = 0; i < 3; ++i) roll_over(disk, log);
  REQUIRE(segments(disk) == 4);
  const auto recycled = disk.content("node/log/" + segment_name(1));
  log.trim_to(log.last_index());
  CHECK(segments(disk) == 1);
  CHECK(disk.list("node/log").size() == 2);  // one spare at most
  const bool is_the_first = disk.content(kSpare) == recycled;
  CHECK(is_the_first);
  CHECK_FALSE(all_zero(disk.content(kSpare)));
  prepare_all(log);
  CHECK(all_zero(disk.content(kSpare)));
  CHECK(disk.content(kSpare).size() == kSmall.segment_bytes);
  roll_over(disk, log);
  require_zeros_behind_the_end(disk, log);
}

TEST_CASE("spare_segment_is_made_of_one_that_is_truncated_away") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  roll_over(disk, log);
  append(log, 3);
  log.truncate_from(2);
  CHECK(segments(disk) == 1);
  REQUIRE(disk.exists(kSpare));
  while (segments(disk) == 1) {
    append(log, 1);
    prepare_all(log);
  }
  require_zeros_behind_the_end(disk, log);
  const LogStore again(disk, "node/log", kOwner, kSmall);
  CHECK(again.last_index() == log.last_index());
  CHECK(again.torn_bytes() == 0);
}

TEST_CASE("spare_segment_is_not_made_of_one_that_is_larger_than_a_segment") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 3, 5000);
  roll_over(disk, log);
  log.trim_to(log.last_index());
  CHECK(segments(disk) == 1);
  CHECK_FALSE(disk.exists(kSpare));
}

// What an earlier life knew of its zeros is not on disk.
TEST_CASE("spare_segment_that_is_found_is_not_trusted") {
  SimulatedDisk disk;
  base::Random random(1);
  std::vector<std::byte> frames;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    roll_over(disk, log);
    frames = disk.content("node/log/" + segment_name(1));
  }
  frames.resize(kSmall.segment_bytes, std::byte{0xff});
  write_bytes(disk, kSpare, frames);
  disk.crash("node", random);
  LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK_FALSE(disk.exists(kSpare));
  log.allow_spare(true);
  append(log, 3);
  prepare_all(log);
  roll_over(disk, log);
  require_zeros_behind_the_end(disk, log);
}

// Recycles segments again and again, and loses the power at change number `passing`. Returns
// whether that came too late to matter.
bool recycle_with_power_cut(std::uint64_t passing, bool loses_cache, std::uint64_t seed) {
  SimulatedDisk disk;
  base::Random random(seed);
  raft::Index synced = 0;
  raft::Index trimmed = 0;
  bool finished = false;
  {
    LogStore log(disk, "node/log", kOwner, kSmall);
    for (int i = 0; i < 2; ++i) roll_over(disk, log);
    log.allow_spare(true);
    synced = log.last_index();
    disk.fail_after(passing, FaultKind::kPowerCut);
    try {
      for (int round = 0; round < 3; ++round) {
        trimmed = synced - 1;
        log.trim_to(trimmed);
        prepare_all(log);
        for (int i = 0; i < 10; ++i) {
          append(log, 1, 300 + 40 * i);
          synced = log.last_index();
        }
      }
      finished = true;
    } catch (const DiskFault&) {
    }
  }
  disk.heal();
  if (loses_cache) disk.crash("node", random);
  LogStore log(disk, "node/log", kOwner, kSmall);
  INFO("power cut after " << passing << ", seed " << seed);
  REQUIRE(log.last_index() >= synced);
  REQUIRE(log.first_index() <= trimmed + 1);
  if (log.first_index() <= log.last_index()) {
    REQUIRE(log.read(log.first_index(), log.last_index(), SIZE_MAX).back().checksum() ==
            log.last().checksum);
  }
  require_zeros_behind_the_end(disk, log);
  append(log, 20);
  require_zeros_behind_the_end(disk, log);
  return finished;
}

TEST_CASE("spare_segment_cut_short_at_any_change_boots_with_all_that_was_synced", "[A17][A18]") {
  for (const bool loses_cache : {false, true}) {
    for (std::uint64_t seed = 0; seed < (loses_cache ? 8 : 1); ++seed) {
      std::uint64_t passing = 0;
      while (!recycle_with_power_cut(passing, loses_cache, seed)) ++passing;
      REQUIRE(passing > 60);
    }
  }
}

TEST_CASE("spare_segment_that_cannot_be_synced_is_final", "[A16]") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 4);
  for (int slice = 1; slice < 4; ++slice) log.prepare_ahead(kSlice);
  disk.fail_after(1, FaultKind::kSync);
  CHECK_THROWS_AS(log.prepare_ahead(kSlice), DiskFault);
  CHECK_THROWS_WITH(log.append(next_entries(log, 1, 1)), Catch::Matchers::Contains("is closed"));
}

TEST_CASE("spare_segment_gives_its_room_to_entries_that_find_none") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 4);
  prepare_all(log);
  disk.limit(disk.used());
  append(log, 1, 3500);  // it is complete, and has room for them itself
  CHECK_FALSE(disk.exists(kSpare));
  disk.limit(std::nullopt);
  for (int i = 0; i < 3; ++i) log.prepare_ahead(kSlice);
  REQUIRE(disk.content(kSpare).size() == 3 * kSlice);
  disk.limit(disk.used() + kSlice);
  append(log, 1, 3500);  // a new segment, of a length for which there is no room beside it
  CHECK_FALSE(disk.exists(kSpare));
  CHECK(segments(disk) == 3);
  disk.limit(std::nullopt);
  prepare_all(log);
  CHECK_FALSE(disk.exists(kSpare));  // until it is allowed again
}

TEST_CASE("spare_segment_for_which_there_is_no_room_is_given_up_and_is_no_fault") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  append(log, 4);
  disk.limit(disk.used() + 2 * kSlice + 100);
  prepare_all(log);
  CHECK_FALSE(disk.exists(kSpare));
  append(log, 1, 100);
  disk.limit(std::nullopt);
  log.allow_spare(true);
  prepare_all(log);
  CHECK(disk.content(kSpare).size() == kSmall.segment_bytes);
  log.allow_spare(false);
  CHECK_FALSE(disk.exists(kSpare));
}

TEST_CASE("spare_segment_leaves_what_is_trimmed_to_a_disk_that_is_short_of_room") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  for (int i = 0; i < 2; ++i) roll_over(disk, log);
  log.allow_spare(true);
  log.allow_spare(false);
  log.trim_to(log.last_index());
  CHECK(disk.list("node/log").size() == 1);
}

// Written, given back and recycled as it may be: the disk holds what the log needs, and one more.
TEST_CASE("spare_segment_is_one_at_most") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  log.allow_spare(true);
  for (int i = 0; i < 100; ++i) {
    append(log, 1 + i % 3);
    log.prepare_ahead(700);
    if (i % 7 == 0) log.trim_to(log.last_index() - std::min<raft::Index>(log.last_index(), 10));
    REQUIRE(disk.list("node/log").size() <= segments(disk) + 1);
    REQUIRE(disk.used() <= (segments(disk) + 1) * kSmall.segment_bytes);
  }
}

TEST_CASE("spare_segment_wants_room_for_what_it_lacks_and_twice_as_much_to_begin") {
  SimulatedDisk disk;
  LogStore log(disk, "node/log", kOwner, kSmall);
  CHECK(log.room_for_spare() == 2 * kSmall.segment_bytes);
  log.allow_spare(true);
  append(log, 4);
  log.prepare_ahead(kSlice);
  CHECK(log.room_for_spare() == kSmall.segment_bytes - kSlice);
  const SpaceGuard guard(disk, "node", 0);
  CHECK(guard.has_room_beside(log.room_for_spare()));
  disk.limit(disk.used() + kSmall.segment_bytes - kSlice);
  CHECK(guard.has_room_beside(log.room_for_spare()));
  disk.limit(disk.used() + kSmall.segment_bytes - kSlice - 1);
  CHECK_FALSE(guard.has_room_beside(log.room_for_spare()));
  log.allow_spare(false);  // what it gave back is not enough to begin another
  CHECK_FALSE(guard.has_room_beside(log.room_for_spare()));
}

TEST_CASE("spare_segment_goes_before_a_start_without_room_fails") {
  SimulatedDisk disk;
  disk.make_directory("node/log");
  write_bytes(disk, kSpare, std::vector<std::byte>(100));
  CHECK(SpaceGuard::make_room_to_start(disk, "node"));
  CHECK_FALSE(disk.exists(kSpare));
  CHECK_FALSE(SpaceGuard::make_room_to_start(disk, "node"));
}

}  // namespace
}  // namespace storage
