#include "actors/database.h"

#include "database/command.h"
#include "database/snapshot.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

struct Bench {
  explicit Bench(std::size_t max_publishing_bytes = 1 << 20, raft::Index log_end = 0)
      : handler(make_link<DatabaseOrders, DatabaseReport>(inside, "orders", kMustArrive)),
        server(make_link<LocalQueries, DatabaseAnswers>(inside, "queries", kMustArrive)),
        publisher(
            make_link<AppliedBroadcasts, BroadcastsPublished>(inside, "changes", kMustArrive)),
        snapshots(make_link<ContentOrder, ContentReport>(inside, "content", kMustArrive)) {
    ::database::Options options;
    options.in_memory = true;
    options.pending_change_bytes = 0;  // so that each turn finds out about room
    options.memory_image = image;
    actor = std::make_unique<Database>(std::make_unique<::database::Database>("memory", options),
                                       log_end, Database::Limits{1 << 20, max_publishing_bytes},
                                       Database::Links{std::move(handler.far),
                                                       std::move(server.far),
                                                       std::move(publisher.near),
                                                       std::move(snapshots.near),
                                                       {inside, "ticks"}},
                                       *heard.logging, counters);
  }

  raft::CommittedEntry entry(raft::EntryKind kind, base::SharedBytes payload,
                             std::optional<raft::RequestNumber> request) {
    raft::EntryBlockBuilder builder(0, 1000);
    builder.add(++last, 1, kind, std::move(payload));
    return {builder.finish().front(), request};
  }
  raft::CommittedEntry command(const ::database::Command& command,
                               std::optional<raft::RequestNumber> request) {
    return entry(raft::EntryKind::kCommand, ::database::encode_command(command), request);
  }
  raft::CommittedEntry set(const std::string& value, std::optional<raft::RequestNumber> request) {
    return command(::database::SetCommand{"colour", value}, request);
  }
  void apply(std::vector<raft::CommittedEntry> entries, std::vector<DatabaseRead> reads = {}) {
    handler.near.send({.apply = raft::Apply{std::move(entries)}, .reads = std::move(reads)});
  }
  void tick(raft::Milliseconds now) {
    ticks.publish({now});
    actor->turn();
  }
  // Whether something that it has not taken would wake it.
  [[nodiscard]] bool is_awake() const {
    const auto inputs = actor->inputs();
    return std::any_of(inputs.begin(), inputs.end(),
                       [](const Input& input) { return input.socket->readable(); });
  }
  raft::Index next_applied() { return std::get<raft::EntriesApplied>(next(handler.near)).index; }

  zmq::context_t inside{0};
  BroadcastSource<Tick> ticks{inside, "ticks"};
  LinkEnds<DatabaseOrders, DatabaseReport> handler;
  LinkEnds<LocalQueries, DatabaseAnswers> server;
  LinkEnds<AppliedBroadcasts, BroadcastsPublished> publisher;
  LinkEnds<ContentOrder, ContentReport> snapshots;
  HeardLog heard;
  Counters counters;
  raft::Index last = 0;
  std::shared_ptr<::database::MemoryImage> image = ::database::make_memory_image();
  std::unique_ptr<Database> actor;
};

}  // namespace

TEST_CASE("database_applies_answers_reports_and_publishes") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.apply({bench.set("blue", 11), bench.set("red", {})});
  CHECK(bench.next_applied() == 2);
  const DatabaseAnswers answers = next(bench.server.near);
  REQUIRE(answers.commands.size() == 1);
  CHECK(answers.commands[0].request == 11);
  CHECK(answers.commands[0].index == 1);
  const AppliedBroadcasts changes = next(bench.publisher.far);
  REQUIRE(changes.broadcasts.size() == 2);
  CHECK(changes.broadcasts[0].payload.view() == "blue");
  CHECK(changes.broadcasts[1].payload.view() == "red");
  CHECK(changes.applied_index == 2);
}

