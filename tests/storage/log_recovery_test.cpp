#include "base/checksum.h"
#include "base/little_endian.h"
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
using Catch::Matchers::Contains;

std::string open_error(SimulatedDisk& disk, const LogOwner& owner = kOwner) {
  try {
    const LogStore log(disk, "log", owner, kSmall);
  } catch (const std::runtime_error& damage) {
    return damage.what();
  }
  return "";
}

// A log of `writes`, each synced; the last one is not, and is returned apart.
struct Written {
  std::vector<raft::Entry> synced;
  std::vector<raft::Entry> last;
  std::string last_file;
  std::uint64_t last_offset = 0;  // of the last frame
};

Written write_log(SimulatedDisk& disk, std::size_t writes, std::size_t payload_size) {
  Written written;
  LogStore log(disk, "log", kOwner, kSmall);
  for (std::size_t i = 0; i < writes; ++i) {
    const auto entries = next_entries(log, 2, 1, payload_size);
    log.append(entries);
    log.sync();
    written.synced.insert(written.synced.end(), entries.begin(), entries.end());
  }
  written.last = next_entries(log, 3, 2, payload_size);
  log.append(written.last);
  written.last_file = "log/" + disk.list("log").back();
  const auto bytes = disk.content(written.last_file);
  for (std::uint64_t at = kSegmentHeaderSize; at + kFrameHeaderSize <= bytes.size();
       at += kFrameAlignment) {
    if (decode_frame_header(std::span(bytes).subspan(at), kOwner.directory, at))
      written.last_offset = at;
  }
  return written;
}

TEST_CASE("log_recovery_torn_tail_is_cut_at_every_byte", "[A17]") {
  // 5 writes: the last one is in the middle of a segment; 8: it is the first of a new segment.
  bool at_start_of_segment = false;
  Tally tally("cuts of the last write", {"dropped", "whole"});
  for (const std::size_t writes : {5u, 6u, 7u, 8u, 9u}) {
    SimulatedDisk pattern;
    const Written written = write_log(pattern, writes, 100);
    at_start_of_segment = at_start_of_segment || written.last_offset == kSegmentHeaderSize;
    const auto whole = pattern.content(written.last_file);
    std::uint64_t end = written.last_offset + kFrameHeaderSize;
    for (const auto& entry : written.last) end += entry.record.size();
    for (std::uint64_t kept = written.last_offset; kept < end; ++kept) {
      SimulatedDisk disk;
      static_cast<void>(write_log(disk, writes, 100));
      auto bytes = whole;
      std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(kept), bytes.end(), std::byte{});
      const bool changed = bytes != whole;
      disk.set_content(written.last_file, bytes);
      std::vector<raft::Entry> all = written.synced;
      {
        LogStore log(disk, "log", kOwner, kSmall);
        REQUIRE(log.last_index() >= written.synced.size());
        REQUIRE((log.last_index() < written.synced.size() + written.last.size() || !changed));
        REQUIRE((log.torn_bytes() > 0) == (changed && kept > written.last_offset));
        for (const auto& entry : written.last) {
          if (entry.index <= log.last_index()) all.push_back(entry);
        }
        REQUIRE(same(all_of(log), all));
        const auto more = next_entries(log, 2, 3, 100);
        log.append(more);
        log.sync();
        all.insert(all.end(), more.begin(), more.end());
      }
      const LogStore log(disk, "log", kOwner, kSmall);
      REQUIRE(log.torn_bytes() == 0);
      REQUIRE(same(all_of(log), all));
      tally.add(changed ? "dropped" : "whole");
    }
  }
  CHECK(at_start_of_segment);
}

TEST_CASE("log_recovery_several_unsynced_writes_are_cut_from_the_first_lost_one", "[A17]") {
  SimulatedDisk disk;
  {
    LogStore log(disk, "log", kOwner, kSmall);
    log.append(next_entries(log, 1, 1));
    log.sync();
    for (int i = 0; i < 3; ++i) log.append(next_entries(log, 1, 1));
  }
  const std::string file = "log/" + segment_name(1);
  auto bytes = disk.content(file);
  const std::uint64_t frame = frame_aligned(kFrameHeaderSize + raft::kRecordHeaderSize + 30);
  bytes[kSegmentHeaderSize + frame + 80] ^= std::byte{1};  // in the second write, never synced
  disk.set_content(file, bytes);
  const LogStore log(disk, "log", kOwner, kSmall);
  CHECK(log.last_index() == 1);
  CHECK(log.torn_bytes() > 2 * frame);
}

TEST_CASE("log_recovery_each_damaged_byte_is_refused_or_harmless", "[A17]") {
  SimulatedDisk pattern;
  const Written written = write_log(pattern, 9, 100);
  const auto names = pattern.list("log");
  REQUIRE(names.size() == 2);
  std::size_t refused = 0;
  Tally tally("bytes damaged", {"refused", "without meaning", "accepted"});
  for (const auto& name : names) {
    const auto whole = pattern.content("log/" + name);
    for (std::size_t at = 0; at < whole.size(); ++at) {
      if ("log/" + name == written.last_file && at >= written.last_offset) break;
      SimulatedDisk disk;
      static_cast<void>(write_log(disk, 9, 100));
      auto bytes = whole;
      bytes[at] ^= std::byte{0x40};
      disk.set_content("log/" + name, bytes);
      const std::string error = open_error(disk);
      if (error.empty()) {
        const LogStore log(disk, "log", kOwner, kSmall);
        REQUIRE(log.last_index() == written.synced.size() + written.last.size());
        tally.add("without meaning");
      } else {
        ++refused;
        tally.add("refused");
        REQUIRE_THAT(error, Contains("log/" + name) && Contains("offset"));
      }
    }
  }
  CHECK(refused > 2000);
}

