// The install of a snapshot, interrupted: the files as they are at a kill just then, by a copy.
#include <set>

#include "database/integers.h"
#include "database/rocks_store.h"
#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::load;
using test::Log;
using test::random_bytes;
using test::random_session_log;
using test::replay;
using test::snapshot_of;
using test::TemporaryDirectory;

std::string example_snapshot(std::size_t entries) {
  base::Random random(1);
  Database database("example", in_memory());
  (void)database.apply(random_session_log(random, entries).entries());
  return snapshot_of(database);
}

std::set<std::filesystem::path> files_in(const std::filesystem::path& directory) {
  return {std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator()};
}

// Of one moment: threads of RocksDB may make and remove files meanwhile, and then it is copied
// again.
std::filesystem::path copy_of(const std::filesystem::path& running) {
  const auto copy = running.parent_path() / "copy";
  for (;;) {
    std::filesystem::remove_all(copy);
    const auto before = files_in(running);
    std::error_code error;
    std::filesystem::copy(running, copy, std::filesystem::copy_options::recursive, error);
    if (!error && files_in(running) == before) return copy;
  }
}

// What a start after a kill at this moment finds; twice, as the start may be killed too.
void require_found_after_kill(const std::filesystem::path& running, const std::string& expected) {
  const auto copy = copy_of(running);
  for (int start = 0; start < 2; ++start) {
    Database database(copy, {});
    REQUIRE(snapshot_of(database) == expected);
  }
  // And it works: entries and another snapshot.
  Database database(copy, {});
  (void)database.apply(
      Log(database.applied_index(), database.log_time_ms()).set("colour", "blue").entries());
  REQUIRE(load(database, example_snapshot(900)).ok());
  REQUIRE(snapshot_of(database) == example_snapshot(900));
}

TEST_CASE("install_killed_before_its_end_leaves_the_old_state") {
  TemporaryDirectory directory;
  const auto running = directory.path() / "running";
  const auto snapshot = example_snapshot(500);
  Database database(running, {});
  (void)database.apply(Log().set("colour", "green").publish("news", "x").entries());
  database.flush();
  const auto old = snapshot_of(database);
  require_found_after_kill(running, old);
  const auto loader = database.load_snapshot();
  constexpr std::size_t kParts = 4;
  for (std::size_t part = 0; part < kParts; ++part) {
    const std::size_t from = snapshot.size() * part / kParts;
    const std::size_t to = snapshot.size() * (part + 1) / kParts;
    REQUIRE_FALSE(loader->add(std::string_view(snapshot).substr(from, to - from)));
    require_found_after_kill(running, old);
    database.flush();  // takes what there is of the new content along
    require_found_after_kill(running, old);
  }
  REQUIRE(loader->finish().ok());
  require_found_after_kill(running, snapshot);
}

// Enough for RocksDB to flush by itself again and again while the snapshot is loaded.
TEST_CASE("install_of_more_than_the_buffers_hold_is_all_or_nothing") {
  TemporaryDirectory directory;
  const auto running = directory.path() / "running";
  base::Random random(2);
  Log log;
  for (int i = 0; i < 300; ++i) {
    log.set("key" + std::to_string(i), random_bytes(random, 20'000));
  }
  Database from("from", in_memory());
  (void)from.apply(log.entries());
  const auto snapshot = snapshot_of(from, 1 << 20);
  Options options;
  options.write_buffer_bytes = 512 << 10;
  Database database(running, options);
  (void)database.apply(Log().set("colour", "green").entries());
  database.flush();
  const auto old = snapshot_of(database);
  {
    const auto loader = database.load_snapshot();
    REQUIRE_FALSE(loader->add(snapshot));
    const Database killed(copy_of(running), options);
    REQUIRE(snapshot_of(killed) == old);
    REQUIRE(loader->finish().ok());
  }
  const Database killed(copy_of(running), options);
  REQUIRE(killed.applied_index() == 300);
  REQUIRE(killed.state_hash() == from.state_hash());
}

TEST_CASE("install_killed_before_the_old_content_is_dropped_leaves_the_new_state") {
  TemporaryDirectory directory;
  const auto running = directory.path() / "running";
  {
    Database database(running, {});
    (void)database.apply(Log().set("colour", "green").open_session(100, 10).entries());
    database.flush();
  }
  {
    RocksStore store(running, {});
    store.begin_replacement();
    const auto batch = store.make_replacement_batch();
    batch->put(Family::kKeys, "colour",
               {view_of(little_endian(3)), view_of(little_endian(8)), "red"});
    batch->put(Family::kMeta, kAppliedIndexKey, {view_of(little_endian(9))});
    batch->put(Family::kMeta, kLogTimeKey, {view_of(little_endian(50))});
    store.switch_to_replacement(*batch);
  }
  for (int start = 0; start < 2; ++start) {
    Database database(copy_of(running), {});
    REQUIRE(database.applied_index() == 9);
    REQUIRE(database.log_time_ms() == 50);
    REQUIRE(database.get("colour")->value == "red");
    REQUIRE(database.session_count() == 0);
    REQUIRE(std::holds_alternative<Compacted>(database.replay(0, {}, 1, test::kNoLimit)));
  }
  Database database(running, {});
  std::vector<std::string> families;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, running.string(), &families).ok());
  REQUIRE(families ==
          std::vector<std::string>{"default", "keys.2", "channels.2", "history.2", "sessions.2"});
}

