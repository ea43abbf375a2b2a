#include "database/database.h"

#include <map>

#include "support.h"

namespace database {
namespace {

using test::apply_in_batches;
using test::in_memory;
using test::Log;
using test::random_log;
using test::replay;

std::uint64_t version(const Applied& applied, std::size_t at) {
  return std::get<SetOutcome>(applied.outcomes.at(at)).version;
}
bool found(const Applied& applied, std::size_t at) {
  return std::get<DeleteOutcome>(applied.outcomes.at(at)).found;
}
std::uint64_t seq(const Applied& applied, std::size_t at) {
  return std::get<PublishOutcome>(applied.outcomes.at(at)).seq;
}

TEST_CASE("database_new_is_empty") {
  Database database("fresh", in_memory());
  REQUIRE(database.applied_index() == 0);
  REQUIRE_FALSE(database.get("colour"));
  REQUIRE(database.apply({}).outcomes.empty());
  REQUIRE(database.applied_index() == 0);
}

TEST_CASE("database_version_is_1_at_creation_and_rises_by_1") {
  Database database("versions", in_memory());
  Log log;
  log.set("colour", "blue").set("size", "small").set("colour", "red");
  const auto applied = database.apply(log.entries());
  REQUIRE(version(applied, 0) == 1);
  REQUIRE(version(applied, 1) == 1);
  REQUIRE(version(applied, 2) == 2);
  const auto later = database.apply(Log(3).set("colour", "").entries());
  REQUIRE(version(later, 0) == 3);
  const auto colour = database.get("colour");
  REQUIRE(colour);
  REQUIRE(colour->value.empty());
  REQUIRE(colour->version == 3);
  REQUIRE(colour->index == 4);
  REQUIRE(database.get("size")->index == 2);
}

TEST_CASE("database_delete_is_a_change_and_a_set_after_it_a_creation") {
  Database database("deletes", in_memory());
  Log log;
  log.set("colour", "blue").set("colour", "red").erase("colour").erase("colour").set("colour", "a");
  const auto applied = database.apply(log.entries());
  REQUIRE(found(applied, 2));
  REQUIRE_FALSE(found(applied, 3));
  REQUIRE(version(applied, 4) == 1);
  REQUIRE(applied.broadcasts.size() == 4);
  REQUIRE(applied.broadcasts[2].kind == BroadcastKind::kDelete);
  REQUIRE(applied.broadcasts[2].number == 3);
  REQUIRE(applied.broadcasts[2].payload.empty());
  REQUIRE(applied.broadcasts[3].index == 5);
  const auto later = database.apply(Log(5).erase("colour").entries());
  REQUIRE(found(later, 0));
  REQUIRE(later.broadcasts.at(0).number == 2);
  REQUIRE_FALSE(database.get("colour"));
}

TEST_CASE("database_delete_of_a_missing_key_broadcasts_nothing") {
  Database database("missing", in_memory());
  const auto applied = database.apply(Log().erase("nothing").entries());
  REQUIRE_FALSE(found(applied, 0));
  REQUIRE(applied.broadcasts.empty());
  REQUIRE(database.applied_index() == 1);
  REQUIRE(replay(database, 0).complete_to == 1);
}

TEST_CASE("database_seq_counts_every_channel_without_a_hole") {
  Database database("channels", in_memory());
  Log log;
  log.publish("news", "a").publish("other", "b").publish("news", "c").set("news", "a key");
  const auto applied = database.apply(log.entries());
  REQUIRE(seq(applied, 0) == 1);
  REQUIRE(seq(applied, 1) == 1);
  REQUIRE(seq(applied, 2) == 2);
  REQUIRE(seq(database.apply(Log(4).publish("news", "d").entries()), 0) == 3);
}

TEST_CASE("database_broadcast_says_what_changed") {
  Database database("broadcasts", in_memory());
  Log log;
  log.set("colour", "blue").publish("news", "hello");
  const auto applied = database.apply(log.entries());
  const std::vector<Broadcast> expected = {
      {BroadcastKind::kSet, 1, 1, 1, "kv/colour", base::SharedBytes::copy_of("blue")},
      {BroadcastKind::kPublish, 2, 1, 1, "ch/news", base::SharedBytes::copy_of("hello")}};
  REQUIRE(applied.broadcasts == expected);
}

TEST_CASE("database_broadcast_shares_the_buffer_of_its_entry") {
  Database database("shared", in_memory());
  Log log;
  log.set("colour", "blue");
  const auto applied = database.apply(log.entries());
  const auto& command = *log.entries()[0].command;
  const auto& payload = applied.broadcasts.at(0).payload;
  REQUIRE(payload.owner() == command.owner());
  REQUIRE(payload.data() + payload.size() == command.data() + command.size());
}

TEST_CASE("database_undecodable_command_changes_nothing_and_is_counted") {
  Database database("undecodable", in_memory());
  (void)database.apply(Log().set("colour", "blue").entries());
  const auto before = database.state_hash();
  const auto applied = database.apply(Log(1).raw("").raw("\x93\x09").no_operation().entries());
  for (const auto& outcome : applied.outcomes) {
    REQUIRE(std::holds_alternative<NoOutcome>(outcome));
  }
  REQUIRE(applied.outcomes.size() == 3);
  REQUIRE(applied.broadcasts.empty());
  REQUIRE(database.undecodable_commands() == 2);
  REQUIRE(database.applied_index() == 4);
  REQUIRE(database.state_hash() == before);
}

TEST_CASE("database_state_hash_tells_states_apart") {
  const auto hash_of = [](const Log& log) {
    Database database("hash", in_memory());
    (void)database.apply(log.entries());
    return database.state_hash();
  };
  const auto hash = hash_of(Log().set("ab", "c").publish("x", ""));
  REQUIRE(hash == hash_of(Log().set("ab", "c").publish("x", "")));
  REQUIRE(hash != hash_of(Log().set("a", "bc").publish("x", "")));
  REQUIRE(hash != hash_of(Log().set("ab", "c").publish("y", "")));
  REQUIRE(hash != hash_of(Log().set("ab", "c").set("ab", "c").publish("x", "")));
}

// The rules of keys and channels once more, as plainly as they can be written.
struct Model {
  std::map<std::string, Found> keys;
  std::map<std::string, std::uint64_t> seqs;

