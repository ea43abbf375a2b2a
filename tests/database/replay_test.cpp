#include "database/database.h"
#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::kNoLimit;
using test::Log;
using test::random_bytes;
using test::random_log;
using test::replay;
using test::TemporaryDirectory;

std::vector<std::uint64_t> indices(const Replay& replay) {
  std::vector<std::uint64_t> result;
  for (const auto& broadcast : replay.broadcasts) result.push_back(broadcast.index);
  return result;
}

using Indices = std::vector<std::uint64_t>;

// kv/colour at 1 and 4, ch/news at 2, nothing at 3 and 5, ch/other at 6; in three batches.
void apply_example(Database& database) {
  Log log;
  log.set("colour", "blue").publish("news", "hello").no_operation();
  log.set("colour", "red").erase("nothing").publish("other", "x");
  (void)database.apply(log.entries().first(3));
  (void)database.apply(log.entries().subspan(3, 2));
  (void)database.apply(log.entries().subspan(5));
}

TEST_CASE("replay_returns_what_came_after_in_order") {
  Database database("replay", in_memory());
  apply_example(database);
  REQUIRE(indices(replay(database, 0)) == Indices{1, 2, 4, 6});
  REQUIRE(indices(replay(database, 1)) == Indices{2, 4, 6});
  REQUIRE(indices(replay(database, 2)) == Indices{4, 6});
  REQUIRE(indices(replay(database, 5)) == Indices{6});
  REQUIRE(replay(database, 0).complete_to == 6);
}

TEST_CASE("replay_gives_what_was_broadcast") {
  base::Random random(1);
  const auto log = random_log(random, 500);
  Database database("replay", in_memory());
  const auto applied = apply_in_batches(database, log.entries(), random, 20);
  REQUIRE(replay(database, 0).broadcasts == applied.broadcasts);
}

TEST_CASE("replay_filters_by_prefix_of_topic") {
  Database database("replay", in_memory());
  apply_example(database);
  REQUIRE(indices(replay(database, 0, {"kv/"})) == Indices{1, 4});
  REQUIRE(indices(replay(database, 0, {"ch/n", "kv/x"})) == Indices{2});
  REQUIRE(indices(replay(database, 0, {"ch/news", "kv/", "ch/"})) == Indices{1, 2, 4, 6});
  REQUIRE(indices(replay(database, 0, {""})) == Indices{1, 2, 4, 6});
  REQUIRE(indices(replay(database, 0, {"ch/news and more"})).empty());
  REQUIRE(replay(database, 0, {"nothing"}).complete_to == 6);
}

TEST_CASE("replay_cut_by_a_limit_says_where_to_go_on") {
  Database database("replay", in_memory());
  apply_example(database);
  const auto two = replay(database, 0, {}, 2);
  REQUIRE(indices(two) == Indices{1, 2});
  REQUIRE(two.complete_to == 2);
  const auto rest = replay(database, two.complete_to, {}, 2);
  REQUIRE(indices(rest) == Indices{4, 6});
  REQUIRE(rest.complete_to == 6);
  REQUIRE(replay(database, 3, {}, 0).complete_to == 3);
}

TEST_CASE("replay_cut_by_bytes_returns_at_least_one") {
  Database database("replay", in_memory());
  apply_example(database);
  const auto one = replay(database, 0, {}, kNoLimit, 1);
  REQUIRE(indices(one) == Indices{1});
  REQUIRE(one.complete_to == 1);
  const std::size_t two_of_them = std::string("kv/colourbluech/newshello").size();
  REQUIRE(indices(replay(database, 0, {}, kNoLimit, two_of_them)) == Indices{1, 2});
  REQUIRE(indices(replay(database, 0, {}, kNoLimit, two_of_them + 1)) == Indices{1, 2, 4});
}

TEST_CASE("replay_after_the_end_is_empty_and_never_beyond_what_was_applied") {
  Database database("replay", in_memory());
  REQUIRE(replay(database, 0).complete_to == 0);
  REQUIRE(replay(database, 7).complete_to == 0);
  apply_example(database);
  for (const std::uint64_t after : {std::uint64_t{6}, std::uint64_t{7}, ~std::uint64_t{0}}) {
    REQUIRE(replay(database, after).broadcasts.empty());
    REQUIRE(replay(database, after).complete_to == 6);
  }
}

TEST_CASE("replay_counts_batches_without_a_broadcast") {
  Database database("replay", in_memory());
  (void)database.apply(Log().no_operation().entries());
  REQUIRE(replay(database, 0).complete_to == 1);
  (void)database.apply(Log(1).set("colour", "blue").entries());
  (void)database.apply(Log(2).erase("nothing").entries());
  REQUIRE(indices(replay(database, 0)) == Indices{2});
  REQUIRE(replay(database, 0).complete_to == 3);
  REQUIRE(replay(database, 2).complete_to == 3);
}

