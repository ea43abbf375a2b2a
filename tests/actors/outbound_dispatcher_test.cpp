#include "actors/outbound_dispatcher.h"

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

settings::Settings settings_with(std::uint64_t commit_news_wait_ms) {
  settings::Settings settings = sample_settings();
  settings.raft.commit_news_wait_ms = commit_news_wait_ms;
  return settings;
}

struct Bench {
  // Node 2 listens where it is said, node 3 nowhere.
  explicit Bench(const std::string& endpoint_of_2, std::uint64_t commit_news_wait_ms = 1)
      : settings(settings_with(commit_news_wait_ms)),
        sends(make_link<OutboundMessages>(inside, "sends", kMustArrive)),
        promises(make_link<OutboundMessages>(inside, "promises", kMustArrive)),
        learned(make_link<PeersLearned>(inside, "learned", kMustArrive)),
        ticks(inside, "ticks"),
        heard(inside, "heard"),
        logging(quiet_logging()) {
    dispatcher = std::make_unique<OutboundDispatcher>(
        outside, settings, codec::PeerIdentity{"test", 1, 11}, 0,
        OutboundDispatcher::Links{std::move(sends.far),
                                  std::move(promises.far),
                                  {inside, "ticks"},
                                  {inside, "heard"},
                                  std::move(learned.far)},
        *logging, counters);
    tell_members({endpoint_of_2, settings.members[2].peer});
  }

  // Of node 2, node 3 and so on.
  void tell_members(const std::vector<std::string>& endpoints) {
    raft::Members members{1, {}};
    members.configuration.members.push_back({.id = 1, .peer = settings.self().peer});
    for (const std::string& endpoint : endpoints) {
      const raft::NodeId id = members.configuration.members.size() + 1;
      members.configuration.members.push_back({.id = id, .peer = endpoint});
    }
    sends.near.send({{}, members, {}});
  }
  void heartbeat(raft::NodeId to, std::uint64_t read_round = 0) {
    sends.near.send({{{{to, 22}, raft::Heartbeat{1, 0, read_round}}}});
  }

  settings::Settings settings;
  zmq::context_t inside{0};
  zmq::context_t outside{1};
  LinkEnds<OutboundMessages> sends;
  LinkEnds<OutboundMessages> promises;
  LinkEnds<PeersLearned> learned;
  BroadcastSource<Tick> ticks;
  BroadcastSource<PeerHeard> heard;
  std::unique_ptr<Logging> logging;
  Counters counters;
  std::unique_ptr<OutboundDispatcher> dispatcher;
};

raft::AppendEntries one_entry() {
  raft::EntryBlockBuilder block(0);
  block.add(1, 1, raft::EntryKind::kNoOperation, {});
  return {1, 0, 0, 0, block.finish()};
}

// One message as node 2 receives it.
std::optional<raft::Message> received(zmq::socket_t& router) {
  std::vector<zmq::message_t> frames;
  if (receive_message(router, {100, 1 << 20}, frames) != Received::kMessage) return std::nullopt;
  codec::Frames content;
  for (std::size_t i = 1; i < frames.size(); ++i) content.push_back(to_bytes(std::move(frames[i])));
  auto decoded = codec::decode_peer_message({"test", 2, 22}, {}, content);
  REQUIRE(std::holds_alternative<codec::PeerMessage>(decoded));
  return std::get<codec::PeerMessage>(decoded).message;
}

}  // namespace

TEST_CASE("outbound_dispatcher_speaks_to_a_peer_on_two_lanes") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench(node2.endpoint);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  const auto small = eventually([&] {
    bench.heartbeat(2);
    return received(node2.socket);
  });
  CHECK(std::holds_alternative<raft::Heartbeat>(*small));
  eventually([&] {
    bench.promises.near.send({{{{2, 22}, one_entry()}}});
    const auto message = received(node2.socket);
    return message && std::holds_alternative<raft::AppendEntries>(*message);
  });
}

TEST_CASE("outbound_dispatcher_tells_of_a_commit_where_no_entries_do") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench(node2.endpoint);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  eventually([&] {
    bench.sends.near.send({{{{2, 22}, raft::CommitAdvanced{1, 7}}}});
    const auto message = received(node2.socket);
    return message && std::holds_alternative<raft::CommitAdvanced>(*message);
  });
}