  Outcome execute(const Committed& entry) {
    if (!entry.command) return NoOutcome{};
    const auto command = decode_command(entry.command->view());
    if (!command) return NoOutcome{};
    if (const auto* set = std::get_if<SetCommand>(&*command)) {
      auto& key = keys[std::string(set->key)];
      key = {std::string(set->value), key.version + 1, entry.index};
      return SetOutcome{key.version};
    }
    if (const auto* erase = std::get_if<DeleteCommand>(&*command)) {
      return DeleteOutcome{keys.erase(std::string(erase->key)) == 1};
    }
    return PublishOutcome{++seqs[std::string(std::get<PublishCommand>(*command).channel)]};
  }
};

TEST_CASE("database_keeps_the_rules_under_random_commands") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    const auto log = random_log(random, 1000);
    Database database("model", in_memory());
    const auto applied = apply_in_batches(database, log.entries(), random, 40);
    Model model;
    for (std::size_t i = 0; i < applied.outcomes.size(); ++i) {
      REQUIRE(applied.outcomes[i] == model.execute(log.entries()[i]));
    }
    for (int number = 1; number <= 8; ++number) {
      const std::string key = "key" + std::to_string(number);
      const auto stored = database.get(key);
      const auto expected = model.keys.find(key);
      REQUIRE(stored.has_value() == (expected != model.keys.end()));
      if (!stored) continue;
      REQUIRE(stored->value == expected->second.value);
      REQUIRE(stored->version == expected->second.version);
      REQUIRE(stored->index == expected->second.index);
    }
  }
}

TEST_CASE("database_result_does_not_depend_on_the_batches") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    const auto log = random_log(random, 1000);
    Database whole("whole", in_memory());
    const auto expected = whole.apply(log.entries());
    for (const std::size_t most : {1u, 3u, 100u}) {
      Database split("split", in_memory());
      const auto applied = apply_in_batches(split, log.entries(), random, most);
      REQUIRE(applied.outcomes == expected.outcomes);
      REQUIRE(applied.broadcasts == expected.broadcasts);
      REQUIRE(split.applied_index() == whole.applied_index());
      REQUIRE(split.state_hash() == whole.state_hash());
      REQUIRE(replay(split, 0).broadcasts == expected.broadcasts);
    }
  }
}

}  // namespace
}  // namespace database