// A client that follows complete_to misses nothing, whatever its limits and topics are.
TEST_CASE("replay_page_by_page_is_the_whole") {
  base::Random random(2);
  const auto log = random_log(random, 400);
  Database database("replay", in_memory());
  (void)apply_in_batches(database, log.entries(), random, 15);
  for (const std::vector<std::string>& topics :
       {std::vector<std::string>{}, {"kv/key1"}, {"ch/", "kv/key2"}}) {
    const auto whole = replay(database, 0, topics).broadcasts;
    for (const std::size_t limit : {1u, 2u, 7u}) {
      std::vector<Broadcast> pages;
      std::uint64_t after = 0;
      while (after < database.applied_index()) {
        auto page = replay(database, after, topics, limit, random.between(1, 2000));
        REQUIRE(page.complete_to > after);
        REQUIRE(page.broadcasts.size() <= limit);
        after = page.complete_to;
        for (auto& broadcast : page.broadcasts) pages.push_back(std::move(broadcast));
      }
      REQUIRE(pages == whole);
    }
  }
}

// One record holds about a mebibyte: this batch becomes several, one of them a single large one.
TEST_CASE("replay_of_a_batch_split_into_records_has_no_hole") {
  base::Random random(3);
  Log log;
  log.no_operation();
  for (int i = 0; i < 40; ++i) log.erase("nothing").publish("bulk", random_bytes(random, 50'000));
  log.set("large", random_bytes(random, 1'500'000)).set("small", "x").no_operation();
  Database database("replay", in_memory());
  const auto applied = database.apply(log.entries());
  REQUIRE(replay(database, 0).broadcasts == applied.broadcasts);
  REQUIRE(replay(database, 0).complete_to == database.applied_index());
  for (std::uint64_t after = 0; after < database.applied_index(); ++after) {
    const auto next = replay(database, after, {}, 1);
    REQUIRE(next.complete_to > after);
    for (const auto& broadcast : next.broadcasts) REQUIRE(broadcast.index <= after + 3);
  }
}

// Topics that hardly match stop after a part of the history, and go on from there.
TEST_CASE("replay_of_few_matches_in_much_history_comes_in_parts") {
  Database database("replay", in_memory());
  const std::string value(512 << 10, 'x');
  for (std::uint64_t index = 0; index < 10; ++index) {
    (void)database.apply(Log(index).publish("bulk", value).entries());
  }
  (void)database.apply(Log(10).set("colour", "blue").entries());
  const auto part = replay(database, 0, {"kv/"});
  REQUIRE(part.broadcasts.empty());
  REQUIRE(part.complete_to > 0);
  REQUIRE(part.complete_to < 11);
  const auto rest = replay(database, part.complete_to, {"kv/"});
  REQUIRE(indices(rest) == Indices{11});
  REQUIRE(rest.complete_to == 11);
}

Options small_retention() {
  Options options;
  options.replay_retention_bytes = 256 << 10;
  return options;
}

// Writes until the beginning of the history was dropped, and says what is left of it.
Compacted fill_until_compacted(Database& database) {
  base::Random random(4);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t applied = database.applied_index();
    Log log(applied);
    for (int j = 0; j < 4; ++j) log.publish("bulk", random_bytes(random, 5'000));
    (void)database.apply(log.entries());
    database.flush();
    const auto result = database.replay(0, {}, 1, kNoLimit);
    if (const auto* compacted = std::get_if<Compacted>(&result)) return *compacted;
  }
  FAIL("nothing was dropped");
  return {};
}

TEST_CASE("replay_of_what_was_dropped_says_what_is_kept") {
  TemporaryDirectory directory;
  {
    Database database(directory.path(), small_retention());
    const auto compacted = fill_until_compacted(database);
    REQUIRE(compacted.first_index > 1);
    REQUIRE(compacted.first_index < database.applied_index());
  }
  Database database(directory.path(), small_retention());
  const auto result = database.replay(0, {}, 1, kNoLimit);
  REQUIRE(std::holds_alternative<Compacted>(result));
  const std::uint64_t first = std::get<Compacted>(result).first_index;
  REQUIRE(std::holds_alternative<Compacted>(database.replay(first - 2, {}, 1, kNoLimit)));
  const auto kept = replay(database, first - 1);
  REQUIRE(kept.complete_to == database.applied_index());
  REQUIRE(kept.broadcasts.size() == database.applied_index() - first + 1);
  REQUIRE(kept.broadcasts.front().index == first);
  // What was dropped is history only: the channel still knows how far it got.
  REQUIRE(kept.broadcasts.back().number == database.applied_index());
  const auto more = database.apply(Log(database.applied_index()).publish("bulk", "").entries());
  REQUIRE(std::get<PublishOutcome>(more.outcomes.at(0)).seq == database.applied_index());
}

}  // namespace
}  // namespace database
