#include "storage/hard_state_store.h"

#include "storage/catch.h"
#include "storage/simulated_disk.h"

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

TEST_CASE("hard_state_saves_go_to_the_copies_in_turn_with_one_sync") {
  SimulatedDisk disk;
  disk.make_directory("node");
  HardStateStore store(disk, "node", true);
  for (raft::Term term = 1; term < 5; ++term) {
    const auto even = disk.content("node/hard_state.0");
    const auto odd = disk.content("node/hard_state.1");
    const auto before = disk.operations();
    store.save({term, 1});
    CHECK(disk.operations() == before + 2);
    const bool even_written = even != disk.content("node/hard_state.0");
    const bool odd_written = odd != disk.content("node/hard_state.1");
    CHECK(even_written == (term % 2 == 1));  // sequence 2 is the first after the creation
    CHECK(odd_written != even_written);
  }
}

TEST_CASE("hard_state_torn_write_leaves_the_one_before") {
  for (std::size_t torn = 0; torn < 64; ++torn) {
    SimulatedDisk disk;
    disk.make_directory("node");
    {
      HardStateStore store(disk, "node", true);
      store.save({4, 2});
      store.save({5, 1});
    }
    damage(disk, "node/hard_state.1", torn);
    {
      HardStateStore store(disk, "node", false);
      REQUIRE(store.current() == raft::HardState{4, 2});
      store.save({7, 3});
    }
    const HardStateStore store(disk, "node", false);
    REQUIRE(store.current() == raft::HardState{7, 3});
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
    CHECK_THAT(restore_error(disk), Contains("do not follow each other"));
  }
  SECTION("the copies exchanged") {
    const auto even = disk.content("node/hard_state.0");
    disk.set_content("node/hard_state.0", disk.content("node/hard_state.1"));
    disk.set_content("node/hard_state.1", even);
    CHECK_THAT(restore_error(disk), Contains("this is the other copy"));
  }
}

TEST_CASE("hard_state_power_cut_in_a_save_leaves_the_old_or_the_new", "[A7]") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    disk.make_directory("node");
    disk.sync_directory(".");
    {
      HardStateStore store(disk, "node", true);
      store.save({4, 2});
      disk.fail_after(seed % 2, FaultKind::kPowerCut);
      CHECK_THROWS_AS(store.save({5, 1}), DiskFault);
    }
    disk.crash("node", random);
    const HardStateStore store(disk, "node", false);
    const bool old = store.current() == raft::HardState{4, 2};
    REQUIRE((old || store.current() == raft::HardState{5, 1}));
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
      disk.fail_after(1, FaultKind::kInputOutput);
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