TEST_CASE("log_recovery_lost_segments_show", "[A18]") {
  SimulatedDisk disk;
  static_cast<void>(write_log(disk, 20, 100));
  const auto names = disk.list("log");
  REQUIRE(names.size() > 4);
  disk.remove("log/" + names[2]);
  CHECK_THAT(open_error(disk), Contains("a hole in the log: entries") && Contains(names[3]));
  disk.remove("log/" + names[1]);
  CHECK_THAT(open_error(disk), Contains("a hole in the log: entries") && Contains(names[3]));
}

TEST_CASE("log_recovery_segments_of_others_are_refused") {
  SimulatedDisk disk;
  static_cast<void>(write_log(disk, 20, 100));
  const auto names = disk.list("log");
  CHECK_THAT(open_error(disk, {78, 2, kOwner.cluster}),
             Contains("belongs to data directory 000000000000004d of node 1, this is data "
                      "directory 000000000000004e of node 2"));
  CHECK_THAT(open_error(disk, {77, 1, kOwner.cluster + 1}), Contains("in another cluster"));

  SECTION("of another history") {
    auto bytes = disk.content("log/" + names[1]);
    auto header = *decode_segment_header(bytes);
    header.before.checksum ^= 1;
    const auto changed = encode(header);
    std::copy(changed.begin(), changed.end(), bytes.begin());
    disk.set_content("log/" + names[1], bytes);
    CHECK_THAT(open_error(disk), Contains("follows another entry"));
  }
  SECTION("under another name") {
    disk.rename("log/" + names.back(), "log/" + segment_name(9999));
    CHECK_THAT(open_error(disk), Contains("its name says 9999"));
  }
}

TEST_CASE("log_recovery_newer_format_is_refused") {
  SimulatedDisk disk;
  static_cast<void>(write_log(disk, 1, 100));
  const std::string file = "log/" + segment_name(1);
  auto bytes = disk.content(file);
  base::store_little_endian<std::uint32_t>(bytes.data() + 16, kFormatVersion + 1);
  base::store_little_endian(bytes.data(),
                            base::checksum(std::span(bytes).subspan(8, kSegmentHeaderSize - 8)));
  disk.set_content(file, bytes);
  CHECK_THAT(open_error(disk), Contains("format version 4") && Contains("run a newer program"));
}

TEST_CASE("log_recovery_whole_record_of_an_unknown_kind_is_no_torn_tail", "[A17]") {
  SimulatedDisk disk;
  {
    LogStore log(disk, "log", kOwner, kSmall);
    raft::EntryBlockBuilder builder(0);
    builder.add(1, 1, raft::EntryKind{9},
                base::SharedBytes::take(std::string("of a newer release")));
    log.append(builder.finish());
  }
  CHECK_THROWS_AS(LogStore(disk, "log", kOwner, kSmall), Damage);
}

TEST_CASE("log_recovery_payload_that_looks_like_a_frame_proves_nothing", "[A17]") {
  // A client's value that holds a frame header, even one with the right offset, is not taken for
  // a later write: it does not know the directory id.
  SimulatedDisk disk;
  {
    LogStore log(disk, "log", kOwner, LogOptions{1 << 20});
    FrameHeader forged;
    forged.owner = kOwner.directory + 1;
    forged.offset = kSegmentHeaderSize + kFrameHeaderSize + raft::kRecordHeaderSize;
    forged.synced = forged.offset;
    forged.first_index = 2;
    forged.length = 40;
    forged.count = 1;
    const auto bytes = encode(forged);
    raft::EntryBlockBuilder builder(0);
    builder.add(1, 1, raft::EntryKind::kCommand,
                base::SharedBytes::take(std::vector<std::byte>(bytes.begin(), bytes.end())));
    log.append(builder.finish());
  }
  auto bytes = disk.content("log/" + segment_name(1));
  bytes[kSegmentHeaderSize] ^= std::byte{1};
  disk.set_content("log/" + segment_name(1), bytes);
  const LogStore log(disk, "log", kOwner, kSmall);
  CHECK(log.last_index() == 0);
  CHECK(log.torn_bytes() > 0);
}

TEST_CASE("log_recovery_leftover_of_a_new_segment_is_removed") {
  SimulatedDisk disk;
  static_cast<void>(write_log(disk, 1, 100));
  static_cast<void>(disk.open("log/next.preparing", FileSystem::OpenMode::kCreate));
  const LogStore log(disk, "log", kOwner, kSmall);
  CHECK(log.last_index() == 5);
  CHECK_FALSE(disk.exists("log/next.preparing"));
}

}  // namespace
}  // namespace storage
