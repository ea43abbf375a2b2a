#include "actors/event_handler.h"

#include <atomic>

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

// A cluster of one node, which leads as soon as its own vote is on disk.
struct Bench {
  explicit Bench(EventHandler::LeaseClock lease_clock = nullptr)
      : logging(quiet_logging()),
        clients(make_link<ClientEvents, HandlerAnswers>(inside, "clients", kMustArrive)),
        peers(make_link<PeerMessages>(inside, "peers", 8)),
        log(make_link<LogOrders, LogReport>(inside, "log", kMustArrive)),
        sends(make_link<OutboundMessages>(inside, "sends", 8)),
        orders(make_link<DatabaseOrders, DatabaseReport>(inside, "orders", kMustArrive)),
        snapshots(make_link<SnapshotOrders, SnapshotReport>(inside, "snapshots", kMustArrive)),
        ticks(inside, "ticks") {
    raft::Options options;
    options.self = {.id = 1, .identity = 11, .peer = "tcp://127.0.0.1:3101"};
    options.first_members = {{.id = 1, .peer = "tcp://127.0.0.1:3101"}};
    BroadcastSource<NodeStatus> status(inside, "status");
    handler = std::make_unique<EventHandler>(raft::Server(options, {}), std::move(lease_clock),
                                             EventHandler::Links{std::move(clients.far),
                                                                 std::move(peers.far),
                                                                 std::move(log.near),
                                                                 std::move(sends.near),
                                                                 std::move(orders.near),
                                                                 std::move(snapshots.near),
                                                                 {inside, "ticks"},
                                                                 std::move(status)},
                                             *logging, counters);
  }

  // Ticks until an order for the log comes.
  LogOrders first_order() {
    return std::move(*eventually([this] {
      ticks.publish({now += 100});
      if (auto order = snapshots.far.receive()) {
        REQUIRE(order->first_configuration);
        snapshots.far.send(
            {{raft::FirstConfigurationStored{order->first_configuration->configuration}}});
      }
      return log.far.receive();
    }));
  }
  // Acknowledges orders until the no-operation of the first term is handed out to be applied.
  DatabaseOrders lead() {
    LogOrders order = first_order();
    return std::move(*eventually([&] {
      log.far.send({raft::Persisted{order.persist->number}, {}});
      while (true) {
        if (auto apply = orders.far.receive()) return apply;
        if (auto more = log.far.receive()) {
          log.far.send({raft::Persisted{more->persist->number}, {}});
        }
        ticks.publish({now += 100});
        std::this_thread::yield();
      }
    }));
  }
  void lead_and_apply() {
    const DatabaseOrders first = lead();
    REQUIRE(first.apply);
    orders.far.send(raft::EntriesApplied{first.apply->entries.back().entry.index});
  }

  zmq::context_t inside{0};
  std::unique_ptr<Logging> logging;
  Counters counters;
  LinkEnds<ClientEvents, HandlerAnswers> clients;
  LinkEnds<PeerMessages> peers;
  LinkEnds<LogOrders, LogReport> log;
  LinkEnds<OutboundMessages> sends;
  LinkEnds<DatabaseOrders, DatabaseReport> orders;
  LinkEnds<SnapshotOrders, SnapshotReport> snapshots;
  BroadcastSource<Tick> ticks;
  raft::Milliseconds now = 1000;
  std::unique_ptr<EventHandler> handler;
};

}  // namespace

TEST_CASE("event_handler_hands_the_commands_of_a_turn_out_in_one_order") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  bench.lead_and_apply();

  ClientEvents events;
  for (raft::RequestNumber request = 1; request <= 5; ++request) {
    events.events.emplace_back(
        raft::CommandSubmitted{request, base::SharedBytes::copy_of("command")});
  }
  bench.clients.near.send(std::move(events));
  const LogOrders order = next(bench.log.far);
  REQUIRE(order.persist);
  CHECK(order.persist->entries.size() == 5);
  CHECK_FALSE(bench.orders.far.receive());  // nothing is committed before it is on disk

  bench.log.far.send({raft::Persisted{order.persist->number}, {}});
  const DatabaseOrders applied = next(bench.orders.far);
  REQUIRE(applied.apply);
  REQUIRE(applied.apply->entries.size() == 5);
  CHECK(applied.apply->entries[4].request == 5);
}

TEST_CASE("event_handler_gives_a_read_its_key_back") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  bench.lead_and_apply();
  bench.clients.near.send({{ReadSubmitted{7, "colour"}}});
  const DatabaseOrders orders = next(bench.orders.far);
  REQUIRE(orders.reads.size() == 1);
  CHECK(orders.reads[0].request == 7);
  CHECK(orders.reads[0].key == "colour");
}

