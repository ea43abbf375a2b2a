#include "database/integers.h"
#include "database/snapshot_format.h"
#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::load;
using test::Log;
using test::on_each_store;
using test::random_bytes;
using test::random_session_log;
using test::replay;
using test::snapshot_of;

// Keys, a channel, a session with outcomes: all kinds of records, in a few hundred bytes.
Log small_log() {
  Log log;
  log.at_ms(1000).open_session(100, 10).set("colour", "blue").set("size", "");
  log.in_session(1, 1, SetCommand{"colour", "red"}).in_session(1, 3, DeleteCommand{"nothing"});
  log.in_session(1, 2, PublishCommand{"news", "hello"}).at_ms(1050).no_operation();
  return log;
}

std::string small_snapshot() {
  Database database("small", in_memory());
  (void)database.apply(small_log().entries());
  return snapshot_of(database);
}

bool loads(std::string_view snapshot) {
  Database database("loads", in_memory());
  const auto before = database.state_hash();
  const auto loaded = load(database, snapshot, 100);
  if (loaded) {
    // What is accepted is a state that is written just so.
    REQUIRE(snapshot_of(database) == snapshot);
    REQUIRE(database.applied_index() == *loaded);
    return true;
  }
  REQUIRE_FALSE(loaded.error().empty());
  REQUIRE(database.state_hash() == before);
  REQUIRE(database.applied_index() == 0);
  return false;
}

TEST_CASE("snapshot_brings_the_whole_state") {
  on_each_store([](const auto& directory, const Options& options) {
    base::Random random(1);
    const auto log = random_session_log(random, 2000);
    Database from("from", in_memory());
    (void)from.apply(log.entries().first(1500));
    Database to(directory, options);
    REQUIRE(load(to, snapshot_of(from)).value() == 1500);
    REQUIRE(to.applied_index() == 1500);
    REQUIRE(to.log_time_ms() == from.log_time_ms());
    REQUIRE(to.session_count() == from.session_count());
    REQUIRE(to.state_hash() == from.state_hash());
    const auto rest = log.entries().subspan(1500);
    const auto expected = from.apply(rest);
    const auto applied = apply_in_batches(to, rest, random, 30);
    REQUIRE(applied.outcomes == expected.outcomes);
    REQUIRE(applied.broadcasts == expected.broadcasts);
    REQUIRE(to.state_hash() == from.state_hash());
  });
}

TEST_CASE("snapshot_of_nothing_loads_as_nothing") {
  Database empty("empty", in_memory());
  REQUIRE(loads(snapshot_of(empty)));
}

TEST_CASE("snapshot_replaces_what_was_there") {
  on_each_store([](const auto& directory, const Options& options) {
    Database database(directory, options);
    Log log;
    log.set("other", "x").publish("other", "x").open_session(100, 10);
    log.in_session(3, 1, SetCommand{"other", "y"});
    (void)database.apply(log.entries());
    REQUIRE(load(database, small_snapshot()).ok());
    REQUIRE(snapshot_of(database) == small_snapshot());
    REQUIRE_FALSE(database.get("other"));
    REQUIRE(database.get("colour")->value == "red");
  });
}

TEST_CASE("snapshot_of_equal_states_is_equal_bytes") {
  base::Random random(2);
  const auto log = random_session_log(random, 3000);
  Database whole("whole", in_memory());
  (void)whole.apply(log.entries());
  const auto expected = snapshot_of(whole);
  on_each_store([&](const auto& directory, const Options& options) {
    Database split(directory, options);
    (void)apply_in_batches(split, log.entries().first(1000), random, 10);
    split.flush();
    const auto early = snapshot_of(split);
    (void)apply_in_batches(split, log.entries().subspan(1000), random, 50);
    REQUIRE(snapshot_of(split) == expected);
    Database late("late", in_memory());
    REQUIRE(load(late, early).ok());
    (void)apply_in_batches(late, log.entries().subspan(1000), random, 7);
    REQUIRE(snapshot_of(late) == expected);
  });
}

