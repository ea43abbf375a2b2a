#include "actors/socket_server.h"

#include <msgpack.hpp>

#include "actors/socket_options.h"
#include "database/command.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

// The server with the ends of its links, and a DEALER as a client.
struct Bench {
  explicit Bench(const std::string& more = "")
      : settings(sample_settings(more)),
        handler(make_link<ClientEvents, HandlerAnswers>(inside, "requests", kMustArrive)),
        peer_messages(make_link<PeerMessages>(inside, "peers", 64)),
        queries(make_link<LocalQueries, DatabaseAnswers>(inside, "queries", kMustArrive)),
        parts(make_link<SnapshotReads, SnapshotReadAnswers>(inside, "parts", kMustArrive)),
        ticks(inside, "ticks"),
        peers(bound(outside, zmq::socket_type::router,
                    [this](auto& socket) { set_peer_router_options(socket, settings); })),
        clients(bound(outside, zmq::socket_type::router,
                      [this](auto& socket) { set_client_router_options(socket, settings); })),
        logging(quiet_logging()) {
    BroadcastSource<PeerHeard> heard_source(inside, "heard");
    heard.emplace(inside, "heard");
    server = std::make_unique<SocketServer>(
        settings, codec::PeerIdentity{"test", 1, 11}, 1, 0,
        SocketServer::Sockets{std::move(peers.socket), std::move(clients.socket)},
        SocketServer::Links{std::move(handler.near),
                            std::move(peer_messages.near),
                            std::move(queries.near),
                            std::move(parts.near),
                            {inside, "ticks"},
                            std::move(heard_source)},
        *logging, counters);
  }

  zmq::socket_t connect(const std::string& endpoint,
                        zmq::socket_type type = zmq::socket_type::dealer) {
    zmq::socket_t socket(outside, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(endpoint);
    return socket;
  }

  settings::Settings settings;
  zmq::context_t inside{0};
  zmq::context_t outside{1};
  LinkEnds<ClientEvents, HandlerAnswers> handler;
  LinkEnds<PeerMessages> peer_messages;
  LinkEnds<LocalQueries, DatabaseAnswers> queries;
  LinkEnds<SnapshotReads, SnapshotReadAnswers> parts;
  BroadcastSource<Tick> ticks;
  std::optional<BroadcastListener<PeerHeard>> heard;
  Bound peers;
  Bound clients;
  std::unique_ptr<Logging> logging;
  Counters counters;
  std::unique_ptr<SocketServer> server;
};

// A request with fields that are text or numbers.
std::string request(const std::map<std::string, std::variant<std::string, std::uint64_t>>& fields) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_map(static_cast<std::uint32_t>(fields.size()));
  for (const auto& [name, value] : fields) {
    packer.pack(name);
    std::visit([&](const auto& each) { packer.pack(each); }, value);
  }
  return {buffer.data(), buffer.size()};
}

std::string set_request(int id) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_map(4);
  packer.pack("op");
  packer.pack("set");
  packer.pack("id");
  packer.pack(id);
  packer.pack("key");
  packer.pack("colour");
  packer.pack("value");
  packer.pack("blue");
  return {buffer.data(), buffer.size()};
}

void send(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket.send(zmq::buffer(frames[i]), more);
  }
}

std::string receive(zmq::socket_t& socket) {
  zmq::message_t frame;
  eventually([&] { return receive_frame(socket, frame); });
  return frame.to_string();
}

// The code of an error reply, or "ok".
std::string verdict(const std::string& reply) {
  const auto handle = msgpack::unpack(reply.data(), reply.size());
  const auto map = handle.get().as<std::map<std::string, msgpack::object>>();
  if (map.at("ok").as<bool>()) return "ok";
  return map.at("error").as<std::map<std::string, msgpack::object>>().at("code").as<std::string>();
}

raft::RequestNumber number_of(const ClientEvent& event) {
  return std::visit([](const auto& each) { return each.request; }, event);
}

using Fields = std::map<std::string, msgpack::object>;

// A reply, unpacked.
class Reply {
 public:
  explicit Reply(const std::string& bytes) : handle_(msgpack::unpack(bytes.data(), bytes.size())) {}
  [[nodiscard]] Fields fields() const { return handle_.get().as<Fields>(); }
  [[nodiscard]] std::uint64_t number(const std::string& name) const {
    return fields().at(name).as<std::uint64_t>();
  }

 private:
  msgpack::object_handle handle_;
};

raft::Members three_members() {
  raft::Members members{1, {}};
  for (raft::NodeId id = 1; id <= 3; ++id) {
    members.configuration.members.push_back({.id = id,
                                             .identity = id * 11,
                                             .peer = fmt::format("tcp://127.0.0.1:310{}", id),
                                             .client = fmt::format("tcp://127.0.0.1:410{}", id),
                                             .publish = fmt::format("tcp://127.0.0.1:510{}", id)});
    members.configuration.voters.push_back(id);
  }
  return members;
}