namespace {

// Until such a message arrives. One at a time, or those that wait for the connection would leave no
// room for what follows.
void wait_for_connection(Bench& bench, zmq::socket_t& node2, const raft::Message& message) {
  for (bool connected = false; !connected;) {
    const auto dropped = bench.counters.sends_dropped.value();
    bench.sends.near.send({{{{2, 22}, message}}});
    eventually([&] {
      connected = received(node2).has_value();
      return connected || bench.counters.sends_dropped.value() > dropped;
    });
  }
}

// What node 2 receives of these, in one turn of the dispatcher that is stopped behind it, on the
// lane for small messages; with a connection that is there.
std::vector<std::string_view> received_of(settings::RuntimeMode mode, std::uint64_t wait_ms,
                                          std::vector<raft::Message> messages) {
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench(node2.endpoint, wait_ms);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  wait_for_connection(bench, node2.socket, raft::Heartbeat{1, 0, 0});
  wait_for_connection(bench, node2.socket, raft::ForwardCommands{1, {}});  // of the bulk lane
  OutboundMessages batch;
  for (raft::Message& message : messages) batch.sends.push_back({{2, 22}, std::move(message)});
  batch.sends.push_back({{2, 22}, raft::TimeoutNow{1}});
  bench.sends.near.send(std::move(batch));
  running.stop();
  std::vector<std::string_view> names;
  const auto take = [&]() {
    const auto message = received(node2.socket);
    if (!message) return false;
    // Those on the other lane come at any time.
    const bool is_small = !std::holds_alternative<raft::AppendEntries>(*message);
    if (is_small) names.push_back(raft::message_name(*message));
    return std::holds_alternative<raft::TimeoutNow>(*message);
  };
  eventually(take);
  return names;
}

using Names = std::vector<std::string_view>;
constexpr std::uint64_t kLong = 1000;

}  // namespace

TEST_CASE("outbound_dispatcher_lets_news_of_a_commit_wait_for_entries") {
  const auto mode = each_runtime();
  const raft::Message news = raft::CommitAdvanced{1, 7};
  CHECK(received_of(mode, kLong, {news}) == Names{"timeout_now"});
  CHECK(received_of(mode, 0, {news}) == Names{"commit_advanced", "timeout_now"});
}

TEST_CASE("outbound_dispatcher_sends_news_of_a_commit_at_once_to_whom_a_client_waits_at") {
  const auto mode = each_runtime();
  const raft::Message news = raft::CommitAdvanced{1, 7};
  const raft::Message passed_on = raft::ForwardCommandsReply{1, {{5, 7}}, {}, {}};
  CHECK(received_of(mode, kLong, {passed_on, news, news}) ==
        Names{"forward_commands_reply", "commit_advanced", "timeout_now"});
  const raft::Message read = raft::ReadIndexReply{1, 1, 7};
  CHECK(received_of(mode, kLong, {news, read}) ==
        Names{"commit_advanced", "read_index_reply", "timeout_now"});
}

TEST_CASE("outbound_dispatcher_drops_news_of_a_commit_that_entries_carry") {
  const auto mode = each_runtime();
  const raft::Message news = raft::CommitAdvanced{1, 7};
  const raft::Message read = raft::ReadIndexReply{1, 1, 7};
  CHECK(received_of(mode, kLong, {news, one_entry(), read}) ==
        Names{"read_index_reply", "timeout_now"});
}

TEST_CASE("outbound_dispatcher_drops_and_counts_for_a_peer_that_is_away") {  // B5, B6
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  auto wrong = bound(peers, zmq::socket_type::pub);  // refuses the handshake
  Bench bench(node2.endpoint);
  bench.tell_members({node2.endpoint, wrong.endpoint});
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  for (int i = 0; i < 100; ++i) bench.heartbeat(3);
  eventually([&] { return bench.counters.sends_dropped.value() == 100; });
}

