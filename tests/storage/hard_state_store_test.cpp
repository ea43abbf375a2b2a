#include "storage/hard_state_store.h"

#include "storage/catch.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

using Catch::Matchers::Contains;

void damage(SimulatedDisk& disk, const std::string& path, std::size_t at) {
  auto bytes = disk.content(path);
  bytes.at(at) ^= std::byte{1};
  disk.set_content(path, bytes);
}

std::string restore_error(SimulatedDisk& disk) {
  try {
    const HardStateStore store(disk, "node", false);
  } catch (const Damage& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("hard_state_saved_is_there_after_a_crash", "[A7]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    disk.make_directory("node");
    disk.sync_directory(".");
    { const HardStateStore store(disk, "node", true); }
    disk.crash("node", random);
    for (raft::Term term = 1; term < 6; ++term) {
      HardStateStore store(disk, "node", false);
      store.save({term, {}});
      store.save({term, 3});
      disk.crash("node", random);
      const HardStateStore again(disk, "node", false);
      REQUIRE(again.current() == raft::HardState{term, 3});
    }
  }
}

TEST_CASE("hard_state_save_writes_and_syncs_one_copy_before_it_touches_the_other", "[A7]") {
  SimulatedDisk disk;
  disk.make_directory("node");
  HardStateStore store(disk, "node", true);
  for (raft::Term term = 1; term < 5; ++term) {
    const auto before = disk.operations();
    store.save({term, 1});
    CHECK(disk.operations() == before + 4);
    store.save({term, 1});  // nothing new
    CHECK(disk.operations() == before + 4);
  }
  const auto first = disk.content("node/hard_state.0");
  const auto second = disk.content("node/hard_state.1");
  disk.fail_after(1, FaultKind::kInputOutput);  // the sync of the first copy
  CHECK_THROWS_AS(store.save({9, 1}), DiskFault);
  CHECK(disk.content("node/hard_state.0") != first);
  CHECK(disk.content("node/hard_state.1") == second);
}

TEST_CASE("hard_state_each_damaged_byte_of_either_copy_forgets_no_promise", "[A7]") {
  Tally tally("bytes damaged", {"repaired"});
  for (const std::string file : {"node/hard_state.0", "node/hard_state.1"}) {
    for (std::size_t at = 0; at < 64; ++at) {
      SimulatedDisk disk;
      disk.make_directory("node");
      {
        HardStateStore store(disk, "node", true);
        store.save({4, 2});
        store.save({5, 1});
      }
      damage(disk, file, at);
      CHECK(HardStateStore::term_in(disk, "node") == 5);
      {
        HardStateStore store(disk, "node", false);
        REQUIRE(store.current() == raft::HardState{5, 1});
      }
      damage(disk, file == "node/hard_state.0" ? "node/hard_state.1" : "node/hard_state.0", at);
      {
        // The copy that was damaged first has been repaired by the opening.
        HardStateStore store(disk, "node", false);
        REQUIRE(store.current() == raft::HardState{5, 1});
        store.save({7, 3});
      }
      const HardStateStore store(disk, "node", false);
      REQUIRE(store.current() == raft::HardState{7, 3});
      tally.add("repaired", 2);
    }
  }
}

TEST_CASE("hard_state_damage_after_a_save_was_cut_short_forgets_no_promise", "[A7]") {
  Tally tally("saves cut short, and a byte damaged", {"left the old", "left the new"});
  for (std::uint64_t passing = 0; passing < 4; ++passing) {
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      for (const std::string file : {"node/hard_state.0", "node/hard_state.1"}) {
        SimulatedDisk disk;
        base::Random random(seed);
        disk.make_directory("node");
        disk.sync_directory(".");
        {
          HardStateStore store(disk, "node", true);
          store.save({4, 2});
          disk.fail_after(passing, FaultKind::kPowerCut);
          CHECK_THROWS_AS(store.save({5, 1}), DiskFault);
        }
        disk.crash("node", random);
        damage(disk, file, seed);
        const HardStateStore store(disk, "node", false);
        const bool old = store.current() == raft::HardState{4, 2};
        REQUIRE((old || store.current() == raft::HardState{5, 1}));
        tally.add(old ? "left the old" : "left the new");
      }
    }
  }
}

TEST_CASE("hard_state_term_0_is_never_guessed", "[A7]") {
  SimulatedDisk disk;
  disk.make_directory("node");
  {
    HardStateStore store(disk, "node", true);
    store.save({4, 2});
  }
  SECTION("both copies damaged") {
    damage(disk, "node/hard_state.0", 32);
    damage(disk, "node/hard_state.1", 33);
    CHECK_THAT(restore_error(disk),
               Contains("node/hard_state.0, offset 0") && Contains("nor does the second copy"));
  }
  SECTION("a copy missing") {
    disk.remove("node/hard_state.1");
    CHECK_THAT(restore_error(disk), Contains("node/hard_state.1") && Contains("missing"));
  }
  SECTION("a copy from a backup") {
    const auto old = disk.content("node/hard_state.1");
    {
      HardStateStore store(disk, "node", false);
      for (raft::Term term = 5; term < 9; ++term) store.save({term, {}});
    }
    disk.set_content("node/hard_state.1", old);
    CHECK_THAT(restore_error(disk),
               Contains("node/hard_state.1") && Contains("do not follow each other"));
  }
  SECTION("the first copy is the older one") {
    const auto old = disk.content("node/hard_state.0");
    { HardStateStore(disk, "node", false).save({5, {}}); }
    disk.set_content("node/hard_state.0", old);
    CHECK_THAT(restore_error(disk),
               Contains("node/hard_state.0") && Contains("do not follow each other"));
  }
  SECTION("the copies exchanged") {
    const auto even = disk.content("node/hard_state.0");
    disk.set_content("node/hard_state.0", disk.content("node/hard_state.1"));
    disk.set_content("node/hard_state.1", even);
    CHECK_THAT(restore_error(disk), Contains("this is the other copy"));
  }
}

TEST_CASE("hard_state_power_cut_in_a_save_leaves_the_old_or_the_new", "[A7]") {
  Tally tally("saves cut short", {"left the old", "left the new"});
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    disk.make_directory("node");
    disk.sync_directory(".");
    {
      HardStateStore store(disk, "node", true);
      store.save({4, 2});
      disk.fail_after(seed % 4, FaultKind::kPowerCut);
      CHECK_THROWS_AS(store.save({5, 1}), DiskFault);
    }
    disk.crash("node", random);
    const HardStateStore store(disk, "node", false);
    const bool old = store.current() == raft::HardState{4, 2};
    REQUIRE((old || store.current() == raft::HardState{5, 1}));
    tally.add(old ? "left the old" : "left the new");
  }
}

TEST_CASE("hard_state_failed_sync_is_final_and_what_is_read_afterwards_is_durable", "[A16]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    disk.make_directory("node");
    disk.sync_directory(".");
    {
      HardStateStore store(disk, "node", true);
      store.save({4, 2});
      disk.fail_after(seed % 2 == 0 ? 1 : 3, FaultKind::kInputOutput);
      CHECK_THROWS_AS(store.save({5, 1}), DiskFault);
      const auto before = disk.operations();
      CHECK_THROWS_AS(store.save({5, 1}), DiskFault);
      CHECK(disk.operations() == before);
      CHECK(store.current() == raft::HardState{4, 2});
    }
    raft::HardState read;
    {
      const HardStateStore store(disk, "node", false);
      read = store.current();
    }
    disk.crash("node", random);
    const HardStateStore store(disk, "node", false);
    REQUIRE(store.current() == read);
  }
}

}  // namespace
}  // namespace storage