TEST_CASE("install_again_and_again_keeps_one_content") {
  TemporaryDirectory directory;
  const auto running = directory.path() / "running";
  for (std::size_t entries = 100; entries <= 500; entries += 100) {
    Database database(running, {});
    REQUIRE(load(database, example_snapshot(entries)).ok());
    REQUIRE(load(database, example_snapshot(entries + 50)).ok());
    REQUIRE(snapshot_of(database) == example_snapshot(entries + 50));
  }
  const Database database(running, {});
  REQUIRE(snapshot_of(database) == example_snapshot(550));
  std::vector<std::string> families;
  REQUIRE(rocksdb::DB::ListColumnFamilies({}, running.string(), &families).ok());
  REQUIRE(families.size() == kFamilyCount);
}

TEST_CASE("install_forgets_the_versions_that_keys_had_before") {
  Database leader("leader", in_memory());
  (void)leader.apply(Log().set("twice", "a").set("twice", "b").no_operation().entries());
  Database follower("follower", in_memory());
  (void)follower.apply(Log().set("twice", "a").set("other", "c").entries());
  REQUIRE(load(follower, snapshot_of(leader)).ok());
  const Log next =
      Log(leader.applied_index(), leader.log_time_ms()).set("twice", "d").set("other", "e");
  REQUIRE(follower.apply(next.entries()).outcomes == leader.apply(next.entries()).outcomes);
  REQUIRE(follower.get("twice")->version == 3);
  REQUIRE(follower.get("other")->version == 1);
}

TEST_CASE("install_in_memory_is_in_the_image") {
  Options options = in_memory();
  options.memory_image = make_memory_image();
  {
    Database database("image", options);
    REQUIRE(load(database, example_snapshot(100)).ok());
    (void)database.apply(Log(100, database.log_time_ms()).set("colour", "lost").entries());
  }
  Database database("image", options);
  REQUIRE(snapshot_of(database) == example_snapshot(100));
}

TEST_CASE("image_holds_what_was_flushed") {
  Options options = in_memory();
  options.memory_image = make_memory_image();
  {
    Database database("image", options);
    (void)database.apply(Log().set("colour", "blue").entries());
    database.flush();
    (void)database.apply(Log(1).set("colour", "lost").entries());
    REQUIRE(database.get("colour")->value == "lost");
  }
  Database database("image", options);
  REQUIRE(database.applied_index() == 1);
  REQUIRE(database.get("colour")->value == "blue");
  REQUIRE(replay(database, 0).broadcasts.size() == 1);
}

TEST_CASE("image_history_is_bounded_as_on_disk") {
  Options options = in_memory();
  options.replay_retention_bytes = 2000;
  Database database("bounded", options);
  for (std::uint64_t index = 0; index < 100; ++index) {
    (void)database.apply(Log(index).publish("news", std::string(100, 'x')).entries());
  }
  const auto result = database.replay(0, {}, 1, test::kNoLimit);
  const auto first = std::get<Compacted>(result).first_index;
  REQUIRE(first > 80);
  REQUIRE(first < 95);
  REQUIRE(replay(database, first - 1).broadcasts.size() == 101 - first);
}

}  // namespace
}  // namespace database