// Values around the size of a block and far above it; slices of any size are the same bytes.
TEST_CASE("snapshot_of_large_values_comes_in_slices_of_any_size") {
  base::Random random(3);
  Log log;
  for (const std::size_t size : {65'000u, 65'536u, 131'072u, 3'000'000u, 0u}) {
    log.set("key" + std::to_string(size), random_bytes(random, size));
  }
  for (int i = 0; i < 300; ++i) log.set("small" + std::to_string(i), random_bytes(random, 1000));
  Database from("from", in_memory());
  (void)from.apply(log.entries());
  const auto whole = snapshot_of(from);
  REQUIRE(whole.size() > 3'500'000);
  for (const std::size_t slice : {999u, 65'536u, 70'000u, 10'000'000u}) {
    REQUIRE(snapshot_of(from, slice) == whole);
    Database to("to", in_memory());
    REQUIRE(load(to, whole, slice).ok());
    REQUIRE(to.state_hash() == from.state_hash());
  }
}

TEST_CASE("snapshot_whose_records_fill_its_blocks_exactly_loads") {
  for (std::size_t over = 0; over < 60; ++over) {
    Database database("full", in_memory());
    (void)database.apply(Log().set("k", std::string(kBlockContentSize - 60 + over, 'x')).entries());
    REQUIRE(loads(snapshot_of(database)));
  }
}

TEST_CASE("snapshot_being_read_does_not_see_later_changes") {
  on_each_store([](const auto& directory, const Options& options) {
    base::Random random(4);
    const auto log = random_session_log(random, 2000);
    Database database(directory, options);
    (void)database.apply(log.entries().first(1000));
    const auto expected = snapshot_of(database);
    const auto reader = database.read_snapshot();
    std::string bytes;
    for (std::size_t at = 1000; at < 2000; at += 10) {
      bytes.append(reader->next(500).view());
      (void)database.apply(log.entries().subspan(at, 10));
      if (at == 1500) database.flush();
    }
    Database other("other", in_memory());
    (void)other.apply(log.entries());
    (void)other.apply(Log(2000, other.log_time_ms()).set("colour", "blue").entries());
    REQUIRE(load(database, snapshot_of(other)).ok());
    while (true) {
      const auto slice = reader->next(500);
      if (slice.empty()) break;
      bytes.append(slice.view());
    }
    REQUIRE(reader->next(500).empty());
    REQUIRE(reader->applied_index() == 1000);
    REQUIRE(bytes == expected);
  });
}

TEST_CASE("snapshot_loaded_begins_the_history_anew") {
  on_each_store([](const auto& directory, const Options& options) {
    Database database(directory, options);
    (void)database.apply(Log().set("colour", "green").entries());
    REQUIRE(load(database, small_snapshot()).value() == 7);
    for (std::uint64_t after = 0; after < 7; ++after) {
      const auto result = database.replay(after, {}, 10, test::kNoLimit);
      REQUIRE(std::get<Compacted>(result).first_index == 8);
    }
    REQUIRE(replay(database, 7).complete_to == 7);
    (void)database.apply(Log(7, 1050).set("colour", "black").entries());
    REQUIRE(replay(database, 7).broadcasts.at(0).index == 8);
    const auto result = database.replay(6, {}, 10, test::kNoLimit);
    REQUIRE(std::get<Compacted>(result).first_index == 8);
  });
}

TEST_CASE("snapshot_older_than_what_is_applied_is_refused") {
  Database database("newer", in_memory());
  Log log = small_log();
  log.set("colour", "black");
  (void)database.apply(log.entries());
  const auto before = snapshot_of(database);
  REQUIRE_FALSE(load(database, small_snapshot()).ok());
  REQUIRE(snapshot_of(database) == before);
}

TEST_CASE("snapshot_that_was_given_up_leaves_nothing") {
  on_each_store([](const auto& directory, const Options& options) {
    const auto snapshot = small_snapshot();
    Database database(directory, options);
    (void)database.apply(Log().set("colour", "green").entries());
    const auto before = snapshot_of(database);
    for (int i = 0; i < 2; ++i) {
      const auto loader = database.load_snapshot();
      REQUIRE_FALSE(loader->add(std::string_view(snapshot).substr(0, snapshot.size() - 1)));
    }
    REQUIRE(snapshot_of(database) == before);
    (void)database.apply(Log(1).set("colour", "black").entries());
    REQUIRE(load(database, snapshot).ok());
    REQUIRE(snapshot_of(database) == snapshot);
  });
}

TEST_CASE("snapshot_with_any_bit_flipped_is_refused") {
  const auto whole = small_snapshot();
  REQUIRE(loads(whole));
  for (std::size_t at = 0; at < whole.size(); ++at) {
    INFO("byte " << at);
    for (int bit = 0; bit < 8; ++bit) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 1 << bit);
      REQUIRE_FALSE(loads(damaged));
    }
  }
}