// database takes whole orders a turn, and each read may wait for its disk.
TEST_CASE("event_handler_hands_many_reads_out_in_several_orders") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  bench.lead_and_apply();
  constexpr raft::RequestNumber kReads = 2000;
  ClientEvents events;
  for (raft::RequestNumber request = 1; request <= kReads; ++request) {
    events.events.emplace_back(ReadSubmitted{request, "colour"});
  }
  bench.clients.near.send(std::move(events));
  for (raft::RequestNumber request = 1; request <= kReads;) {
    const DatabaseOrders orders = next(bench.orders.far);
    REQUIRE_FALSE(orders.reads.empty());
    CHECK(orders.reads.size() <= 512);
    for (const DatabaseRead& read : orders.reads) CHECK(read.request == request++);
  }
}

TEST_CASE("event_handler_holds_no_read_that_has_expired") {  // A30
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  bench.clients.near.send({{ReadSubmitted{7, "colour"}, raft::RequestExpired{7}, StatusAsked{8}}});
  HandlerAnswers answers = next(bench.clients.near);
  while (!answers.status) answers = next(bench.clients.near);
  CHECK(answers.status_asked == std::vector<raft::RequestNumber>{8});
  CHECK(answers.status->counters.at("event_handler_held_reads") == 0);
}

TEST_CASE("event_handler_tells_who_the_members_are_before_it_sends_to_them") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  static_cast<void>(bench.lead());
  const OutboundMessages first = next(bench.sends.far);
  REQUIRE(first.members);
  CHECK(first.members->configuration.find(1) != nullptr);
  HandlerAnswers answers = next(bench.clients.near);
  while (!answers.members) answers = next(bench.clients.near);
  CHECK(answers.members->configuration.voters == std::vector<raft::NodeId>{1});
}

TEST_CASE("event_handler_completes_a_snapshot_and_says_why_it_refuses") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  const DatabaseOrders first = bench.lead();
  const raft::Index applied = first.apply->entries.back().entry.index;
  bench.orders.far.send(raft::EntriesApplied{applied});
  bench.clients.near.send({{raft::SnapshotRequested{7}, raft::TransferRequested{8, 5}}});
  DatabaseOrders orders = next(bench.orders.far);
  while (!orders.take_snapshot) orders = next(bench.orders.far);
  CHECK(orders.take_snapshot->last.index == applied);
  bench.snapshots.far.send({{raft::SnapshotTaken{
      {orders.take_snapshot->last, orders.take_snapshot->configuration, 10, 1}}}});
  std::vector<raft::Complete> completions;
  std::vector<raft::Refuse> refusals;
  while (completions.empty() || refusals.empty()) {
    HandlerAnswers answers = next(bench.clients.near);
    for (const auto& each : answers.completions) completions.push_back(each);
    for (const auto& each : answers.refusals) refusals.push_back(each);
  }
  CHECK(completions[0].request == 7);
  CHECK(completions[0].number == applied);
  CHECK(refusals[0].request == 8);
  CHECK(refusals[0].reason == raft::RefusalReason::kConflict);
  CHECK_THAT(refusals[0].detail, Catch::Contains("Node 5"));
}

TEST_CASE("event_handler_has_one_part_of_a_snapshot_at_a_time_stored") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  static_cast<void>(bench.lead());
  constexpr raft::Term kLater = 1'000'000;  // than the one in which this node leads
  const raft::SnapshotHead head{{1000, kLater, 5, 1000}, {}, 1 << 20, 7, 1};
  const auto part_arrives = [&](std::uint64_t offset) {
    const raft::InstallSnapshot part{kLater, head, offset, base::SharedBytes::copy_of("part")};
    eventually([&] {
      return bench.peers.near.offer({{raft::MessageReceived{{2, 22}, part, 11}}});
    });
  };
  for (int i = 0; i < 40; ++i) part_arrives(0);
  CHECK(next(bench.snapshots.far).stores.size() == 1);
  bench.clients.near.send({{StatusAsked{8}}});
  while (!next(bench.clients.near).status) {
  }
  CHECK_FALSE(bench.snapshots.far.receive());
  // What is reported makes room.
  bench.snapshots.far.send({{raft::SnapshotChunkStored{{2, 22}, head, {4}, false}}});
  const auto order = eventually([&] {
    part_arrives(4);
    return bench.snapshots.far.receive();
  });
  CHECK(order->stores.at(0).head == head);
}

TEST_CASE("event_handler_judges_a_lease_by_the_time_of_the_moment") {  // A12
  const auto mode = each_runtime();
  std::atomic<int> asked = 0;
  Bench bench([&asked] {
    ++asked;
    return raft::Milliseconds{1};
  });
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  bench.clients.near.send({{ReadSubmitted{7, "colour"}}});
  eventually([&] { return asked > 0; });
}

// A12: it then judges by the time in every turn, and has to know what has come.
TEST_CASE("event_handler_asks_all_its_inputs_in_each_turn_where_it_has_leases") {
  const auto of_time = [](EventHandler& handler) {
    const auto inputs = handler.inputs();
    return std::count_if(inputs.begin(), inputs.end(),
                         [](const Input& input) { return input.is_time; });
  };
  Bench without;
  CHECK(of_time(*without.handler) == 1);
  Bench with([] { return raft::Milliseconds{1}; });
  CHECK(of_time(*with.handler) == 6);
}