TEST_CASE("outbound_dispatcher_connects_anew_where_a_link_has_ended_for_good") {  // B4
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  // A socket of the wrong type refuses the handshake, and libzmq gives up on the link.
  auto wrong = bound(peers, zmq::socket_type::pub);
  Bench bench(wrong.endpoint);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  bench.heartbeat(2);
  eventually([&] { return bench.counters.sends_dropped.value() > 0; });
  zmq::socket_t right(peers, zmq::socket_type::router);
  wrong.socket.close();
  eventually([&] { return zmq_bind(right.handle(), wrong.endpoint.c_str()) == 0; });

  raft::Milliseconds now = 0;
  eventually([&] {
    now += bench.settings.raft.election_timeout_ms;
    bench.ticks.publish({now});
    bench.heartbeat(2);
    return bench.counters.links_recreated.value() > 0;
  });
  // From here on time stands still: a link that is made anew needs some to connect.
  eventually([&] {
    bench.heartbeat(2);
    return received(right);
  });
}

TEST_CASE("outbound_dispatcher_keeps_a_link_while_its_peer_is_heard") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench(node2.endpoint);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  wait_for_connection(bench, node2.socket, raft::Heartbeat{1, 0, 0});
  // Its own heartbeat ends each step, so that time runs ahead of the news by no more than two.
  const auto patience = 3 * bench.settings.raft.election_timeout_ms;
  std::uint64_t step = 1;
  for (raft::Milliseconds now = 1; now < 10 * patience; now += patience / 3) {
    bench.heard.publish({2});
    bench.ticks.publish({now});
    bench.heartbeat(2, ++step);
    eventually([&] {
      const auto message = received(node2.socket);
      return message && std::get<raft::Heartbeat>(*message).read_round == step;
    });
  }
  CHECK(bench.counters.links_recreated.value() == 0);
}

TEST_CASE("outbound_dispatcher_follows_a_peer_that_moves") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto before = bound(peers, zmq::socket_type::router);
  auto after = bound(peers, zmq::socket_type::router);
  Bench bench(before.endpoint);
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  const auto arrives_at = [&bench](Bound& place) {
    eventually([&] {
      bench.heartbeat(2);
      return received(place.socket);
    });
  };
  arrives_at(before);
  bench.sends.near.send({{}, {}, {{.id = 2, .peer = after.endpoint}}});
  arrives_at(after);
  // A configuration that says nothing new of it does not bring it back.
  bench.tell_members({before.endpoint, "tcp://127.0.0.1:3109"});
  arrives_at(after);
  bench.tell_members({after.endpoint});
  bench.tell_members({before.endpoint});
  arrives_at(before);
}

TEST_CASE("outbound_dispatcher_speaks_to_whom_it_learned_of_and_forgets_strangers") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench(node2.endpoint);
  bench.tell_members({});
  bench.learned.near.send({{{.id = 2, .peer = node2.endpoint}, {.id = 4, .peer = "nonsense"}}});
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  eventually([&] {
    bench.heartbeat(2);
    return received(node2.socket);
  });
  const auto dropped = bench.counters.sends_dropped.value();
  bench.heartbeat(4);  // where it is, nobody can say
  eventually([&] { return bench.counters.sends_dropped.value() > dropped; });
  // Neither a member nor heard for a minute.
  raft::Milliseconds now = 0;
  eventually([&] {
    bench.ticks.publish({now += 60'000});
    const auto before = bench.counters.sends_dropped.value();
    bench.heartbeat(2);
    return bench.counters.sends_dropped.value() > before;
  });
}

TEST_CASE("outbound_dispatcher_keeps_room_for_members_among_strangers") {
  const auto mode = each_runtime();
  zmq::context_t peers(1);
  auto node2 = bound(peers, zmq::socket_type::router);
  Bench bench("tcp://127.0.0.1:3109");
  std::vector<raft::Member> strangers;
  for (raft::NodeId id = 100; id < 300; ++id) {
    strangers.push_back({.id = id, .peer = "tcp://127.0.0.1:3108"});
  }
  bench.sends.near.send({{}, {}, strangers});
  bench.tell_members({node2.endpoint});
  RunningActors running(bench.inside, mode, {bench.dispatcher.get()});
  eventually([&] {
    bench.heartbeat(2);
    return received(node2.socket);
  });
}
