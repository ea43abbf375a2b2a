#include "database/database.h"
#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::Log;
using test::random_bytes;
using test::random_log;
using test::replay;
using test::TemporaryDirectory;

// What a node that never stopped has at `index`.
void require_state_at(const Database& database, std::span<const Committed> entries,
                      std::uint64_t index) {
  Database reference("reference", in_memory());
  const auto applied = reference.apply(entries.first(index));
  REQUIRE(database.applied_index() == index);
  REQUIRE(database.state_hash() == reference.state_hash());
  const auto history = replay(database, 0);
  REQUIRE(history.broadcasts == applied.broadcasts);
  REQUIRE(history.complete_to == index);
}

TEST_CASE("recovery_after_flush_keeps_everything") {
  TemporaryDirectory directory;
  base::Random random(1);
  const auto log = random_log(random, 500);
  {
    Database database(directory.path() / "not" / "there" / "yet", {});
    (void)apply_in_batches(database, log.entries(), random, 20);
    database.flush();
    database.flush();  // with nothing to do
  }
  const Database database(directory.path() / "not" / "there" / "yet", {});
  require_state_at(database, log.entries(), 500);
}

TEST_CASE("recovery_without_flush_begins_at_the_last_flush") {
  TemporaryDirectory directory;
  base::Random random(2);
  const auto log = random_log(random, 500);
  {
    Database database(directory.path(), {});
    (void)apply_in_batches(database, log.entries().first(300), random, 20);
    database.flush();
    (void)apply_in_batches(database, log.entries().subspan(300), random, 20);
  }
  const Database database(directory.path(), {});
  require_state_at(database, log.entries(), 300);
}

// The files as they are at a crash of the machine just then: a copy taken while it is open.
TEST_CASE("recovery_from_the_files_of_a_running_database") {
  TemporaryDirectory directory;
  base::Random random(3);
  const auto log = random_log(random, 400);
  const auto copy = directory.path() / "copy";
  Database database(directory.path() / "running", {});
  (void)apply_in_batches(database, log.entries().first(150), random, 20);
  database.flush();
  (void)apply_in_batches(database, log.entries().subspan(150), random, 20);
  std::filesystem::copy(directory.path() / "running", copy,
                        std::filesystem::copy_options::recursive);
  Database crashed(copy, {});
  require_state_at(crashed, log.entries(), 150);
  const auto rest = log.entries().subspan(150);
  (void)apply_in_batches(crashed, rest, random, 7);
  require_state_at(crashed, log.entries(), 400);
  REQUIRE(crashed.state_hash() == database.state_hash());
}

// A26: RocksDB flushes by itself when its buffers are full, one family before the other. Whatever
// it got done before a crash, data, channels, history and applied index are of one index, and the
// log brings it to where the others are.
TEST_CASE("recovery_at_any_crash_finds_one_index") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    TemporaryDirectory directory;
    Options options;
    options.write_buffer_bytes = 512 << 10;
    options.pending_change_bytes = 64 << 10;
    options.replay_retention_bytes = std::uint64_t{1} << 30;
    Log log;
    for (int i = 0; i < 400; ++i) {
      const auto key = "key" + std::to_string(random.between(1, 20));
      log.set(key, random_bytes(random, random.between(0, 20'000))).publish("news", "x").erase("a");
    }
    std::uint64_t recovered = 0;
    for (int crash = 0; crash < 4; ++crash) {
      Database database(directory.path(), options);
      REQUIRE(database.applied_index() >= recovered);
      recovered = database.applied_index();
      require_state_at(database, log.entries(), recovered);
      const auto rest = log.entries().subspan(recovered);
      (void)apply_in_batches(database, rest.first(random.between(0, rest.size())), random, 10);
    }
    Database database(directory.path(), options);
    const auto rest = log.entries().subspan(database.applied_index());
    (void)apply_in_batches(database, rest, random, 10);
    require_state_at(database, log.entries(), log.entries().size());
  }
}

TEST_CASE("recovery_refuses_a_second_holder_by_name") {
  TemporaryDirectory directory;
  const Database database(directory.path(), {});
  try {
    const Database second(directory.path(), {});
    FAIL("opened twice");
  } catch (const DatabaseFault& fault) {
    REQUIRE(std::string(fault.what()).find(directory.path()) == 0);
  }
}

TEST_CASE("recovery_refuses_a_place_that_is_a_file") {
  REQUIRE_THROWS_AS(Database("/dev/null/database", {}), DatabaseFault);
}

// The disk goes away under a running node: it must learn of it, and not go on in memory for ever.
TEST_CASE("fault_of_a_flush_is_reported") {
  TemporaryDirectory directory;
  Database database(directory.path(), {});
  (void)database.apply(Log().set("colour", "blue").entries());
  std::filesystem::remove_all(directory.path());
  REQUIRE_THROWS_AS(database.flush(), DatabaseFault);
}

TEST_CASE("fault_of_a_flush_in_the_background_ends_apply") {
  TemporaryDirectory directory;
  Options options;
  options.write_buffer_bytes = 256 << 10;
  Database database(directory.path(), options);
  std::filesystem::remove_all(directory.path());
  const std::string value(4096, 'x');
  const auto write_much = [&] {
    for (std::uint64_t index = 0; index < 100'000; ++index) {
      (void)database.apply(Log(index).set("colour", value).entries());
    }
  };
  REQUIRE_THROWS_AS(write_much(), DatabaseFault);
}

}  // namespace
}  // namespace database
