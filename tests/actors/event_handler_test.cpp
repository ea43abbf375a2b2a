#include "actors/event_handler.h"

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

// A cluster of one node, which leads as soon as its own vote is on disk.
struct Bench {
  Bench()
      : logging(quiet_logging()),
        clients(make_link<ClientEvents, HandlerAnswers>(inside, "clients", kMustArrive)),
        peers(make_link<PeerMessages>(inside, "peers", 8)),
        log(make_link<LogOrders, LogReport>(inside, "log", kMustArrive)),
        sends(make_link<OutboundMessages>(inside, "sends", 8)),
        orders(make_link<DatabaseOrders, DatabaseReport>(inside, "orders", kMustArrive)),
        ticks(inside, "ticks") {
    raft::Options options;
    options.id = 1;
    options.members = {1};
    BroadcastSource<NodeStatus> status(inside, "status");
    handler = std::make_unique<EventHandler>(raft::Server(options, {}),
                                             EventHandler::Links{std::move(clients.far),
                                                                 std::move(peers.far),
                                                                 std::move(log.near),
                                                                 std::move(sends.near),
                                                                 std::move(orders.near),
                                                                 {inside, "ticks"},
                                                                 std::move(status)},
                                             *logging, counters);
  }

  // Ticks until an order for the log comes.
  LogOrders first_order() {
    return std::move(*eventually([this] {
      ticks.publish({now += 100});
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

  zmq::context_t inside{0};
  std::unique_ptr<Logging> logging;
  Counters counters;
  LinkEnds<ClientEvents, HandlerAnswers> clients;
  LinkEnds<PeerMessages> peers;
  LinkEnds<LogOrders, LogReport> log;
  LinkEnds<OutboundMessages> sends;
  LinkEnds<DatabaseOrders, DatabaseReport> orders;
  BroadcastSource<Tick> ticks;
  raft::Milliseconds now = 1000;
  std::unique_ptr<EventHandler> handler;
};

}  // namespace

TEST_CASE("event_handler_hands_the_commands_of_a_turn_out_in_one_order") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.handler.get()});
  const DatabaseOrders first = bench.lead();
  REQUIRE(first.apply);
  bench.orders.far.send({first.apply->entries.back().entry.index});

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
  const DatabaseOrders first = bench.lead();
  bench.orders.far.send({first.apply->entries.back().entry.index});
  bench.clients.near.send({{ReadSubmitted{7, "colour"}}});
  const DatabaseOrders orders = next(bench.orders.far);
  REQUIRE(orders.reads.size() == 1);
  CHECK(orders.reads[0].request == 7);
  CHECK(orders.reads[0].key == "colour");
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