// Collects events until there are `count`.
std::vector<ClientEvent> events(Bench& bench, std::size_t count) {
  std::vector<ClientEvent> all;
  while (all.size() < count) {
    auto batch = next(bench.handler.far);
    std::move(batch.events.begin(), batch.events.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace

TEST_CASE("socket_server_answers_with_the_outcome_and_names_the_leader") {
  const auto mode = each_runtime();
  Bench bench;
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
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint, zmq::socket_type::req);
  send(client, {set_request(1)});
  const auto number = number_of(events(bench, 1)[0]);
  bench.handler.far.send({{}, {{number, raft::RefusalReason::kNoLeader, {}}}, {}, {}, {}, {}});
  CHECK(verdict(receive(client)) == "no_leader");
}

TEST_CASE("socket_server_sheds_what_one_client_has_too_much_and_recovers") {  // A30
  const auto mode = each_runtime();
  Bench bench("[limits]\nmax_requests_in_flight = 8\nmax_requests_per_client = 4\n");
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
  Bench bench("[limits]\nmax_requests_in_flight = 4\nmax_requests_per_client = 4\n");
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
  Bench bench("[limits]\nrequest_timeout_ms = 1000\n");
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
  Bench bench;
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
  Bench bench;
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
  Bench bench("[limits]\nmax_requests_in_flight = 20000\nmax_requests_per_client = 20000\n");
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
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {set_request(1)});
  static_cast<void>(events(bench, 1));
  running.stop();
  CHECK(verdict(receive(client)) == "unknown_outcome");
}

TEST_CASE("socket_server_names_writes_of_sessions_and_says_what_was_repeated") {
  const auto mode = each_runtime();
  Bench bench("[sessions]\ntimeout_ms = 7000\nmax_sessions = 3\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  const auto taken = [&](const std::string& bytes) {
    send(client, {bytes});
    return std::get<raft::CommandSubmitted>(events(bench, 1)[0]);
  };
  const auto answered = [&](raft::RequestNumber number, raft::Index index,
                            const database::Outcome& outcome, raft::Index effect) {
    bench.queries.far.send({{{number, index, outcome, effect}}, {}, {}});
    return receive(client);
  };

  auto submitted = taken(request({{"op", "session.open"}}));
  auto command = database::decode_command(submitted.command.view());
  REQUIRE(command);
  const auto& open = std::get<database::OpenSessionCommand>(*command);
  CHECK(open.timeout_ms == 7000);
  CHECK(open.max_sessions == 3);
  CHECK(Reply(answered(submitted.request, 5, database::SessionOpened{5}, 5)).number("session") ==
        5);

  const auto named = request({{"op", "set"},
                              {"key", "colour"},
                              {"value", "blue"},
                              {"session", std::uint64_t{5}},
                              {"seq", std::uint64_t{1}}});
  submitted = taken(named);
  command = database::decode_command(submitted.command.view());
  REQUIRE(command);
  const auto& write = std::get<database::SessionCommand>(*command);
  CHECK(write.session == 5);
  CHECK(write.seq == 1);
  CHECK(std::get<database::SetCommand>(write.write).value == "blue");
  const Reply first(answered(submitted.request, 6, database::SetOutcome{1}, 6));
  CHECK(first.number("index") == 6);
  CHECK(first.fields().count("repeated") == 0);
  submitted = taken(named);
  const Reply second(answered(submitted.request, 9, database::SetOutcome{1}, 6));
  CHECK(second.number("index") == 6);
  CHECK(second.fields().at("repeated").as<bool>());

  const std::vector<std::pair<database::Outcome, std::string>> refused = {
      {database::SessionExpired{}, "session_expired"},
      {database::SeqTooOld{}, "unknown_outcome"},
      {database::SessionsFull{}, "busy"}};
  for (const auto& [outcome, code] : refused) {
    submitted = taken(named);
    CHECK(verdict(answered(submitted.request, 12, outcome, 12)) == code);
  }
  submitted = taken(request({{"op", "session.close"}, {"session", std::uint64_t{5}}}));
  CHECK(Reply(answered(submitted.request, 13, database::SessionClosed{true}, 13))
            .fields()
            .at("found")
            .as<bool>());
}

TEST_CASE("socket_server_tells_the_detail_of_a_refusal") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "leave"}, {"node", std::uint64_t{7}}})});
  const auto change = std::get<raft::ChangeSubmitted>(events(bench, 1)[0]);
  CHECK(change.change.remove == std::vector<raft::NodeId>{7});
  bench.handler.far.send({{},
                          {{change.request, raft::RefusalReason::kConflict, "Node 7 is nobody."}},
                          {},
                          {},
                          {},
                          {}});
  const std::string reply = receive(client);
  CHECK(verdict(reply) == "conflict");
  CHECK_THAT(reply, Catch::Contains("Node 7 is nobody."));
}

