#include "storage/data_directory.h"

#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"
#include "storage/snapshot_store.h"
#include "storage/tally.h"

namespace storage {
namespace {

using Catch::Matchers::Contains;

std::string open_error(FileSystem& disk, const std::string& cluster, raft::NodeId node) {
  try {
    const DataDirectory directory(disk, "data/node1", cluster, node, 1);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("data_directory_is_created_once_and_counts_its_starts") {
  SimulatedDisk disk;
  base::Random random(5);
  std::uint64_t id = 0;
  {
    const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
    CHECK(directory.fresh());
    CHECK(directory.starts() == 1);
    CHECK(directory.path() == "data/node1");
    CHECK(directory.log_path() == "data/node1/log");
    CHECK(directory.snapshots_path() == "data/node1/snapshots");
    CHECK(directory.database_path() == "data/node1/database");
    id = directory.id();
  }
  for (std::uint64_t start = 2; start < 10; ++start) {
    disk.crash("data", random);
    const DataDirectory directory(disk, "data/node1", "colours", 1, 43);
    CHECK_FALSE(directory.fresh());
    CHECK(directory.starts() == start);
    CHECK(directory.id() == id);
  }
  const DataDirectory other(disk, "data/node2", "colours", 2, 43);
  CHECK(other.id() != id);
}

TEST_CASE("data_directory_of_another_node_or_cluster_is_refused", "[A28][A29]") {
  SimulatedDisk disk;
  { const DataDirectory directory(disk, "data/node1", "colours", 1, 42); }
  CHECK_THAT(open_error(disk, "colours", 2),
             Contains("data/node1 belongs to node 1 of cluster \"colours\", and this is node 2 of "
                      "cluster \"colours\""));
  CHECK_THAT(open_error(disk, "shapes", 1), Contains("this is node 1 of cluster \"shapes\""));
  const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
  CHECK(directory.starts() == 2);  // refusals count no start
}

TEST_CASE("data_directory_of_another_format_is_refused") {
  SimulatedDisk disk;
  { const DataDirectory directory(disk, "data/node1", "colours", 1, 42); }
  auto bytes = disk.content("data/node1/identity");
  for (const std::uint32_t version : {1u, 3u}) {
    base::store_little_endian(bytes.data() + 16, version);
    base::store_little_endian(bytes.data(), base::checksum(std::span(bytes).subspan(8)));
    disk.set_content("data/node1/identity", bytes);
    CHECK_THAT(
        open_error(disk, "colours", 1),
        Contains(fmt::format("has format version {}, this program knows version 2", version)));
  }
}

TEST_CASE("data_directory_in_use_is_refused") {
  SimulatedDisk disk;
  const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
  CHECK_THAT(open_error(disk, "colours", 1), Contains("data/node1 is in use by another process"));
}

TEST_CASE("data_directory_without_its_identity_is_not_new", "[A28]") {
  SimulatedDisk disk;
  {
    const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
    HardStateStore hard_state(disk, directory.path(), directory.fresh());
    LogStore log(disk, directory.log_path(), directory.log_owner(), {});
    SECTION("with a log") { log.append(next_entries(log, 1, 1)); }
    SECTION("with a term") { hard_state.save({1, {}}); }
    SECTION("with a snapshot") {
      SnapshotStore snapshots(disk, directory.snapshots_path(), directory.id());
      snapshots.begin({});
      REQUIRE(snapshots.finish());
    }
    SECTION("with a database") {
      static_cast<void>(disk.open("data/node1/database/x", FileSystem::OpenMode::kCreate));
    }
  }
  disk.remove("data/node1/identity");
  CHECK_THAT(open_error(disk, "colours", 1), Contains("holds the data of a node but no identity"));
}

TEST_CASE("data_directory_that_lost_its_snapshots_or_its_term_is_refused", "[A28]") {
  SimulatedDisk disk;
  { const DataDirectory directory(disk, "data/node1", "colours", 1, 42); }
  SECTION("the snapshots") {
    disk.wipe("data/node1/snapshots");
    CHECK_THAT(open_error(disk, "colours", 1), Contains("the snapshots are missing"));
  }
  SECTION("the term") {
    disk.remove("data/node1/hard_state.0");
    const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
    CHECK_THROWS_AS(HardStateStore(disk, directory.path(), directory.fresh()), Damage);
  }
}

TEST_CASE("data_directory_each_damaged_byte_of_the_identity_is_refused") {
  SimulatedDisk disk;
  { const DataDirectory directory(disk, "data/node1", "colours", 1, 42); }
  const auto whole = disk.content("data/node1/identity");
  Tally tally("bytes damaged or cut off", {"refused"});
  for (std::size_t at = 0; at < whole.size(); ++at) {
    auto bytes = whole;
    bytes[at] ^= std::byte{0x10};
    disk.set_content("data/node1/identity", bytes);
    REQUIRE_THAT(open_error(disk, "colours", 1), Contains("data/node1/identity, offset 0"));
    bytes = whole;
    bytes.resize(at);
    disk.set_content("data/node1/identity", bytes);
    REQUIRE_THAT(open_error(disk, "colours", 1), Contains("data/node1/identity, offset 0"));
    tally.add("refused", 2);
  }
}

// Creates a node's directory and its stores, or starts them again.
void start(SimulatedDisk& disk, std::uint64_t& starts) {
  const DataDirectory directory(disk, "data/node1", "colours", 1, 42);
  REQUIRE(directory.starts() > starts);
  REQUIRE((directory.fresh() == (directory.starts() == 1)));
  starts = directory.starts();
  HardStateStore hard_state(disk, directory.path(), directory.fresh());
  LogStore log(disk, directory.log_path(), directory.log_owner(), {});
  const SnapshotStore snapshots(disk, directory.snapshots_path(), directory.id());
  REQUIRE_FALSE(snapshots.newest().has_value());
  REQUIRE(hard_state.current().current_term == 0);
  REQUIRE(log.last_index() == 0);
}

TEST_CASE("data_directory_creation_cut_short_at_any_change_can_be_done_again", "[A28]") {
  bool finished = false;
  Tally tally("creations cut short", {"done again"});
  for (std::uint64_t passing = 0; !finished; ++passing) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      INFO("power cut after " << passing << ", seed " << seed);
      SimulatedDisk disk;
      base::Random random(seed);
      std::uint64_t starts = 0;
      disk.fail_after(passing, FaultKind::kPowerCut);
      try {
        start(disk, starts);
        finished = true;
      } catch (const DiskFault&) {
      }
      disk.heal();
      // Killed, or without power: then what was not synced is still in the page cache, or not.
      if (seed % 2 == 0) disk.crash("data", random);
      start(disk, starts);
      disk.crash("data", random);
      start(disk, starts);
      REQUIRE(starts >= 2);
      tally.add("done again");
    }
  }
}

}  // namespace
}  // namespace storage
