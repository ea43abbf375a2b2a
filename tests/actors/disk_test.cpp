#include "actors/disk.h"

#include "database/command.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

// The files of a node, opened one by one as another life of it may have left them.
struct Files {
  Files() : settings(sample_settings()), file_system(storage::posix_file_system()) {
    settings.node.data_directory = directory.path() / "data";
  }

  [[nodiscard]] Disk open() const { return {*file_system, settings, ActorLog(*logging, "node")}; }
  // A snapshot of one key, up to `index` of `term`, with nothing else of it anywhere.
  void store_snapshot(raft::Index index, raft::Term term) const {
    ::database::Options options;
    options.in_memory = true;
    ::database::Database source("memory", options);
    const auto command = ::database::encode_command(::database::SetCommand{"colour", "blue"});
    std::vector<::database::Committed> entries;
    for (raft::Index each = 1; each <= index; ++each) entries.push_back({each, 1, command, 1000});
    static_cast<void>(source.apply(entries));
    const Disk disk = open();
    disk.snapshots->begin({{index, term, 77, 1000}, configuration(), 0, 0});
    disk.snapshots->append(source.read_snapshot()->next(1 << 20).span());
    REQUIRE(disk.snapshots->finish());
  }
  static raft::Configuration configuration() {
    raft::Configuration configuration;
    configuration.members.push_back({.id = 1, .identity = 11});
    configuration.voters = {1};
    return configuration;
  }

  TemporaryDirectory directory;
  settings::Settings settings;
  std::unique_ptr<storage::FileSystem> file_system;
  std::unique_ptr<Logging> logging = quiet_logging();
};

}  // namespace

TEST_CASE("disk_of_a_new_node_is_empty") {
  const Files files;
  const Disk disk = files.open();
  const raft::Restored restored = disk.restored(1 << 20);
  CHECK(restored.last_index == 0);
  CHECK_FALSE(restored.snapshot);
  CHECK_FALSE(disk.configuration());
}

TEST_CASE("disk_follows_a_snapshot_that_the_node_did_not_live_to_install") {  // A19
  const Files files;
  files.store_snapshot(50, 3);
  const Disk disk = files.open();
  const raft::Restored restored = disk.restored(1 << 20);
  CHECK(restored.base == raft::LogPosition{50, 3, 77, 1000});
  CHECK(restored.last_index == 50);
  CHECK(restored.last_checksum == 77);
  CHECK(restored.last_time_ms == 1000);
  CHECK(restored.applied_index == 50);
  CHECK(disk.configuration() == Files::configuration());
  CHECK(disk.state_machine->get("colour"));
  // Its term may have been learned of, and not been written, before the end.
  CHECK(restored.hard_state.current_term == 3);
  CHECK_FALSE(restored.hard_state.voted_for);
  // The core starts from it.
  raft::Options options;
  options.self = {.id = 1, .identity = 11};
  CHECK(raft::Server(options, restored).status().commit_index == 50);
}

TEST_CASE("disk_keeps_a_log_that_goes_beyond_the_snapshot") {
  const Files files;
  {
    const Disk disk = files.open();
    raft::EntryBlockBuilder builder(0);
    for (raft::Index index = 1; index <= 60; ++index) {
      builder.add(index, 1, raft::EntryKind::kNoOperation, {});
    }
    const auto entries = builder.finish();
    raft::Persist order;
    order.hard_state = raft::HardState{1, 1};
    order.entries = entries;
    REQUIRE(disk.persistence->persist({&order, 1}) == 1);
    disk.snapshots->begin({raft::position_of(entries[39]), Files::configuration(), 0, 0});
    REQUIRE(disk.snapshots->finish());
  }
  const Disk disk = files.open();
  const raft::Restored restored = disk.restored(1 << 20);
  CHECK(restored.base.index == 0);
  CHECK(restored.last_index == 60);
  CHECK(restored.log_bytes >= 60 * raft::kRecordHeaderSize);
  CHECK(restored.snapshot->last.index == 40);
  CHECK(restored.applied_index == 0);
  CHECK(restored.hard_state.voted_for == 1);
}

TEST_CASE("disk_says_how_far_a_long_opening_is") {
  Files files;
  files.store_snapshot(50, 3);
  HeardLog heard;
  raft::Milliseconds now = 0;
  const auto a_second_a_time = [&now] { return now += 1000; };
  const Disk disk(*files.file_system, files.settings, ActorLog(*heard.logging, "node"),
                  a_second_a_time);
  CHECK_THAT(heard.text(), Catch::Contains("verifies the snapshot: 100 %, 0 of 0 MiB"));
}
