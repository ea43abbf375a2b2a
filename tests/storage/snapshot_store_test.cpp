#include "storage/snapshot_store.h"

#include "storage/catch.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

TEST_CASE("snapshot_store_new_one_has_no_snapshot") {
  SimulatedDisk disk;
  const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK_FALSE(store.newest().has_value());
  CHECK_FALSE(store.read(0, 0, 100).has_value());
  CHECK_FALSE(store.receiving().has_value());
  CHECK_FALSE(store.writing());
}

TEST_CASE("snapshot_store_content_reads_as_it_was_written") {
  for (const std::size_t size : {0u, 1u, 65535u, 65536u, 65537u, 131072u, 200000u}) {
    for (const std::size_t step : {1000u, 65536u, 70000u, 300000u}) {
      INFO(size << " bytes by " << step);
      SimulatedDisk disk;
      base::Random random(1);
      const auto content = content_of(size, size);
      raft::SnapshotHead written;
      {
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
        store.begin(meta_of(42));
        CHECK(store.writing());
        for (std::size_t at = 0; at < size; at += step) {
          store.append(std::span(content).subspan(at, std::min(step, size - at)));
        }
        CHECK_FALSE(store.newest().has_value());
        REQUIRE(store.finish());
        CHECK_FALSE(store.writing());
        written = *store.newest();
        CHECK(written.size == size);
        CHECK(written.last == meta_of(42).last);
        CHECK(written.configuration == meta_of(42).configuration);
      }
      disk.crash("node", random);  // it is durable on return
      const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      REQUIRE(store.newest() == written);
      CHECK(read_all(store, step) == content);
      CHECK(store.read(42, size, 10)->empty());
      CHECK_FALSE(store.read(41, 0, 10).has_value());
      for (std::size_t offset = 0; offset < size; offset += 9973) {
        const auto part = *store.read(42, offset, 7);
        REQUIRE(part.size() == std::min<std::size_t>(7, size - offset));
        REQUIRE(std::equal(part.data(), part.data() + part.size(), content.begin() + offset));
      }
    }
  }
}

TEST_CASE("snapshot_store_newer_one_replaces_the_one_before") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  for (const raft::Index index : {0u, 5u, 9u}) {
    const auto content = content_of(100, index);
    write(store, meta_of(index), content);
    CHECK(store.newest()->last.index == index);
    CHECK(read_all(store) == content);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
  CHECK_FALSE(store.read(5, 0, 10).has_value());  // gone
  for (const raft::Index index : {0u, 5u, 9u}) {
    store.begin(meta_of(index));
    CHECK_FALSE(store.finish());
    CHECK(store.newest()->last.index == 9);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
}

TEST_CASE("snapshot_store_abandoned_one_leaves_nothing") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(0), {});
  store.begin(meta_of(7));
  store.append(content_of(100000, 1));
  store.begin(meta_of(8));
  CHECK(disk.list(kSnapshots).size() == 2);
  store.abandon();
  CHECK_FALSE(store.writing());
  store.abandon();
  CHECK(disk.list(kSnapshots).size() == 1);
  CHECK(store.newest()->last.index == 0);
}

TEST_CASE("snapshot_store_first_configuration_gives_way_to_a_snapshot_of_the_log") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  const raft::Configuration first = meta_of(0).configuration;
  store.keep_first(first);
  REQUIRE(store.newest()->last.index == 0);
  REQUIRE(store.newest()->configuration == first);

  const auto content = content_of(500, 1);
  store.begin(meta_of(4));
  store.keep_first(first);  // its order was late
  store.append(content);
  REQUIRE(store.finish());
  store.keep_first(first);
  REQUIRE(store.newest()->last.index == 4);
  REQUIRE(read_all(store) == content);
}

TEST_CASE("snapshot_store_leftovers_go_at_the_next_start") {
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(5), {});
    write(store, meta_of(6), {});
    store.begin(meta_of(7));
    store.append(content_of(100000, 1));
  }
  for (const std::string& name :
       {snapshot_name(4, SnapshotState::kComplete), snapshot_name(6, SnapshotState::kReceiving),
        snapshot_name(9, SnapshotState::kReceiving)}) {
    static_cast<void>(disk.open(kSnapshots + "/" + name, FileSystem::OpenMode::kCreate));
  }
  const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(disk.list(kSnapshots) ==
        std::vector<std::string>{snapshot_name(6, SnapshotState::kComplete)});
  CHECK(store.newest()->last.index == 6);
}

