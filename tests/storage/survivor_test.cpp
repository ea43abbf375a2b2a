#include "storage/survivor.h"

#include "catch.h"
#include "entries.h"
#include "snapshots.h"
#include "storage/data_directory.h"
#include "storage/log_store.h"

using namespace storage;

namespace {

std::vector<std::vector<std::byte>> contents(const SimulatedDisk& disk) {
  std::vector<std::vector<std::byte>> all;
  for (const std::string folder : {"node", "node/log", "node/snapshots"}) {
    for (const auto& name : disk.list(folder)) {
      if (name == "lock" || name == "log" || name == "snapshots" || name == "database") continue;
      all.push_back(disk.content(folder + "/" + name));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("survivor_is_inspected_without_a_change") {
  SimulatedDisk disk;
  {
    const DataDirectory directory(disk, "node", "demo", 3, 1);
    CHECK_THROWS_AS(inspect_survivor(disk, "node"), InUse);
    LogStore log(disk, directory.log_path(), directory.log_owner(), {});
    log.append(next_entries(log, 10, 2));
    log.sync();
  }
  // A torn write at the end, which an opening would cut.
  const auto segment = "node/log/" + disk.list("node/log").front();
  auto bytes = disk.content(segment);
  bytes.resize(bytes.size() + 100, std::byte{7});
  disk.set_content(segment, bytes);
  // And a spare segment, which an opening would remove.
  static_cast<void>(disk.open("node/log/spare.segment", FileSystem::OpenMode::kCreate));
  disk.set_content("node/log/spare.segment", bytes);
  const auto before = contents(disk);
  const Survivor found = inspect_survivor(disk, "node");
  CHECK(found.identity.node == 3);
  CHECK(found.identity.cluster == "demo");
  CHECK(found.last.index == 10);
  CHECK(found.last.term == 2);
  CHECK(contents(disk) == before);
}

TEST_CASE("survivor_may_end_inside_a_frame") {
  SimulatedDisk disk;
  {
    const DataDirectory directory(disk, "node", "demo", 3, 1);
    LogStore log(disk, directory.log_path(), directory.log_owner(), {});
    log.append(next_entries(log, 10, 2));
    log.sync();
    log.truncate_from(6);
  }
  const auto before = contents(disk);
  CHECK(inspect_survivor(disk, "node").last.index == 5);
  CHECK(contents(disk) == before);
}

TEST_CASE("survivor_knows_what_its_snapshot_knows") {
  SimulatedDisk disk;
  {
    const DataDirectory directory(disk, "node", "demo", 3, 1);
    SnapshotStore snapshots(disk, directory.snapshots_path(), directory.id());
    write(snapshots, meta_of(42), content_of(10, 1));
  }
  CHECK(inspect_survivor(disk, "node").last == meta_of(42).last);
}

TEST_CASE("survivor_that_is_none_is_refused") {
  SimulatedDisk disk;
  CHECK_THROWS_AS(inspect_survivor(disk, "nowhere"), Refused);
}

TEST_CASE("more_up_to_date_is_the_later_term_and_then_the_longer_log") {  // §5.4.1
  CHECK(more_up_to_date({5, 3}, {9, 2}));
  CHECK(more_up_to_date({10, 2}, {9, 2}));
  CHECK_FALSE(more_up_to_date({9, 2}, {9, 2}));
  CHECK_FALSE(more_up_to_date({9, 2}, {5, 3}));
}