TEST_CASE("socket_server_completes_changes_transfers_and_snapshots") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "transfer"}, {"node", std::uint64_t{3}}})});
  const auto transfer = std::get<raft::TransferRequested>(events(bench, 1)[0]);
  CHECK(transfer.target == 3);
  bench.handler.far.send({{}, {}, {}, {}, {}, {{transfer.request, 3}}});
  CHECK(Reply(receive(client)).number("node") == 3);

  send(client, {request({{"op", "snapshot"}})});
  const auto snapshot = std::get<raft::SnapshotRequested>(events(bench, 1)[0]);
  bench.handler.far.send({{}, {}, {}, {}, {}, {{snapshot.request, 99}}});
  CHECK(Reply(receive(client)).number("index") == 99);

  send(client, {request({{"op", "promote"}, {"node", std::uint64_t{3}}})});
  const auto promotion = std::get<raft::ChangeSubmitted>(events(bench, 1)[0]);
  CHECK(promotion.change.promote == std::vector<raft::NodeId>{3});
  DatabaseAnswers answers;
  answers.changes.push_back({promotion.request, 12});
  bench.queries.far.send(answers);
  CHECK(Reply(receive(client)).number("index") == 12);
}

TEST_CASE("socket_server_forgets_a_transfer_whose_time_is_up") {
  const auto mode = each_runtime();
  Bench bench("[limits]\nrequest_timeout_ms = 1000\n");
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  send(client, {request({{"op", "transfer"}})});
  const auto number = number_of(events(bench, 1)[0]);
  zmq::message_t reply;
  eventually([&] {
    bench.ticks.publish({1000});
    return receive_frame(client, reply);
  });
  CHECK(verdict(reply.to_string()) == "unknown_outcome");
  CHECK(std::get<raft::RequestExpired>(events(bench, 1)[0]).request == number);
}

TEST_CASE("socket_server_says_who_the_members_are") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  raft::Status status{};
  status.id = 1;
  status.role = raft::Role::kLeader;
  status.durable_index = 50;
  status.configuration_index = 9;
  status.configuration = three_members().configuration;
  status.configuration.voters = {1, 2};
  status.configuration.goal = {1, 2, 3};
  status.peers = {{2, true, 40, 41}, {3, true, 30, 31}};
  for (const std::string op : {"members", "status"}) {
    send(client, {request({{"op", op}})});
    const auto asked = std::get<StatusAsked>(events(bench, 1)[0]);
    bench.handler.far.send({{}, {}, {asked.request}, status, {}, {}});
    const Reply reply(receive(client));
    const auto members = reply.fields().at("members").as<std::vector<Fields>>();
    REQUIRE(members.size() == 3);
    CHECK(members[1].at("voter").as<bool>());
    CHECK_FALSE(members[2].at("voter").as<bool>());
    CHECK(members[2].at("client").as<std::string>() == "tcp://127.0.0.1:4103");
    if (op == "status") continue;
    CHECK(reply.number("index") == 9);
    CHECK(reply.fields().at("changing").as<bool>());
    CHECK(members[2].at("promoting").as<bool>());
    CHECK(members[0].at("match_index").as<std::uint64_t>() == 50);
    CHECK(members[2].at("match_index").as<std::uint64_t>() == 30);
    CHECK(members[2].at("identity").as<std::uint64_t>() == 33);
  }
}

TEST_CASE("socket_server_hands_parts_of_snapshots_on_and_their_bytes_back") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.server.get()});
  auto client = bench.connect(bench.clients.endpoint);
  const auto ask = [&] {
    send(client, {request({{"op", "snapshot.read"}, {"index", 7U}, {"offset", 3U}})});
    return next(bench.parts.far);
  };
  const SnapshotReads asked = ask();
  REQUIRE(asked.reads.size() == 1);
  CHECK(asked.reads[0].read.index == 7U);
  CHECK(asked.reads[0].read.offset == 3);
  const raft::RequestNumber number = asked.reads[0].request;
  const SnapshotPart part{7, 10, {}, base::SharedBytes::copy_of("tent")};
  bench.parts.far.send({{{number, part}}, {}, 4});
  CHECK(verdict(receive(client)) == "ok");
  CHECK(next(bench.parts.far).answers_taken_bytes == 4);

  const auto answered = [&](std::variant<SnapshotPart, SnapshotGone, SnapshotDamaged> result) {
    bench.parts.far.send({{{ask().reads.at(0).request, std::move(result)}}, {}, 0});
    return verdict(receive(client));
  };
  CHECK(answered(SnapshotGone{9}) == "snapshot_gone");
  CHECK(answered(SnapshotGone{}) == "snapshot_gone");
  CHECK(answered(SnapshotDamaged{}) == "damaged");
  bench.parts.far.send({{}, {ask().reads.at(0).request}, 0});
  CHECK(verdict(receive(client)) == "busy");
}
