// What is stored of a snapshot and does not check is refused with file and offset.
#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/catch.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

using Catch::Matchers::Contains;

// Opens the store and reads all; the error, or nothing.
std::string use_error(SimulatedDisk& disk, std::uint64_t owner = kSnapshotOwner) {
  try {
    const SnapshotStore store(disk, kSnapshots, owner);
    static_cast<void>(read_all(store));
  } catch (const std::runtime_error& damage) {
    return damage.what();
  }
  return "";
}

TEST_CASE("snapshot_damage_each_byte_is_refused_with_its_place") {
  SimulatedDisk disk;
  const std::size_t content_size = 500;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(42), content_of(content_size, 1));
  }
  const std::string file = kSnapshots + "/" + snapshot_name(42, SnapshotState::kComplete);
  const auto whole = disk.content(file);
  const std::size_t content_offset =
      whole.size() - raft::SnapshotHead::kTableEntryBytes - content_size;
  Tally tally("bits flipped, or bytes cut off", {"refused"});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    INFO("byte " << at);
    std::size_t place = 0;
    if (at >= content_offset) place = content_offset;
    if (at >= content_offset + content_size) place = content_offset + content_size;
    disk.flip_bit(file, at * 8 + at % 8);
    REQUIRE_THAT(use_error(disk), Contains(fmt::format("{}, offset {}:", file, place)));
    disk.set_content(file, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(at)});
    REQUIRE_THAT(use_error(disk), Contains(file + ", offset"));
    disk.set_content(file, whole);
    tally.add("refused", 2);
  }
  auto longer = whole;
  longer.push_back(std::byte{});
  disk.set_content(file, longer);
  CHECK_THAT(use_error(disk), Contains(fmt::format("{}, offset {}:", file, whole.size())));
  disk.set_content(file, whole);
  CHECK(use_error(disk).empty());
}

TEST_CASE("snapshot_damage_shows_in_the_block_that_is_read") {
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner, {{1000, 1000, 1000}});
    write(store, meta_of(42), content_of(3500, 1));
  }
  const std::string file = kSnapshots + "/" + snapshot_name(42, SnapshotState::kComplete);
  const std::uint64_t offset =
      disk.content(file).size() - 4 * raft::SnapshotHead::kTableEntryBytes - 3500;
  disk.flip_bit(file, (offset + 2005) * 8);
  const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(store.read(42, 0, 2000)->size() == 2000);
  CHECK(store.read(42, 3000, 10)->size() == 10);
  CHECK_THROWS_WITH(store.read(42, 1999, 2),
                    Contains(fmt::format("{}, offset {}:", file, offset + 2000)));
}

TEST_CASE("snapshot_damage_never_falls_back_to_an_older_snapshot") {
  SimulatedDisk disk;
  std::vector<std::byte> older;
  const std::string file = kSnapshots + "/" + snapshot_name(41, SnapshotState::kComplete);
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(41), {});
    older = disk.content(file);
    write(store, meta_of(42), {});
  }
  static_cast<void>(disk.open(file, FileSystem::OpenMode::kCreate));
  disk.set_content(file, older);
  disk.flip_bit(kSnapshots + "/" + snapshot_name(42, SnapshotState::kComplete), 333);
  CHECK_THAT(use_error(disk), Contains(snapshot_name(42, SnapshotState::kComplete)));
  CHECK(disk.exists(file));
}

TEST_CASE("snapshot_damage_files_of_others_are_refused") {
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(42), {});
  }
  const std::string file = kSnapshots + "/" + snapshot_name(42, SnapshotState::kComplete);
  CHECK_THAT(use_error(disk, 78), Contains("belongs to data directory"));
  SECTION("a newer format") {
    auto bytes = disk.content(file);
    base::store_little_endian<std::uint32_t>(bytes.data() + 16, 3);
    base::store_little_endian(bytes.data(), base::checksum(std::span(bytes).subspan(8)));
    disk.set_content(file, bytes);
    CHECK_THAT(use_error(disk), Contains("format version 3") && Contains("run a newer program"));
  }
  SECTION("the format before, whose head has no number of blocks") {
    auto bytes = disk.content(file);
    bytes.erase(bytes.begin() + 80, bytes.begin() + 88);
    base::store_little_endian<std::uint32_t>(bytes.data() + 16, 1);
    base::store_little_endian(bytes.data() + 20, static_cast<std::uint32_t>(bytes.size() - 80));
    base::store_little_endian(bytes.data(), base::checksum(std::span(bytes).subspan(8)));
    disk.set_content(file, bytes);
    CHECK_THAT(use_error(disk), Contains("format version 1") && Contains("run an older program"));
  }
  SECTION("another name") {
    disk.rename(file, kSnapshots + "/" + snapshot_name(43, SnapshotState::kComplete));
    CHECK_THAT(use_error(disk), Contains("is of index 42, its name says 43"));
  }
}

TEST_CASE("snapshot_damage_of_one_that_is_being_received_costs_only_the_rest") {
  const Sent sent = make_sent(42, content_of(30000, 1));
  SimulatedDisk pattern;
  {
    SnapshotStore store(pattern, kSnapshots, kSnapshotOwner);
    static_cast<void>(send(store, sent, 0, 25000));
  }
  const std::string file = kSnapshots + "/" + snapshot_name(42, SnapshotState::kReceiving);
  const auto whole = pattern.content(file);
  Tally tally("bits flipped", {"received again"});
  for (std::size_t at = 0; at < whole.size(); at += 97) {
    SimulatedDisk disk;
    disk.make_directory(kSnapshots);
    static_cast<void>(disk.open(file, FileSystem::OpenMode::kCreate));
    disk.set_content(file, whole);
    disk.flip_bit(file, at * 8);
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    send_rest(store, sent, 10000);
    require_newest(store, sent);
    tally.add("received again");
  }
}

TEST_CASE("snapshot_read_fault_is_no_damage") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(42), content_of(10, 1));
  disk.fail_read_after(0);
  CHECK_THROWS_AS(store.read(42, 0, 10), DiskFault);
  CHECK(store.read(42, 0, 10)->size() == 10);
}

}  // namespace
}  // namespace storage
