// A disk that is full, and has room again: what was written stays, what was not is no fault.
#include "catch.h"
#include "entries.h"
#include "storage/data_directory.h"
#include "storage/persistence.h"
#include "storage/simulated_disk.h"
#include "storage/space_guard.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{7, 1, 0};
constexpr LogOptions kSmall{.segment_bytes = 4096};

struct Bench {
  Bench() {
    disk.make_directory("node");
    open(true);
  }
  void open(bool fresh) {
    persistence.reset();
    persistence = std::make_unique<Persistence>(
        "node", std::make_unique<HardStateStore>(disk, "node", fresh),
        std::make_unique<LogStore>(disk, "node/log", kOwner, kSmall), std::nullopt,
        std::make_unique<DoubtFile>(disk, "node", kOwner.directory));
  }
  raft::Persist order(std::size_t bytes) {
    raft::Persist persist;
    persist.number = ++number;
    raft::EntryBlockBuilder builder(previous, 1000);
    builder.add(++index, 1, raft::EntryKind::kCommand,
                base::SharedBytes::copy_of(std::string(bytes, 'x')));
    persist.entries = builder.finish();
    previous = persist.entries.back().checksum();
    return persist;
  }

  SimulatedDisk disk;
  std::unique_ptr<Persistence> persistence;
  std::uint64_t number = 0;
  raft::Index index = 0;
  std::uint64_t previous = 0;
};

TEST_CASE("full_disk_holds_orders_in_their_sequence_and_loses_none") {
  // Wherever the room ends: in the zeros ahead of the log, or in a new segment.
  for (std::uint64_t room = 0; room < 12'000; room += 500) {
    Bench bench;
    std::vector<raft::Persist> term{raft::Persist{1, raft::HardState{1, 1}}};
    REQUIRE(bench.persistence->persist(term) == 1);
    bench.disk.limit(bench.disk.used() + room);
    std::vector<raft::Persist> group;
    for (int i = 0; i < 20; ++i) group.push_back(bench.order(700));
    group.back().hard_state = raft::HardState{5, 2};
    const std::size_t done = bench.persistence->persist(group);
    REQUIRE(done < group.size());
    CHECK(bench.persistence->log().last_index() == done);
    CHECK(bench.persistence->hard_state() == raft::HardState{5, 2});

    // Still none, then there is some, and all goes on where it stood.
    group.erase(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(done));
    const std::size_t more = bench.persistence->persist(group);
    REQUIRE(more < group.size());
    group.erase(group.begin(), group.begin() + static_cast<std::ptrdiff_t>(more));
    bench.disk.limit(std::nullopt);
    CHECK(bench.persistence->persist(group) == group.size());
    CHECK(bench.persistence->log().last_index() == 20);
    bench.open(false);
    CHECK(bench.persistence->log().last_index() == 20);
    CHECK(bench.persistence->log().torn_bytes() == 0);
  }
}

TEST_CASE("full_disk_keeps_what_was_synced_over_a_crash") {
  base::Random random(5);
  for (std::uint64_t room = 0; room < 9'000; room += 250) {
    Bench bench;
    bench.disk.limit(bench.disk.used() + room);
    std::vector<raft::Persist> group;
    for (int i = 0; i < 20; ++i) group.push_back(bench.order(700));
    group.front().hard_state = raft::HardState{1, 1};
    const std::size_t done = bench.persistence->persist(group);
    bench.persistence.reset();
    bench.disk.crash("node", random);
    bench.disk.limit(std::nullopt);
    bench.open(false);
    REQUIRE(bench.persistence->log().last_index() >= done);
  }
}

TEST_CASE("full_disk_does_not_stop_a_truncation_before_the_entries_for_which_there_is_no_room") {
  Bench bench;
  std::vector<raft::Persist> group{bench.order(100), bench.order(100), bench.order(100)};
  REQUIRE(bench.persistence->persist(group) == 3);
  const auto second = bench.persistence->log().read(2, 2, 1000).front();
  bench.disk.limit(bench.disk.used());
  bench.index = 2;
  bench.previous = second.checksum();
  std::vector<raft::Persist> late{bench.order(9000)};
  late.front().truncate_from = 3;
  REQUIRE(bench.persistence->persist(late) == 0);
  REQUIRE(bench.persistence->persist(late) == 0);
  bench.disk.limit(std::nullopt);
  CHECK(bench.persistence->persist(late) == 1);
  CHECK(bench.persistence->log().last_index() == 3);
}