TEST_CASE("database_reads_see_all_that_was_ordered_before") {
  const auto mode = each_runtime();
  Bench bench;
  bench.apply({bench.set("blue", {})});
  bench.apply({bench.set("red", {})}, {{12, "colour"}});
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const DatabaseAnswers answers = next(bench.server.near);
  REQUIRE(answers.reads.size() == 1);
  REQUIRE(answers.reads[0].found);
  CHECK(answers.reads[0].found->value == "red");
}

TEST_CASE("database_keeps_what_finds_no_room_in_its_order_and_sleeps_meanwhile") {
  Bench bench;
  bench.apply({bench.set("white", {})});
  bench.tick(50);
  CHECK(bench.next_applied() == 1);
  ::database::set_full(*bench.image, true);
  bench.apply({bench.set("blue", 11)});
  bench.tick(100);
  bench.apply({bench.set("red", {})}, {{12, "colour"}});
  bench.handler.near.send({.take_snapshot = raft::TakeSnapshot{{3, 1}, {}}});
  bench.apply({bench.set("green", {})}, {{13, "colour"}});
  bench.server.near.send({{{1, "colour"}}, {}});
  bench.tick(200);
  const DatabaseAnswers local = next(bench.server.near);
  REQUIRE(local.reads.size() == 1);
  CHECK(local.reads[0].found->value == "white");
  bench.tick(1000);  // it tries again, and there is still none
  CHECK_FALSE(bench.handler.near.receive());
  CHECK_FALSE(bench.snapshots.far.receive());
  CHECK_FALSE(bench.is_awake());

  ::database::set_full(*bench.image, false);
  bench.tick(2000);
  for (raft::Index index = 2; index <= 4; ++index) CHECK(bench.next_applied() == index);
  std::vector<std::string> read;
  while (auto answers = bench.server.near.receive()) {
    for (const auto& each : answers->reads) read.push_back(each.found->value);
  }
  CHECK(read == std::vector<std::string>{"red", "green"});
  CHECK(std::get<SnapshotBegun>(next(bench.snapshots.far)).last.index == 3);
}

TEST_CASE("database_answers_local_queries") {
  const auto mode = each_runtime();
  Bench bench;
  bench.apply({bench.set("blue", {})});
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  static_cast<void>(bench.next_applied());
  bench.server.near.send({{{1, "colour"}, {2, "shape"}}, {{3, {0, {"kv/"}, 10}}}});
  const DatabaseAnswers answers = next(bench.server.near);
  REQUIRE(answers.reads.size() == 2);
  CHECK(answers.reads[0].found);
  CHECK_FALSE(answers.reads[1].found);
  REQUIRE(answers.replays.size() == 1);
  CHECK(std::get<::database::Replay>(answers.replays[0].result).broadcasts.size() == 1);
}

// A replay may look through much history, and others wait for the turn.
TEST_CASE("database_answers_one_replay_a_turn_and_goes_on_with_the_next") {
  Bench bench;
  bench.apply({bench.set("blue", {})});
  bench.tick(100);
  for (raft::RequestNumber request = 1; request <= 3; ++request) {
    bench.server.near.send({{{request + 10, "colour"}}, {{request, {0, {"kv/"}, 10}}}});
  }
  for (raft::RequestNumber request = 1; request <= 3; ++request) {
    REQUIRE(bench.is_awake());
    bench.actor->turn();
    const DatabaseAnswers answers = next(bench.server.near);
    REQUIRE(answers.reads.size() == 1);
    REQUIRE(answers.replays.size() == 1);
    CHECK(answers.replays[0].request == request);
    CHECK_FALSE(bench.server.near.receive());
  }
  CHECK_FALSE(bench.is_awake());
}

