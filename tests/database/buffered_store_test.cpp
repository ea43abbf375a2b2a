#include "database/buffered_store.h"

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "database/memory_store.h"

namespace database {
namespace {

constexpr std::size_t kPendingBytes = 2000;

struct Stores {
  std::shared_ptr<MemoryImage> image = make_memory_image();
  BufferedStore buffered = make(image);

  static BufferedStore make(std::shared_ptr<MemoryImage> image) {
    Options options;
    options.memory_image = std::move(image);
    return {std::make_unique<MemoryStore>(options), kPendingBytes};
  }
  // As a turn of its own.
  void put(Family family, std::string_view key, std::string_view value) {
    buffered.begin_changes();
    buffered.put(family, key, {value});
  }
  void erase(Family family, std::string_view key) {
    buffered.begin_changes();
    buffered.erase(family, key);
  }
  [[nodiscard]] std::optional<std::string> get(std::string_view key) const {
    return found(buffered, Family::kKeys, key);
  }
  // What a crash leaves.
  [[nodiscard]] std::optional<std::string> on_disk(Family family, std::string_view key) const {
    return found(make(image), family, key);
  }

  static std::optional<std::string> found(const BufferedStore& store, Family family,
                                          std::string_view key) {
    std::string memory;
    const auto value = store.find(family, key, memory);
    return value ? std::optional(std::string(*value)) : std::nullopt;
  }
};

using Records = std::map<std::string, std::string>;

Records records_of(const View& view, Family family, std::string_view from = {}) {
  Records records;
  const auto cursor = view.iterate(family);
  std::string before;
  for (cursor->seek(from); cursor->valid(); cursor->next()) {
    REQUIRE((records.empty() || cursor->key() > before));
    before = cursor->key();
    records.emplace(cursor->key(), cursor->value());
  }
  return records;
}

Records behind(const Records& records, const std::string& from) {
  return {records.lower_bound(from), records.end()};
}

TEST_CASE("buffered_store_shows_what_was_written_wherever_it_is") {
  base::Random random(1);
  Stores stores;
  Records expected;
  for (int i = 0; i < 5000; ++i) {
    const std::string key = "key" + std::to_string(random.between(1, 60));
    if (random.chance(1, 4)) {
      stores.erase(Family::kKeys, key);
      expected.erase(key);
    } else {
      const std::string value(random.between(0, 40), static_cast<char>(random.between('a', 'z')));
      stores.put(Family::kKeys, key, value);
      expected[key] = value;
    }
    // Of the key just changed, and of one that may be on its way down or below.
    for (const auto& each : {key, "key" + std::to_string(random.between(1, 60))}) {
      const auto found = expected.find(each);
      REQUIRE(stores.get(each) ==
              (found == expected.end() ? std::nullopt : std::optional(found->second)));
    }
    if (i % 50 == 0) {
      REQUIRE(records_of(stores.buffered, Family::kKeys) == expected);
      REQUIRE(records_of(stores.buffered, Family::kKeys, key) == behind(expected, key));
    }
  }
}

TEST_CASE("buffered_store_pins_what_is_in_memory_too") {
  Stores stores;
  stores.put(Family::kKeys, "colour", "blue");
  stores.put(Family::kKeys, "gone", "soon");
  stores.buffered.flush();
  stores.put(Family::kKeys, "colour", "red");
  stores.erase(Family::kKeys, "gone");
  const auto pinned = stores.buffered.pin();
  stores.put(Family::kKeys, "colour", "green");
  stores.put(Family::kKeys, "later", "x");
  stores.buffered.flush();
  REQUIRE(records_of(*pinned, Family::kKeys) == Records{{"colour", "red"}});
}

TEST_CASE("buffered_store_walks_back_over_what_is_below_and_in_memory") {
  Stores stores;
  for (const char* key : {"b", "d"}) stores.put(Family::kHistory, key, "below");
  stores.buffered.flush();
  for (const char* key : {"f", "h"}) stores.put(Family::kHistory, key, "pending");
  const auto at_or_before = [&](std::string_view key) {
    const auto cursor = stores.buffered.iterate(Family::kHistory);
    std::string walked;
    for (cursor->seek_back(key); cursor->valid(); cursor->next()) walked += cursor->key();
    return walked;
  };
  REQUIRE(at_or_before("a").empty());
  REQUIRE(at_or_before("b") == "bdfh");
  REQUIRE(at_or_before("e") == "dfh");
  REQUIRE(at_or_before("f") == "fh");
  REQUIRE(at_or_before("g") == "fh");
  REQUIRE(at_or_before("z") == "h");
}

// A crash leaves below all of a turn and of those before it, or nothing of it. The image holds what
// was flushed, so every hand-over is flushed here.
TEST_CASE("buffered_store_hands_turns_down_as_a_whole") {
  Stores stores;
  std::string handed_down;
  for (int i = 1; i <= 200; ++i) {
    const std::string number = std::to_string(i);
    stores.buffered.begin_changes();
    stores.buffered.put(Family::kKeys, "first", {number});
    stores.buffered.put(Family::kKeys, "other" + number, {std::string(i % 90, 'x')});
    stores.buffered.put(Family::kMeta, "second", {number});
    const auto first = stores.on_disk(Family::kKeys, "first");
    REQUIRE(first == stores.on_disk(Family::kMeta, "second"));
    if (i % 7 == 0) stores.buffered.flush();
  }
  REQUIRE(stores.on_disk(Family::kKeys, "first") == "196");
}

TEST_CASE("buffered_store_changes_nothing_where_there_is_no_room_below") {
  Stores stores;
  stores.put(Family::kKeys, "colour", "blue");
  stores.put(Family::kKeys, "large", std::string(kPendingBytes, 'x'));
  set_full(*stores.image, true);
  for (int attempt = 0; attempt < 2; ++attempt) {
    REQUIRE_THROWS_AS(stores.buffered.begin_changes(), NoRoom);
    REQUIRE_THROWS_AS(stores.buffered.flush(), NoRoom);
    REQUIRE(stores.get("colour") == "blue");
  }
  set_full(*stores.image, false);
  stores.put(Family::kKeys, "colour", "red");
  REQUIRE(stores.get("colour") == "red");
}

TEST_CASE("buffered_store_takes_back_what_finds_no_room_below") {
  Stores stores;
  stores.put(Family::kKeys, "colour", "blue");
  stores.put(Family::kKeys, "gone", "soon");
  stores.put(Family::kKeys, "large", std::string(kPendingBytes, 'x'));
  stores.put(Family::kKeys, "colour", "red");  // all but this goes down
  stores.buffered.erase(Family::kKeys, "gone");
  const auto pinned = stores.buffered.pin();
  set_full(*stores.image, true);
  for (int attempt = 0; attempt < 3; ++attempt) {
    REQUIRE_THROWS_AS(stores.buffered.begin_changes(), NoRoom);
    REQUIRE(stores.get("colour") == "red");
    REQUIRE_FALSE(stores.get("gone"));
    REQUIRE(stores.get("large"));
    REQUIRE(records_of(*pinned, Family::kKeys) ==
            Records{{"colour", "red"}, {"large", std::string(kPendingBytes, 'x')}});
  }
  set_full(*stores.image, false);
  stores.put(Family::kKeys, "later", "x");
  stores.buffered.flush();
  REQUIRE(stores.on_disk(Family::kKeys, "colour") == "red");
  REQUIRE_FALSE(stores.on_disk(Family::kKeys, "gone"));
  REQUIRE(stores.on_disk(Family::kKeys, "large"));
}

TEST_CASE("buffered_store_takes_nothing_while_there_is_no_room_below") {
  Stores stores;
  stores.put(Family::kKeys, "large", std::string(kPendingBytes, 'x'));
  stores.put(Family::kKeys, "small", "x");
  set_full(*stores.image, true);
  set_flushing(*stores.image, true);  // as RocksDB is, whose flush found no room
  for (int attempt = 0; attempt < 3; ++attempt) {
    REQUIRE_THROWS_AS(stores.buffered.begin_changes(), NoRoom);
  }
  set_full(*stores.image, false);
  REQUIRE_NOTHROW(stores.buffered.begin_changes());
}

TEST_CASE("pending_changes_keep_no_room_of_large_values") {
  PendingChanges changes;
  for (int i = 0; i < 100; ++i) {
    const std::string key = std::to_string(i);
    changes.put(Family::kKeys, key, std::string(100'000, 'x'));
    changes.erase(Family::kKeys, key);
    REQUIRE(changes.find(Family::kKeys, key)->value.capacity() < 1000);
  }
}

TEST_CASE("pending_changes_count_the_room_that_they_keep") {
  PendingChanges changes;
  changes.put(Family::kKeys, "colour", std::string(500, 'x'));
  const std::size_t bytes = changes.bytes();
  changes.put(Family::kKeys, "colour", {"x"});
  const std::size_t kept = changes.find(Family::kKeys, "colour")->value.capacity();
  REQUIRE(changes.bytes() == bytes - std::string(500, 'x').capacity() + kept);
  changes.erase(Family::kKeys, "colour");
  REQUIRE(changes.bytes() == bytes - std::string(500, 'x').capacity() + kept);
  PendingChanges later;
  later.add_earlier(std::move(changes));
  REQUIRE(later.bytes() == bytes - std::string(500, 'x').capacity() + kept);
}

// What goes down is that of one moment, and what comes meanwhile goes down after it.
TEST_CASE("buffered_store_pins_and_walks_what_goes_down") {
  Stores stores;
  stores.put(Family::kKeys, "a", "first");
  stores.put(Family::kKeys, "b", "first");
  stores.put(Family::kKeys, "c", std::string(kPendingBytes, 'x'));
  stores.put(Family::kKeys, "b", "second");  // all but this goes down
  stores.buffered.erase(Family::kKeys, "c");
  const Records expected{{"a", "first"}, {"b", "second"}};
  REQUIRE(records_of(stores.buffered, Family::kKeys) == expected);
  const auto pinned = stores.buffered.pin();
  stores.put(Family::kKeys, "a", "third");
  stores.buffered.flush();
  REQUIRE(records_of(*pinned, Family::kKeys) == expected);
  REQUIRE(records_of(stores.buffered, Family::kKeys) == Records{{"a", "third"}, {"b", "second"}});
}

// On a full disk RocksDB aborts where a flush of some families fails beside one of others.
TEST_CASE("buffered_store_gives_no_history_alone_to_a_store_that_flushes") {
  Stores stores;
  set_flushing(*stores.image, true);
  stores.put(Family::kHistory, "1", "waits");
  set_full(*stores.image, true);  // so that nothing can go down unseen
  stores.buffered.begin_changes();
  set_flushing(*stores.image, false);
  REQUIRE_THROWS_AS(stores.buffered.begin_changes(), NoRoom);

  set_flushing(*stores.image, true);
  stores.put(Family::kHistory, "2", std::string(2 * kPendingBytes, 'x'));
  stores.buffered.begin_changes();  // it may take more room meanwhile
  stores.put(Family::kHistory, "3", std::string(2 * kPendingBytes, 'x'));
  REQUIRE_THROWS_AS(stores.buffered.begin_changes(), NoRoom);  // all goes down together
}

TEST_CASE("buffered_store_flushes_what_is_in_memory") {
  Stores stores;
  stores.put(Family::kKeys, "colour", "blue");
  REQUIRE_FALSE(stores.on_disk(Family::kKeys, "colour"));
  stores.buffered.flush();
  REQUIRE(stores.on_disk(Family::kKeys, "colour") == "blue");
}

TEST_CASE("buffered_store_shows_a_replacement_alone") {
  Stores stores;
  stores.put(Family::kKeys, "handed_down", "old");
  stores.buffered.flush();
  stores.put(Family::kKeys, "pending", "old");
  stores.buffered.begin_replacement();
  const auto batch = stores.buffered.make_replacement_batch();
  batch->put(Family::kKeys, "new", {"1"});
  stores.buffered.write_replacement(*batch);
  REQUIRE_FALSE(stores.get("new"));
  const auto last = stores.buffered.make_replacement_batch();
  stores.buffered.install_replacement(*last);
  REQUIRE(records_of(stores.buffered, Family::kKeys) == Records{{"new", "1"}});
  REQUIRE_FALSE(stores.get("handed_down"));
  REQUIRE_FALSE(stores.get("pending"));
}

}  // namespace
}  // namespace database