TEST_CASE("snapshot_cut_anywhere_or_longer_is_refused") {
  const auto whole = small_snapshot();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    INFO("size " << size);
    REQUIRE_FALSE(loads(whole.substr(0, size)));
  }
  REQUIRE_FALSE(loads(whole + '\0'));
  REQUIRE_FALSE(loads(whole + whole));
}

TEST_CASE("snapshot_with_its_blocks_out_of_place_is_refused") {
  base::Random random(5);
  Log log;
  for (int i = 0; i < 10; ++i) log.set("key" + std::to_string(i), random_bytes(random, 30'000));
  Database database("blocks", in_memory());
  (void)database.apply(log.entries());
  const auto whole = snapshot_of(database);
  constexpr std::size_t kBlock = kBlockHeaderSize + kBlockContentSize;
  const auto head = whole.substr(0, kSnapshotHeaderSize);
  const auto first = whole.substr(kSnapshotHeaderSize, kBlock);
  const auto second = whole.substr(kSnapshotHeaderSize + kBlock, kBlock);
  const auto rest = whole.substr(kSnapshotHeaderSize + 2 * kBlock);
  REQUIRE(loads(head + first + second + rest));
  REQUIRE_FALSE(loads(head + second + first + rest));
  REQUIRE_FALSE(loads(head + first + rest));
  REQUIRE_FALSE(loads(head + first + first + second + rest));
}

void seal(std::string& bytes, std::size_t begin, std::size_t size) {
  const auto sum = checksum_of(std::string_view(bytes).substr(begin + 8, size - 8));
  base::store_little_endian(reinterpret_cast<std::byte*>(bytes.data() + begin), sum);
}

// All checksums of a snapshot of one block as if its bytes had been meant so.
void reseal(std::string& snapshot) {
  seal(snapshot, 0, kSnapshotHeaderSize);
  snapshot.replace(kSnapshotHeaderSize + 8, 8, snapshot, 0, 8);
  seal(snapshot, kSnapshotHeaderSize, snapshot.size() - kSnapshotHeaderSize);
}

// Bytes that nobody damaged but somebody made: refused, or a state that is written just so.
TEST_CASE("snapshot_forged_with_good_checksums_is_refused_or_a_state") {
  const auto whole = small_snapshot();
  std::string same = whole;
  reseal(same);
  REQUIRE(same == whole);
  std::size_t refused = 0;
  for (std::size_t at = 8; at < whole.size(); ++at) {
    for (const int value : {0, 1, 2, 3, 4, 0x7f, 0x80, 0xff}) {
      std::string forged = whole;
      forged[at] = static_cast<char>(value);
      reseal(forged);
      if (!loads(forged)) ++refused;
    }
  }
  REQUIRE(refused > 1000);
}

std::string forged_block(std::string_view content, std::uint32_t length, std::uint32_t last) {
  std::string bytes = small_snapshot().substr(0, kSnapshotHeaderSize);
  append_integer(bytes, std::uint64_t{0});
  append_integer(bytes, std::uint64_t{0});
  append_integer(bytes, length);
  append_integer(bytes, last);
  bytes.append(content);
  reseal(bytes);
  return bytes;
}

// B19: a declared size is never reserved, and of a block's none beyond the limit waited for.
TEST_CASE("snapshot_of_huge_declared_sizes_is_refused") {
  using namespace std::string_literals;
  for (const std::uint32_t length : {0x10001u, 0x7fffffffu, 0xffffffffu}) {
    Database database("huge", in_memory());
    const auto loader = database.load_snapshot();
    REQUIRE(loader->add(forged_block("", length, 1)));
  }
  REQUIRE_FALSE(loads(forged_block("\x01\xff\xff\xff\xff\xff\xff\xff\xff"s, 9, 1)));
  REQUIRE_FALSE(loads(forged_block("\x01\xff\xff\xff\x7f\x10\x00\x00\x00key"s, 12, 1)));
  REQUIRE_FALSE(loads(forged_block("", 0, 1)));
  REQUIRE_FALSE(loads(forged_block("", 0, 0)));
}

TEST_CASE("snapshot_once_refused_stays_refused") {
  const auto whole = small_snapshot();
  Database database("refused", in_memory());
  const auto loader = database.load_snapshot();
  REQUIRE(loader->add(std::string(kSnapshotHeaderSize, 'x')));
  REQUIRE(loader->add(whole));
  REQUIRE_FALSE(loader->finish().ok());
  REQUIRE(database.applied_index() == 0);
}

}  // namespace
}  // namespace database
