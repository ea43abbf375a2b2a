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

// Values of any size; slices of any size are the same bytes.
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

// So that what keeps the bytes block by block finds nearly all of them again.
TEST_CASE("snapshot_of_a_changed_key_differs_at_the_key_and_at_both_ends") {
  base::Random random(6);
  Log log;
  for (int i = 0; i < 100; ++i) log.set("key" + std::to_string(i), random_bytes(random, 1000));
  Database database("changed", in_memory());
  (void)database.apply(log.entries());
  const auto before = snapshot_of(database);
  const std::string value(1000, 'x');
  (void)database.apply(Log(100).set("key50", value).entries());
  const auto after = snapshot_of(database);
  REQUIRE(after.size() == before.size());
  const auto at = after.find("key50");
  const auto end = at + 5 + 16 + value.size();
  REQUIRE(after.substr(kSnapshotHeaderSize, at - kSnapshotHeaderSize) ==
          before.substr(kSnapshotHeaderSize, at - kSnapshotHeaderSize));
  REQUIRE(after.substr(end, after.size() - end - 8) == before.substr(end, before.size() - end - 8));
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

constexpr std::size_t kEndSize = kSnapshotRecordHeaderSize + 16;

void store(std::string& bytes, std::size_t at, std::uint64_t value) {
  base::store_little_endian(reinterpret_cast<std::byte*>(bytes.data() + at), value);
}

// Both checksums as if the bytes had been meant so.
void reseal(std::string& snapshot) {
  store(snapshot, 0, checksum_of(std::string_view(snapshot).substr(8, kSnapshotHeaderSize - 8)));
  const auto before = std::string_view(snapshot).substr(0, snapshot.size() - kEndSize);
  store(snapshot, snapshot.size() - 8, checksum_of(before));
}

TEST_CASE("snapshot_with_its_records_out_of_place_is_refused") {
  Database database("records", in_memory());
  (void)database.apply(Log().set("a", "1").set("b", "2").set("c", "3").entries());
  const auto whole = snapshot_of(database);
  constexpr std::size_t kRecord = kSnapshotRecordHeaderSize + 1 + 16 + 1;
  const auto head = whole.substr(0, kSnapshotHeaderSize);
  const auto first = whole.substr(kSnapshotHeaderSize, kRecord);
  const auto second = whole.substr(kSnapshotHeaderSize + kRecord, kRecord);
  const auto rest = whole.substr(kSnapshotHeaderSize + 2 * kRecord);
  REQUIRE(loads(head + first + second + rest));
  for (std::string forged :
       {head + second + first + rest, head + first + rest, head + first + first + second + rest}) {
    REQUIRE_FALSE(loads(forged));
    reseal(forged);
    REQUIRE_FALSE(loads(forged));
  }
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

// B19: a declared size is never reserved, and of none beyond the limit of its kind is waited for.
TEST_CASE("snapshot_of_huge_declared_sizes_is_refused_at_once") {
  const auto header = small_snapshot().substr(0, kSnapshotHeaderSize);
  for (const RecordKind kind :
       {RecordKind::kKey, RecordKind::kChannel, RecordKind::kSession, RecordKind::kEnd}) {
    const RecordLimits limits = limits_of(kind);
    for (const std::size_t over : {std::size_t{1}, std::size_t{0x70000000}}) {
      for (const auto& [name, value] : {std::pair{limits.name + over, limits.value},
                                        std::pair{limits.name, limits.value + over}}) {
        Database database("huge", in_memory());
        const auto loader = database.load_snapshot();
        std::string bytes = header;
        append_integer(bytes, static_cast<std::uint8_t>(kind));
        append_integer(bytes, static_cast<std::uint32_t>(name));
        append_integer(bytes, static_cast<std::uint32_t>(value));
        REQUIRE(loader->add(bytes));
      }
    }
  }
}

TEST_CASE("snapshot_of_an_older_format_is_refused_with_its_version") {
  auto older = small_snapshot();
  older[16] = 1;
  reseal(older);
  Database database("older", in_memory());
  const auto error = database.load_snapshot()->add(older);
  REQUIRE(error);
  REQUIRE(error->message.find("it has format 1, this release reads format 2") != std::string::npos);
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