TEST_CASE("database_takes_so_many_reads_a_turn_and_goes_on_with_the_next") {
  Bench bench;
  constexpr raft::RequestNumber kReadsPerOrder = 300;
  raft::RequestNumber last = 0;
  for (int order = 0; order < 10; ++order) {
    std::vector<DatabaseRead> reads;
    for (raft::RequestNumber i = 0; i < kReadsPerOrder; ++i) reads.push_back({++last, "colour"});
    bench.handler.near.send({.reads = std::move(reads)});
  }
  raft::RequestNumber answered = 0;
  while (bench.is_awake()) {
    bench.actor->turn();
    const DatabaseAnswers answers = next(bench.server.near);
    CHECK(answers.reads.size() <= 2 * kReadsPerOrder);
    for (const ReadOutcome& read : answers.reads) CHECK(read.request == ++answered);
  }
  CHECK(answered == last);
}

// Those who asked have long given up, and a node that waits for room would fill its memory.
TEST_CASE("database_refuses_reads_beyond_a_limit_while_it_waits_for_room") {
  Bench bench;
  bench.apply({bench.set("white", {})});
  bench.tick(50);
  CHECK(bench.next_applied() == 1);
  ::database::set_full(*bench.image, true);
  bench.apply({bench.set("blue", {})});
  bench.tick(100);
  constexpr std::size_t kOrders = 100;
  constexpr raft::RequestNumber kReadsPerOrder = 512;
  raft::RequestNumber last = 0;
  std::vector<raft::RequestNumber> refused;
  for (std::size_t order = 0; order < kOrders; ++order) {
    std::vector<DatabaseRead> reads;
    for (raft::RequestNumber i = 0; i < kReadsPerOrder; ++i) reads.push_back({++last, "colour"});
    bench.handler.near.send({.reads = std::move(reads)});
    bench.tick(100 + order);
    while (const auto answers = bench.server.near.receive()) {
      refused.insert(refused.end(), answers->refused_busy.begin(), answers->refused_busy.end());
    }
  }
  ::database::set_full(*bench.image, false);
  std::vector<raft::RequestNumber> answered;
  for (raft::Milliseconds now = 2000; answered.size() + refused.size() < last; now += 10) {
    REQUIRE(now < 10'000);
    bench.tick(now);
    while (const auto answers = bench.server.near.receive()) {
      for (const auto& read : answers->reads) {
        CHECK(read.found->value == "blue");
        answered.push_back(read.request);
      }
    }
  }
  CHECK(answered.size() >= 8192 - kReadsPerOrder);
  CHECK(answered.size() <= 8192);
  CHECK(answered.back() == answered.size());  // the first to come
}

TEST_CASE("database_drops_broadcasts_where_the_publisher_does_not_keep_up") {
  const auto mode = each_runtime();
  Bench bench(100);
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto apply = [&] {
    bench.apply({bench.set(std::string(80, 'x'), {})});
    static_cast<void>(bench.next_applied());
  };
  apply();
  apply();
  const auto first = next(bench.publisher.far);
  eventually([&] { return bench.counters.broadcasts_dropped.value() == 1; });
  // Told all the same: `applied_index` of raft/status is what shows the hole to subscribers.
  const auto dropped = next(bench.publisher.far);
  CHECK(dropped.applied_index == 2);
  CHECK(dropped.broadcasts.empty());
  bench.publisher.far.send({first.bytes});
  apply();
  CHECK(next(bench.publisher.far).applied_index == 3);
}

TEST_CASE("database_tells_outcomes_of_sessions_with_where_they_took_effect") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.apply({bench.command(::database::OpenSessionCommand{60'000, 10}, 1)});
  const DatabaseAnswers opened = next(bench.server.near);
  REQUIRE(opened.commands.size() == 1);
  CHECK(std::get<::database::SessionOpened>(opened.commands[0].outcome).session == 1);
  const ::database::SessionCommand write{1, 1, ::database::SetCommand{"colour", "blue"}};
  bench.apply({bench.command(write, 2), bench.command(write, 3)});
  const DatabaseAnswers written = next(bench.server.near);
  REQUIRE(written.commands.size() == 2);
  CHECK(written.commands[0].effect_index == 2);
  CHECK(written.commands[1].index == 3);
  CHECK(written.commands[1].effect_index == 2);
}

TEST_CASE("database_counts_a_configuration_and_answers_who_waits_for_it") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.apply({bench.entry(raft::EntryKind::kConfiguration, raft::encode_configuration({}), 7)});
  CHECK(bench.next_applied() == 1);
  const DatabaseAnswers answers = next(bench.server.near);
  CHECK(answers.commands.empty());
  REQUIRE(answers.changes.size() == 1);
  CHECK(answers.changes[0].request == 7);
  CHECK(answers.changes[0].index == 1);
}

TEST_CASE("database_takes_a_snapshot_of_the_moment_while_it_goes_on") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  for (int i = 0; i < 40; ++i) {
    bench.apply({bench.command(
        ::database::SetCommand{"key" + std::to_string(i), std::string(100'000, 'x')}, {})});
  }
  const raft::LogPosition last{40, 1, 5, 1000};
  bench.handler.near.send({.take_snapshot = raft::TakeSnapshot{last, {}}});
  // Not a part of it, as it comes later; it does not wait for the snapshot.
  bench.apply({bench.set("late", {})});
  while (bench.next_applied() < 41) {
  }
  CHECK(std::get<SnapshotBegun>(next(bench.snapshots.far)).last == last);
  std::string content;
  std::size_t under_way = 0;
  while (true) {
    const ContentOrder order = next(bench.snapshots.far);
    if (std::holds_alternative<SnapshotEnded>(order)) break;
    content += std::get<SnapshotSlice>(order).bytes.view();
    if (++under_way < 4) continue;
    // No more is read than may be under way.
    CHECK_FALSE(bench.snapshots.far.receive());
    while (under_way-- > 0) bench.snapshots.far.send(SliceStored{});
    under_way = 0;
  }
  CHECK(content.size() > 4'000'000);

  ::database::Options options;
  options.in_memory = true;
  ::database::Database copy("memory", options);
  const auto loader = copy.load_snapshot();
  REQUIRE_FALSE(loader->add(content));
  CHECK(*loader->finish() == 40);
  CHECK(copy.get("key39"));
  CHECK_FALSE(copy.get("colour"));
}

namespace {

// The content of a snapshot up to `index`, with one key.
base::SharedBytes content_of(raft::Index index, const std::string& value) {
  ::database::Options options;
  options.in_memory = true;
  ::database::Database source("memory", options);
  std::vector<::database::Committed> entries;
  const auto command = ::database::encode_command(::database::SetCommand{"colour", value});
  for (raft::Index each = 1; each <= index; ++each) entries.push_back({each, 1, command, 1000});
  static_cast<void>(source.apply(entries));
  return source.read_snapshot()->next(1 << 20);
}

}  // namespace

TEST_CASE("database_installs_a_snapshot_before_what_follows_it") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.apply({bench.set("old", {})});
  CHECK(bench.next_applied() == 1);
  bench.last = 50;
  bench.handler.near.send({.install = raft::InstallSnapshotContent{50},
                           .apply = raft::Apply{{bench.set("newer", 9)}},
                           .reads = {{12, "colour"}}});
  bench.apply({bench.set("newest", {})});
  CHECK(std::get<ContentWanted>(next(bench.snapshots.far)).index == 50);
  // Until it is whole, local queries see the state before, and nothing is applied.
  bench.server.near.send({{{1, "colour"}}, {}});
  const DatabaseAnswers before = next(bench.server.near);
  CHECK(before.reads.at(0).found->value == "old");
  CHECK_FALSE(bench.handler.near.receive());

  const auto content = content_of(50, "new");
  bench.snapshots.far.send(ContentRead{50, content.part(0, 20), false});
  CHECK(std::get<ContentWanted>(next(bench.snapshots.far)).offset == 20);
  bench.snapshots.far.send(ContentRead{50, content.part(20, content.size() - 20), true});
  CHECK(std::get<raft::SnapshotInstalled>(next(bench.handler.near)).index == 50);
  while (bench.next_applied() < 52) {
  }
  const DatabaseAnswers answers = next(bench.server.near);
  CHECK(answers.commands.at(0).request == 9);
  CHECK(answers.reads.at(0).found->value != "new");  // it sees what came with it
  raft::Index published = 0;
  while (published != 50) published = next(bench.publisher.far).applied_index;
}

TEST_CASE("database_sleeps_while_content_that_it_installs_is_read") {
  Bench bench;
  bench.last = 50;
  bench.handler.near.send({.install = raft::InstallSnapshotContent{50}});
  for (int i = 0; i < 3; ++i) bench.apply({bench.set("newer", {})});
  bench.tick(100);
  bench.tick(200);
  CHECK_FALSE(bench.is_awake());
  bench.snapshots.far.send(ContentRead{50, content_of(50, "new"), true});
  bench.tick(300);
  CHECK(std::get<raft::SnapshotInstalled>(next(bench.handler.near)).index == 50);
  CHECK(bench.next_applied() == 53);
}

TEST_CASE("database_waits_for_the_later_one_where_a_snapshot_was_replaced") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.last = 50;
  bench.handler.near.send({.install = raft::InstallSnapshotContent{50},
                           .apply = raft::Apply{{bench.set("lost", 9)}},
                           .reads = {{12, "colour"}}});
  CHECK(std::get<ContentWanted>(next(bench.snapshots.far)).index == 50);
  bench.snapshots.far.send(ContentRead{50, std::nullopt, false});
  const DatabaseAnswers dropped = next(bench.server.near);
  REQUIRE(dropped.commands.size() == 1);
  CHECK(std::holds_alternative<::database::NoOutcome>(dropped.commands[0].outcome));
  bench.apply({bench.set("lost, too", {})});
  bench.handler.near.send({.install = raft::InstallSnapshotContent{70}});
  CHECK(std::get<ContentWanted>(next(bench.snapshots.far)).index == 70);
  bench.snapshots.far.send(ContentRead{70, content_of(70, "new"), true});
  CHECK(std::get<raft::SnapshotInstalled>(next(bench.handler.near)).index == 70);
  CHECK(next(bench.server.near).reads.at(0).found->value == "new");
}

TEST_CASE("database_gives_up_its_snapshot_for_one_that_is_installed") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  for (int i = 0; i < 40; ++i) {
    bench.apply({bench.command(
        ::database::SetCommand{"key" + std::to_string(i), std::string(100'000, 'x')}, {})});
  }
  bench.handler.near.send({.take_snapshot = raft::TakeSnapshot{{40, 1, 5, 1000}, {}}});
  bench.handler.near.send({.install = raft::InstallSnapshotContent{50}});
  ContentOrder order = next(bench.snapshots.far);
  while (!std::holds_alternative<SnapshotGivenUp>(order)) {
    REQUIRE_FALSE(std::holds_alternative<SnapshotEnded>(order));
    order = next(bench.snapshots.far);
  }
  CHECK(std::get<ContentWanted>(next(bench.snapshots.far)).index == 50);
  running.stop();  // in the middle of it
}

TEST_CASE("database_says_how_far_it_has_applied_what_the_log_held_at_the_start") {
  Bench bench(1 << 20, 4);
  for (raft::Milliseconds now = 1000; now <= 4000; now += 1000) {
    bench.apply({bench.set("blue", {}), bench.set("red", {})});
    bench.tick(now);
    CHECK(bench.next_applied() == bench.last);
  }
  const std::string text = bench.heard.text();
  CHECK_THAT(text, Catch::Contains("applies the log again: 100 %, 4 of 4 entries"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}
