#include "storage/new_directory.h"

#include "catch.h"
#include "snapshots.h"
#include "storage/data_directory.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"
#include "storage/persistence.h"
#include "storage/tally.h"

using namespace storage;

namespace {

constexpr std::uint64_t kRandom = 5;

void make(FileSystem& disk, const std::string& path, std::uint64_t random = kRandom) {
  NewDirectory made(disk, path, random);
  write(made.snapshots(), meta_of(42), content_of(100'000, 1));
  made.finish("demo", 3);
}

void check_whole(FileSystem& disk, const std::string& path) {
  const DataDirectory directory(disk, path, "demo", 3, 99);
  CHECK_FALSE(directory.fresh());
  const SnapshotStore snapshots(disk, directory.snapshots_path(), directory.id());
  REQUIRE(snapshots.newest());
  CHECK(read_all(snapshots) == content_of(100'000, 1));
  const Persistence persistence(
      directory.path(), std::make_unique<HardStateStore>(disk, directory.path(), false),
      std::make_unique<LogStore>(disk, directory.log_path(), directory.log_owner(), LogOptions{}),
      snapshots.newest(), std::make_unique<DoubtFile>(disk, directory.path(), directory.id()));
  CHECK_FALSE(persistence.log_replaced());
  CHECK(persistence.log().last() == meta_of(42).last);
  CHECK(persistence.log().base() == meta_of(42).last);
  CHECK(persistence.hard_state() == raft::HardState{meta_of(42).last.term, std::nullopt});
}

}  // namespace

TEST_CASE("new_directory_begins_behind_its_snapshot_with_an_identity_of_its_own") {
  SimulatedDisk disk;
  make(disk, "node");
  const auto identity = read_identity(disk, "node");
  REQUIRE(identity);
  CHECK(identity->id == draw_directory_id(kRandom));
  CHECK(identity->starts == 0);
  CHECK_FALSE(disk.exists("node/unfinished"));
  check_whole(disk, "node");
  make(disk, "other", kRandom + 1);
  CHECK(read_identity(disk, "other")->id != identity->id);
}

TEST_CASE("new_directory_takes_no_directory_that_holds_anything") {
  SimulatedDisk disk;
  make(disk, "node");
  CHECK_THROWS_AS(NewDirectory(disk, "node", 1), Refused);
  disk.make_directory("other");
  static_cast<void>(disk.open("other/letters", FileSystem::OpenMode::kCreate));
  CHECK_THROWS_AS(NewDirectory(disk, "other", 1), Refused);
  CHECK(disk.list("other") == std::vector<std::string>{"letters"});
  disk.make_directory("empty");
  make(disk, "empty");
  check_whole(disk, "empty");
}

TEST_CASE("new_directory_cut_short_is_refused_by_a_start_and_made_anew") {
  base::Random random(7);
  bool ended = false;
  Tally tally("power cuts", {"left a whole directory", "left nothing to start from"});
  for (std::uint64_t passing = 0; !ended; ++passing) {
    SimulatedDisk disk;
    disk.make_directory("node");
    disk.sync_directory(".");
    disk.fail_after(passing, FaultKind::kPowerCut);
    try {
      make(disk, "node/data");
      ended = true;
    } catch (const DiskFault&) {
    }
    disk.crash("node", random);
    INFO("after " << passing << " changes");
    if (read_identity(disk, "node/data")) {
      tally.add("left a whole directory");
      check_whole(disk, "node/data");
      continue;
    }
    CHECK_FALSE(ended);
    tally.add("left nothing to start from");
    if (disk.exists("node/data/unfinished")) {
      CHECK_THROWS_AS(DataDirectory(disk, "node/data", "demo", 3, 1), Refused);
    } else if (disk.exists("node/data")) {
      // Nothing was begun in there.
      CHECK_FALSE(disk.exists("node/data/snapshots"));
    }
    make(disk, "node/data");
    check_whole(disk, "node/data");
  }
}

TEST_CASE("data_directory_does_not_begin_where_a_recovery_was_cut_short") {
  SimulatedDisk disk;
  make(disk, "data.recovered");
  for (const char* name : {"data", "data/", "./data"}) {
    CHECK_THROWS_AS(DataDirectory(disk, name, "demo", 3, 1), Refused);
  }
  CHECK_FALSE(disk.exists("data"));
  // Beside a directory that is there it means nothing yet.
  make(disk, "data");
  check_whole(disk, "data");
}
