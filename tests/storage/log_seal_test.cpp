// A17: the seal behind the last record tells damage to the last write from an interrupted one.
#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/segment_format.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{77, 1, 0};
constexpr LogOptions kSmall{2048};
const std::string kFirst = "log/" + segment_name(1);

bool is_damaged(SimulatedDisk& disk) {
  try {
    const LogStore log(disk, "log", kOwner, kSmall);
  } catch (const Damage&) {
    return true;
  }
  return false;
}

// Two writes of two entries, sealed.
std::vector<raft::Entry> write_sealed(SimulatedDisk& disk) {
  LogStore log(disk, "log", kOwner, kSmall);
  for (int i = 0; i < 2; ++i) {
    log.append(next_entries(log, 2, 1));
    log.sync();
  }
  log.seal();
  return all_of(log);
}

std::uint64_t seal_offset(const SimulatedDisk& disk) {
  const auto bytes = disk.content(kFirst);
  for (std::uint64_t at = kSegmentHeaderSize; at + kFrameHeaderSize <= bytes.size();
       at += kFrameAlignment) {
    const auto header = decode_frame_header(std::span(bytes).subspan(at), kOwner.directory, at);
    if (header && header->is_seal()) return at;
  }
  return 0;
}

}  // namespace

TEST_CASE("log_seal_tells_damage_to_the_last_write", "[A17]") {
  SimulatedDisk pattern;
  const auto all = write_sealed(pattern);
  const std::uint64_t seal = seal_offset(pattern);
  REQUIRE(seal > 0);
  const std::uint64_t records_end = seal - (seal - raft::kRecordHeaderSize) % kFrameAlignment;
  std::size_t refused = 0;
  std::size_t harmless = 0;
  Tally tally("bits flipped", {"refused", "without meaning"});
  for (std::uint64_t at = 0; at < seal + 2 * kFrameHeaderSize; ++at) {
    SimulatedDisk disk;
    static_cast<void>(write_sealed(disk));
    disk.flip_bit(kFirst, at * 8 + at % 8);
    if (is_damaged(disk)) {
      ++refused;
      tally.add("refused");
      REQUIRE(at < seal);
      continue;
    }
    // The padding before the seal, the seal itself, and what is behind it, mean nothing.
    ++harmless;
    tally.add("without meaning");
    REQUIRE(at >= records_end - kFrameAlignment);
    const LogStore log(disk, "log", kOwner, kSmall);
    REQUIRE(same(all_of(log), all));
  }
  CHECK(refused >= seal - kFrameAlignment);
  CHECK(harmless >= 2 * kFrameHeaderSize);
}

TEST_CASE("log_seal_gives_way_to_the_next_write") {
  SimulatedDisk disk;
  auto all = write_sealed(disk);
  for (int i = 0; i < 20; ++i) {
    LogStore log(disk, "log", kOwner, kSmall);
    REQUIRE(log.torn_bytes() == 0);
    REQUIRE(same(all_of(log), all));
    const auto more = next_entries(log, 2, 1);
    log.append(more);
    log.sync();
    log.seal();
    all.insert(all.end(), more.begin(), more.end());
  }
  CHECK(disk.list("log").size() > 1);
}

TEST_CASE("log_seal_that_a_torn_write_left_standing_is_no_damage", "[A17]") {
  SimulatedDisk disk;
  const auto all = write_sealed(disk);
  const std::uint64_t seal = seal_offset(disk);
  auto bytes = disk.content(kFirst);
  bytes[seal + kFrameHeaderSize + 100] = std::byte{1};  // of a write whose first sector was lost
  disk.set_content(kFirst, bytes);
  const LogStore log(disk, "log", kOwner, kSmall);
  CHECK(log.torn_bytes() > 0);
  CHECK(same(all_of(log), all));
  CHECK(seal_offset(disk) == seal);
}

TEST_CASE("log_seal_of_a_frame_that_was_cut_is_the_next_segment", "[A17]") {
  SimulatedDisk disk;
  auto all = write_sealed(disk);
  {
    LogStore log(disk, "log", kOwner, kSmall);
    log.truncate_from(4);
    log.seal();
    CHECK(disk.list("log").size() == 2);
  }
  all.pop_back();
  {
    const LogStore log(disk, "log", kOwner, kSmall);
    CHECK(same(all_of(log), all));
  }
  disk.flip_bit(kFirst, (disk.content(kFirst).size() - 1) * 8);
  CHECK(is_damaged(disk));
}

TEST_CASE("log_seal_is_durable_after_an_orderly_close") {
  SimulatedDisk disk;
  base::Random random(1);
  {
    LogStore log(disk, "log", kOwner, kSmall);
    log.append(next_entries(log, 2, 1));
    log.close();
  }
  disk.crash("log", random);
  CHECK(seal_offset(disk) > 0);
}

// It is optional: an append makes up for it, and needs room itself.
TEST_CASE("log_seal_is_left_out_where_there_is_no_room_for_it", "[A17]") {
  SimulatedDisk disk;
  raft::Index last = 0;
  {
    LogStore log(disk, "log", kOwner, kSmall);
    log.append(next_entries(log, 1, 1, 5000));  // fills its segment to the end of the file
    log.sync();
    disk.limit(disk.used());
    log.seal();
    log.close();
    last = log.last_index();
  }
  CHECK(seal_offset(disk) == 0);
  {
    LogStore log(disk, "log", kOwner, kSmall);  // nor at a start
    REQUIRE(log.last_index() == last);
    CHECK(seal_offset(disk) == 0);
    CHECK_FALSE(log.make_room(next_entries(log, 1, 1)));
    disk.limit(std::nullopt);
    log.seal();
    CHECK(seal_offset(disk) > 0);
    log.append(next_entries(log, 1, 1));
    log.sync();
  }
  const LogStore log(disk, "log", kOwner, kSmall);
  CHECK(log.last_index() == last + 1);
}

// A segment that was cut inside a frame gets the next one as its seal.
TEST_CASE("log_seal_of_a_segment_that_ends_in_a_frame_waits_for_room", "[A17]") {
  SimulatedDisk disk;
  LogStore log(disk, "log", kOwner, kSmall);
  log.append(next_entries(log, 4, 1));
  log.sync();
  log.truncate_from(3);
  disk.limit(disk.used());
  log.seal();
  CHECK(disk.list("log").size() == 1);
  disk.limit(std::nullopt);
  log.seal();
  CHECK(disk.list("log").size() == 2);
  CHECK(log.last_index() == 2);
}

}  // namespace storage