TEST_CASE("full_disk_gives_no_room_to_another_log_and_keeps_the_one_it_has") {
  Bench bench;
  std::vector<raft::Persist> group{bench.order(100)};
  REQUIRE(bench.persistence->persist(group) == 1);
  bench.disk.limit(bench.disk.used());
  std::vector<raft::Persist> reset{raft::Persist{2}};
  reset.front().reset_to = raft::LogPosition{50, 1, 77, 1000};
  CHECK(bench.persistence->persist(reset) == 0);
  CHECK(bench.persistence->log().last_index() == 1);
  bench.disk.limit(std::nullopt);
  CHECK(bench.persistence->persist(reset) == 1);
  CHECK(bench.persistence->log().base().index == 50);
}

TEST_CASE("full_disk_in_the_middle_of_a_frame_is_final") {  // A16
  Bench bench;
  std::vector<raft::Persist> group{bench.order(100)};
  REQUIRE(bench.persistence->persist(group) == 1);
  group = {bench.order(100)};  // there is room for it, and still the write fails
  bench.disk.fail_after(0, FaultKind::kNoSpace);
  CHECK_THROWS_AS(bench.persistence->persist(group), DiskFault);
  CHECK_THROWS_WITH(bench.persistence->persist(group), Catch::Matchers::Contains("is closed"));
}

TEST_CASE("full_disk_gives_its_reserve_up_and_makes_it_again") {
  using raft::DiskSpace;
  constexpr std::uint64_t kReserve = 8 << 20;
  SimulatedDisk disk;
  disk.make_directory("node");
  SpaceGuard guard(disk, "node", kReserve);
  while (guard.held_bytes() < kReserve) REQUIRE(guard.look(false) == DiskSpace::kEnough);
  CHECK(disk.used() == kReserve);

  disk.limit(disk.used() + kReserve - 1);
  CHECK(guard.look(false) == DiskSpace::kLow);
  disk.limit(disk.used() + kReserve);
  CHECK(guard.look(false) == DiskSpace::kLow);  // not to and fro
  disk.limit(disk.used() + kReserve / 4 - 1);
  CHECK(guard.look(false) == DiskSpace::kFull);
  CHECK(guard.held_bytes() == 0);
  CHECK_FALSE(disk.exists("node/reserve"));
  CHECK(guard.look(false) == DiskSpace::kFull);  // what it gave up is not for more entries

  disk.limit(disk.used() + 4 * kReserve);
  CHECK(guard.look(false) == DiskSpace::kLow);
  for (int i = 0; i < 20 && guard.space() != DiskSpace::kEnough; ++i) {
    static_cast<void>(guard.look(false));
  }
  CHECK(guard.space() == DiskSpace::kEnough);
  CHECK(guard.held_bytes() == kReserve);
}

TEST_CASE("full_disk_is_known_by_a_refused_write_where_there_is_no_reserve") {
  using raft::DiskSpace;
  SimulatedDisk disk;
  disk.make_directory("node");
  SpaceGuard guard(disk, "node", 0);
  CHECK(guard.look(false) == DiskSpace::kEnough);
  CHECK(guard.look(true) == DiskSpace::kFull);
  CHECK(guard.look(true) == DiskSpace::kFull);
  CHECK(guard.look(false) == DiskSpace::kEnough);
  CHECK(disk.used() == 0);
}

TEST_CASE("full_disk_keeps_an_eighth_at_most_as_its_reserve") {
  SimulatedDisk disk;
  disk.make_directory("node");
  disk.limit(8'000'000);
  const SpaceGuard guard(disk, "node", 64 << 20);
  CHECK(guard.wanted_bytes() == 1'000'000);
}

TEST_CASE("full_disk_lets_a_node_start_that_has_a_reserve") {
  SimulatedDisk disk;
  { const DataDirectory first(disk, "node", "demo", 1, 99); }
  const auto reserve = disk.open("node/reserve", FileSystem::OpenMode::kCreate);
  const std::vector<std::byte> zeros(4096);
  const std::span<const std::byte> part(zeros);
  reserve->write(0, {&part, 1});
  disk.limit(disk.used());
  const DataDirectory second(disk, "node", "demo", 1, 99);
  CHECK(second.starts() == 2);
  CHECK_FALSE(disk.exists("node/reserve"));
}

}  // namespace
}  // namespace storage