// Replaces `before` by `after`, the power cut at change number `passing`. Returns whether the cut
// came too late to matter.
bool replace_with_power_cut(const raft::SnapshotHead& before, const raft::SnapshotHead& after,
                            std::uint64_t passing, std::uint64_t seed) {
  INFO("power cut after " << passing << ", seed " << seed);
  SimulatedDisk disk;
  base::Random random(seed);
  const auto old_content = content_of(before.last.index * 1000, 1);
  const auto new_content = content_of(after.last.index * 1000, 2);
  bool finished = false;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, before, old_content);
    disk.fail_after(passing, FaultKind::kPowerCut);
    try {
      write(store, after, new_content);
      finished = true;
    } catch (const DiskFault&) {
      CHECK_THROWS_AS(store.abandon(), DiskFault);
    }
  }
  disk.heal();
  if (random.chance(2, 3)) disk.crash("node", random);
  {
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    REQUIRE(store.newest().has_value());
  }
  disk.crash("node", random);
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  REQUIRE(store.newest().has_value());
  const bool is_new = store.newest()->configuration == after.configuration;
  REQUIRE((is_new || !finished));
  REQUIRE(store.newest()->last == (is_new ? after : before).last);
  REQUIRE(store.newest()->configuration == (is_new ? after : before).configuration);
  REQUIRE(read_all(store) == (is_new ? new_content : old_content));
  REQUIRE(disk.list(kSnapshots).size() == 1);
  write(store, after, new_content);
  REQUIRE(store.newest()->configuration == after.configuration);
  return finished;
}

TEST_CASE("snapshot_store_replacement_cut_short_at_any_change_leaves_the_old_or_the_new",
          "[A19][A23]") {
  Tally tally("replacements with a power cut", {"left the old or the new"});
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    std::uint64_t passing = 0;
    while (!replace_with_power_cut(meta_of(70, 1), meta_of(150, 2), passing, seed)) ++passing;
    REQUIRE(passing >= 6);
    tally.add("left the old or the new", passing + 1);
    passing = 0;
    while (!replace_with_power_cut(meta_of(0, 1), meta_of(0, 2), passing, seed)) ++passing;
    REQUIRE(passing >= 4);
    tally.add("left the old or the new", passing + 1);
  }
}

TEST_CASE("snapshot_store_failed_sync_is_final", "[A16]") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(3), {});
  store.begin(meta_of(4));
  disk.fail_after(0, FaultKind::kSync);
  CHECK_THROWS_AS(store.finish(), DiskFault);
  const auto before = disk.operations();
  CHECK_THROWS_AS(store.begin(meta_of(5)), DiskFault);
  CHECK_THROWS_AS(store.receive(meta_of(5), 0, {}), DiskFault);
  CHECK(disk.operations() == before);
  CHECK(store.newest()->last.index == 3);
  const SnapshotStore again(disk, kSnapshots, kSnapshotOwner);
  CHECK(again.newest()->last.index == 3);
}

TEST_CASE("snapshot_store_large_content_is_synced_as_it_grows") {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  store.begin(meta_of(4));
  disk.fail_after(0, FaultKind::kSync);
  const auto part = content_of(1 << 20, 1);
  for (int i = 0; i < 7; ++i) store.append(part);
  CHECK_THROWS_AS(store.append(content_of(2 << 20, 2)), DiskFault);
}

TEST_CASE("snapshot_store_full_disk_is_a_fault_and_keeps_the_snapshot_before") {
  for (std::uint64_t passing = 0; passing < 6; ++passing) {
    SimulatedDisk disk;
    const auto content = content_of(1000, 1);
    {
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      write(store, meta_of(3), content);
      disk.fail_after(passing, FaultKind::kNoSpace);
      CHECK_THROWS_WITH(write(store, meta_of(4), content_of(100000, 2)),
                        Catch::Matchers::Contains("No space left on device"));
    }
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    CHECK(store.newest()->last.index == 3);
    CHECK(read_all(store) == content);
  }
}

TEST_CASE("snapshot_store_gives_up_what_finds_no_room_and_goes_on") {
  for (std::uint64_t room = 0; room < 100'000; room += 7000) {
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(3), content_of(1000, 1));
    const std::uint64_t used = disk.used();
    disk.limit(used + room);
    CHECK_THROWS_AS(write(store, meta_of(4), content_of(100'000, 2)), DiskFull);
    CHECK_FALSE(store.writing());
    CHECK(disk.used() == used);
    CHECK(store.newest()->last.index == 3);
    disk.limit(std::nullopt);
    write(store, meta_of(5), content_of(100'000, 2));
    CHECK(store.newest()->last.index == 5);
    CHECK(read_all(store) == content_of(100'000, 2));
  }
}

}  // namespace
}  // namespace storage
