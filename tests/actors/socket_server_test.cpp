#include "database/command.h"
#include "socket_server_bench.h"

using namespace actors;
using namespace actors_test;

TEST_CASE("socket_server_answers_with_the_outcome_and_names_the_leader") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  bench.handler.far.send(
      {raft::Standing{raft::Role::kFollower, 1, 2}, {}, {}, {}, three_members(), {}});
  send(client, {set_request(1)});
  const auto taken = events(bench, 1);
  REQUIRE(std::holds_alternative<raft::CommandSubmitted>(taken[0]));
  const auto number = number_of(taken[0]);
  CHECK(number >> raft::kRequestCounterBits == 1);
  bench.queries.far.send({{{number, 5, database::SetOutcome{1}, 5}}, {}, {}});
  const std::string reply = receive(client);
  CHECK(verdict(reply) == "ok");
  CHECK_THAT(reply, Catch::Contains("tcp://127.0.0.1:4102"));
}

TEST_CASE("socket_server_puts_the_delimiter_of_a_REQ_before_the_reply") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint, zmq::socket_type::req);
  send(client, {set_request(1)});
  const auto number = number_of(events(bench, 1)[0]);
  bench.handler.far.send({{}, {{number, raft::RefusalReason::kNoLeader, {}}}, {}, {}, {}, {}});
  CHECK(verdict(receive(client)) == "no_leader");
}

TEST_CASE("socket_server_sheds_what_one_client_has_too_much_and_recovers") {  // A30
  const auto mode = each_runtime();
  ServerBench bench("[limits]\nmax_requests_in_flight = 8\nmax_requests_per_client = 4\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 6; ++i) send(client, {set_request(i)});
    CHECK(verdict(receive(client)) == "busy");
    CHECK(verdict(receive(client)) == "busy");
    std::vector<raft::Refuse> refusals;
    for (const auto& event : events(bench, 4)) {
      refusals.push_back({number_of(event), raft::RefusalReason::kNoLeader, {}});
    }
    bench.handler.far.send({{}, refusals, {}, {}, {}, {}});
    for (int i = 0; i < 4; ++i) CHECK(verdict(receive(client)) == "no_leader");
  }
  CHECK(bench.counters.requests_shed.value() == 6);
}

TEST_CASE("socket_server_sheds_what_all_clients_have_too_much") {
  const auto mode = each_runtime();
  ServerBench bench("[limits]\nmax_requests_in_flight = 4\nmax_requests_per_client = 4\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto first = bench.connect(bench.clients.endpoint);
  auto second = bench.connect(bench.clients.endpoint);
  for (int i = 0; i < 4; ++i) send(first, {set_request(i)});
  static_cast<void>(events(bench, 4));
  send(second, {set_request(5)});
  CHECK(verdict(receive(second)) == "busy");
}

TEST_CASE("socket_server_answers_when_the_time_is_up") {
  const auto mode = each_runtime();
  ServerBench bench("[limits]\nrequest_timeout_ms = 1000\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {set_request(1)});
  const auto number = number_of(events(bench, 1)[0]);
  zmq::message_t reply;
  eventually([&] {
    bench.ticks.publish({1000});
    return receive_frame(client, reply);
  });
  CHECK(verdict(reply.to_string()) == "unknown_outcome");
  const auto expired = events(bench, 1);
  REQUIRE(std::holds_alternative<raft::RequestExpired>(expired[0]));
  CHECK(number_of(expired[0]) == number);
  // An answer that comes too late is nobody's.
  bench.queries.far.send({{{number, 5, database::SetOutcome{1}, 5}}, {}, {}});
  send(client, {set_request(2)});
  CHECK(number_of(events(bench, 1)[0]) == number + 1);
  CHECK(bench.counters.requests_expired.value() == 1);
}

TEST_CASE("socket_server_refuses_hostile_frames_of_clients_and_goes_on") {  // B16, B19
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  const std::vector<std::vector<std::string>> hostile = {
      {""},
      {"\xdd\xff\xff\xff\xff"},
      {std::string(200, '\x91')},
      {"a", "b"},
      {"", "", ""},
      {"", set_request(1), "more"},
      std::vector<std::string>(3000, "x"),
      {std::string(settings::Limits(bench.settings.limits).max_request_bytes + 1, 'x')},
      {std::string(3 << 20, 'x'), "x"}};
  for (const auto& frames : hostile) {
    send(client, frames);
    // A REQ's delimiter may come back first.
    std::string reply = receive(client);
    if (reply.empty()) reply = receive(client);
    CHECK(verdict(reply) != "ok");
    if (frames.front().size() > (2 << 20)) break;
  }
  send(client, {set_request(1)});
  CHECK(events(bench, 1).size() == 1);
  CHECK(bench.counters.requests_refused.value() == hostile.size());
}

TEST_CASE("socket_server_drops_hostile_frames_of_peers_and_goes_on") {  // A29, B14
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto peer = bench.connect(bench.peers.endpoint);
  const raft::Message heartbeat = raft::Heartbeat{1, 0, 0};
  const auto from = [&](const std::string& cluster, raft::NodeId node) {
    std::vector<std::string> frames;
    for (const auto& frame : codec::encode_peer_message({cluster, node, 22}, {1, 11}, heartbeat)) {
      frames.emplace_back(frame.view());
    }
    return frames;
  };
  send(peer, {"garbage"});
  send(peer, {"\xdd\xff\xff\xff\xff"});
  send(peer, std::vector<std::string>(3000, "x"));
  send(peer, from("other", 2));
  send(peer, from("test", 1));
  send(peer, from("test", 2));
  const PeerMessages batch = next(bench.peer_messages.far);
  REQUIRE(batch.messages.size() == 1);
  CHECK(batch.messages[0].from == raft::Peer{2, 22});
  CHECK(batch.messages[0].addressed == 11);
  CHECK(bench.counters.peer_messages_refused.value() == 5);

  raft::Milliseconds now = 0;
  const auto heard = eventually([&] {
    send(peer, from("test", 2));
    bench.ticks.publish({++now});
    return bench.heard->receive();
  });
  CHECK(heard->peer == 2);
}

TEST_CASE("socket_server_loses_the_reply_to_a_client_that_is_gone") {  // B6
  const auto mode = each_runtime();
  ServerBench bench("[limits]\nmax_requests_in_flight = 20000\nmax_requests_per_client = 20000\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  constexpr std::size_t kRequests = 10'000;
  auto gone = bench.connect(bench.clients.endpoint);
  for (std::size_t i = 0; i < kRequests; ++i) send(gone, {set_request(1)});
  auto waiting = events(bench, kRequests);
  gone.close();

  // The server hears of its end at some time after this. The other client sees that it goes on.
  auto stays = bench.connect(bench.clients.endpoint);
  eventually([&] {
    REQUIRE_FALSE(waiting.empty());
    send(stays, {set_request(2)});
    const auto other = number_of(events(bench, 1)[0]);
    const auto lost = number_of(waiting.back());
    waiting.pop_back();
    bench.handler.far.send(
        {{},
         {{lost, raft::RefusalReason::kNoLeader, {}}, {other, raft::RefusalReason::kNoLeader, {}}},
         {},
         {},
         {},
         {}});
    CHECK(verdict(receive(stays)) == "no_leader");
    return bench.counters.replies_lost.value() > 0;
  });
}

TEST_CASE("socket_server_answers_those_that_wait_when_it_stops") {
  const auto mode = each_runtime();
  ServerBench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {set_request(1)});
  static_cast<void>(events(bench, 1));
  running.stop();
  CHECK(verdict(receive(client)) == "unknown_outcome");
}
