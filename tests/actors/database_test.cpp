#include "actors/database.h"

#include "database/command.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

struct Bench {
  explicit Bench(std::size_t max_publishing_bytes = 1 << 20)
      : handler(make_link<DatabaseOrders, DatabaseReport>(inside, "orders", kMustArrive)),
        server(make_link<LocalQueries, DatabaseAnswers>(inside, "queries", kMustArrive)),
        publisher(
            make_link<AppliedBroadcasts, BroadcastsPublished>(inside, "changes", kMustArrive)) {
    ::database::Options options;
    options.in_memory = true;
    actor = std::make_unique<Database>(
        std::make_unique<::database::Database>("memory", options),
        Database::Limits{1 << 20, max_publishing_bytes},
        Database::Links{std::move(handler.far), std::move(server.far), std::move(publisher.near)},
        counters);
  }

  raft::CommittedEntry set(const std::string& value, std::optional<raft::RequestNumber> request) {
    raft::EntryBlockBuilder builder(0);
    builder.add(++last, 1, raft::EntryKind::kCommand,
                ::database::encode_command(::database::SetCommand{"colour", value}));
    return {builder.finish().front(), request};
  }

  zmq::context_t inside{0};
  LinkEnds<DatabaseOrders, DatabaseReport> handler;
  LinkEnds<LocalQueries, DatabaseAnswers> server;
  LinkEnds<AppliedBroadcasts, BroadcastsPublished> publisher;
  Counters counters;
  raft::Index last = 0;
  std::unique_ptr<Database> actor;
};

}  // namespace

TEST_CASE("database_applies_answers_reports_and_publishes") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.handler.near.send({raft::Apply{{bench.set("blue", 11), bench.set("red", {})}}, {}});
  CHECK(next(bench.handler.near).index == 2);
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
  bench.handler.near.send({raft::Apply{{bench.set("blue", {})}}, {}});
  bench.handler.near.send({raft::Apply{{bench.set("red", {})}}, {{12, "colour"}}});
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const DatabaseAnswers answers = next(bench.server.near);
  REQUIRE(answers.reads.size() == 1);
  REQUIRE(answers.reads[0].found);
  CHECK(answers.reads[0].found->value == "red");
}

TEST_CASE("database_answers_local_queries") {
  const auto mode = each_runtime();
  Bench bench;
  bench.handler.near.send({raft::Apply{{bench.set("blue", {})}}, {}});
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  static_cast<void>(next(bench.handler.near));
  bench.server.near.send({{{1, "colour"}, {2, "shape"}}, {{3, {0, {"kv/"}, 10}}}});
  const DatabaseAnswers answers = next(bench.server.near);
  REQUIRE(answers.reads.size() == 2);
  CHECK(answers.reads[0].found);
  CHECK_FALSE(answers.reads[1].found);
  REQUIRE(answers.replays.size() == 1);
  CHECK(std::get<::database::Replay>(answers.replays[0].result).broadcasts.size() == 1);
}

TEST_CASE("database_drops_broadcasts_where_the_publisher_does_not_keep_up") {
  const auto mode = each_runtime();
  Bench bench(100);
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto apply = [&] {
    bench.handler.near.send({raft::Apply{{bench.set(std::string(80, 'x'), {})}}, {}});
    static_cast<void>(next(bench.handler.near));
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
