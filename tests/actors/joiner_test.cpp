#include "actors/joiner.h"

#include <spdlog/sinks/ringbuffer_sink.h>

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

constexpr raft::Identity kIdentity = 77;

struct Asked {
  std::vector<zmq::message_t> frames;  // routing id, request
  codec::Request request;

  [[nodiscard]] bool joins() const {
    return std::holds_alternative<codec::ChangeRequest>(request.body);
  }
  [[nodiscard]] bool asks_for_members() const {
    return std::holds_alternative<codec::MembersRequest>(request.body);
  }
};

std::optional<Asked> receive(zmq::socket_t& router) {
  std::vector<zmq::message_t> frames;
  if (receive_message(router, {2, 1 << 20}, frames) != Received::kMessage) return std::nullopt;
  auto parsed = codec::parse_request(frames.back().to_string_view(), {1 << 20, 240});
  REQUIRE(std::holds_alternative<codec::Request>(parsed));
  return Asked{std::move(frames), std::get<codec::Request>(std::move(parsed))};
}

void send(zmq::socket_t& router, const Asked& to, std::vector<std::string> frames) {
  std::string routing_id = to.frames.front().to_string();
  frames.insert(frames.begin(), std::move(routing_id));
  for (std::size_t i = 0; i < frames.size(); ++i) {
    router.send(zmq::buffer(frames[i]),
                i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

void reply(zmq::socket_t& router, const Asked& to, const codec::ReplyBody& body) {
  send(router, to, {codec::encode_reply(to.request.id, body, std::nullopt)});
}

codec::ErrorReply refusal(codec::ErrorCode code) { return {code, "No.", std::nullopt}; }

codec::MembersReply members(std::uint64_t index, std::vector<std::uint64_t> ids) {
  codec::MembersReply reply{.index = index, .changing = false, .members = {}};
  for (const std::uint64_t id : ids) {
    reply.members.push_back({.id = id,
                             .identity = id == 1 ? kIdentity : 100 + id,
                             .priority = 0,
                             .peer = fmt::format("tcp://h{}:1", id),
                             .client = fmt::format("tcp://h{}:2", id),
                             .publish = fmt::format("tcp://h{}:3", id),
                             .voter = true,
                             .promoting = false,
                             .match_index = std::nullopt});
  }
  return reply;
}

// Node 1 asks two members, which are sockets in the hands of the test.
struct Bench {
  Bench()
      : settings(sample_settings("[raft]\npriority = 5\n")),
        first(bound(outside, zmq::socket_type::router)),
        second(bound(outside, zmq::socket_type::router)),
        news(make_link<raft::Members>(inside, "news", kMustArrive)),
        contacts(make_link<PeersLearned>(inside, "contacts", kMustArrive)),
        ticks(inside, "ticks"),
        lines(std::make_shared<spdlog::sinks::ringbuffer_sink_mt>(1000)),
        logging(std::make_unique<Logging>(1, settings::LogLevel::kDebug, lines, false)) {
    settings.join = {first.endpoint, second.endpoint};
    joiner = std::make_unique<Joiner>(
        outside, settings, kIdentity,
        Joiner::Links{std::move(news.far), std::move(contacts.near), {inside, "ticks"}}, *logging);
  }

  // What `member` is asked next, while time stands still.
  Asked asked(Bound& member) {
    return std::move(*eventually([&] {
      ticks.publish({now});
      return receive(member.socket);
    }));
  }
  // The next question of a round that begins, answered; it leads to the one to be let in.
  Asked asked_to_join(Bound& member, std::uint64_t index = 2) {
    const Asked question = asked(member);
    REQUIRE(question.asks_for_members());
    reply(member.socket, question, members(index, {2, 3}));
    Asked join = asked(member);
    REQUIRE(join.joins());
    return join;
  }
  // The next list that outbound_dispatcher is given.
  PeersLearned learned() {
    return std::move(*eventually([&] {
      ticks.publish({now});
      return contacts.far.receive();
    }));
  }
  void let_time_pass(raft::Milliseconds time) { now += time; }
  // Lines of the log with these words: the sign that a reply was read.
  std::size_t lines_with(std::string_view words) {
    std::size_t count = 0;
    for (const std::string& line : lines->last_formatted()) {
      if (line.find(words) != std::string::npos) ++count;
    }
    return count;
  }
  void wait_for_line(std::string_view words, std::size_t times = 1) {
    eventually([&] {
      ticks.publish({now});
      return lines_with(words) >= times;
    });
  }
  // Node 1 is a member by the directory `identity`.
  void tell_membership(raft::Identity identity) {
    raft::Members members{9, {}};
    members.configuration.members.push_back({.id = 1, .identity = identity});
    news.near.send(std::move(members));
  }
  // Whether anyone was asked until the end, for some seconds more of ticks.
  bool asks_on(RunningActors& running) {
    for (int i = 0; i < 20; ++i) {
      ticks.publish({now += 1000});
      std::this_thread::yield();
    }
    running.stop();
    return receive(first.socket) || receive(second.socket);
  }

  settings::Settings settings;
  zmq::context_t inside{0};
  zmq::context_t outside{1};
  Bound first;
  Bound second;
  LinkEnds<raft::Members> news;
  LinkEnds<PeersLearned> contacts;
  BroadcastSource<Tick> ticks;
  std::shared_ptr<spdlog::sinks::ringbuffer_sink_mt> lines;
  std::unique_ptr<Logging> logging;
  std::unique_ptr<Joiner> joiner;
  raft::Milliseconds now = 1;
};

}  // namespace

TEST_CASE("joiner_asks_to_be_let_in_and_hands_on_who_the_members_are") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  const Asked join = bench.asked_to_join(bench.first);
  const auto& change = std::get<codec::ChangeRequest>(join.request.body);
  REQUIRE(change.add.size() == 1);
  CHECK(change.add[0] == codec::NewMember{.id = 1,
                                          .identity = kIdentity,
                                          .priority = 5,
                                          .peer = "tcp://127.0.0.1:3101",
                                          .client = "tcp://127.0.0.1:4101",
                                          .publish = "tcp://127.0.0.1:5101",
                                          .voter = true});
  CHECK(bench.learned().members.size() == 2);
  reply(bench.first.socket, join, codec::ChangeReply{5});
  const Asked question = bench.asked(bench.first);
  CHECK(question.asks_for_members());
  reply(bench.first.socket, question, members(5, {1, 2, 3, 4}));
  const PeersLearned learned = bench.learned();
  REQUIRE(learned.members.size() == 3);
  CHECK(learned.members[0].id == 2);
  CHECK(learned.members[0].identity == 102);
  CHECK(learned.members[1].peer == "tcp://h3:1");

  // Not in yet: it looks again, at the other one, and need not ask to be let in.
  bench.let_time_pass(1000);
  const Asked again = bench.asked(bench.second);
  CHECK(again.asks_for_members());
  reply(bench.second.socket, again, members(5, {1, 2, 3, 4}));
  bench.learned();
  bench.let_time_pass(1000);
  CHECK(bench.asked(bench.first).asks_for_members());
}

TEST_CASE("joiner_stays_a_learner_where_it_was_let_in_as_one") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  auto known = members(5, {1, 2, 3});
  known.members[0].identity = 0;
  known.members[0].promoting = GENERATE(false, true);
  known.members[0].voter = false;
  reply(bench.first.socket, bench.asked(bench.first), known);
  const Asked join = bench.asked(bench.first);
  REQUIRE(join.joins());
  const auto& change = std::get<codec::ChangeRequest>(join.request.body);
  CHECK(change.add[0].voter == known.members[0].promoting);
  CHECK(change.add[0].identity == kIdentity);
}

TEST_CASE("joiner_is_done_once_this_directory_is_a_member") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  bench.tell_membership(kIdentity + 1);  // the one that it is to replace
  static_cast<void>(bench.asked_to_join(bench.first));
  bench.tell_membership(kIdentity);
  CHECK_FALSE(bench.asks_on(running));
}

TEST_CASE("joiner_goes_on_to_the_next_where_one_cannot_let_it_in_now") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  using codec::ErrorCode;
  std::size_t refusals = 0;
  for (const ErrorCode code :
       {ErrorCode::kBusy, ErrorCode::kNoLeader, ErrorCode::kUnknownOutcome}) {
    for (Bound* member : {&bench.first, &bench.second}) {
      reply(member->socket, bench.asked_to_join(*member), refusal(code));
      bench.wait_for_line("cannot help now", ++refusals);
      bench.let_time_pass(200);
    }
  }
}

TEST_CASE("joiner_goes_on_to_the_next_where_one_is_silent") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  for (int round = 0; round < 3; ++round) {
    CHECK(bench.asked(bench.first).asks_for_members());
    bench.let_time_pass(2000);
    CHECK(bench.asked_to_join(bench.second).joins());
    bench.let_time_pass(2000);
  }
  bench.wait_for_line("does not answer");
  CHECK(bench.lines_with("does not answer") == 1);  // once in a while, not once a time
}

TEST_CASE("joiner_asks_rarely_where_people_have_to_act_first") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  reply(bench.first.socket, bench.asked_to_join(bench.first), refusal(codec::ErrorCode::kConflict));
  bench.wait_for_line("does not let this node in (conflict): No.");
  bench.let_time_pass(4999);
  for (int i = 0; i < 20; ++i) {
    bench.ticks.publish({bench.now});
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    CHECK_FALSE(receive(bench.second.socket));
  }
  bench.let_time_pass(1);
  CHECK(bench.asked_to_join(bench.second).joins());
}

TEST_CASE("joiner_does_not_believe_members_older_than_those_that_let_it_in") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  reply(bench.first.socket, bench.asked_to_join(bench.first), codec::ChangeReply{5});
  bench.learned();
  reply(bench.first.socket, bench.asked(bench.first), members(4, {2, 3}));
  bench.wait_for_line("knows older members");
  bench.let_time_pass(200);
  const Asked question = bench.asked(bench.second);
  CHECK(question.asks_for_members());
  reply(bench.second.socket, question, members(5, {1, 2}));
  CHECK(bench.learned().members.size() == 1);
}

TEST_CASE("joiner_does_not_quarrel_with_who_removes_it") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  reply(bench.first.socket, bench.asked_to_join(bench.first), codec::ChangeReply{5});
  reply(bench.first.socket, bench.asked(bench.first), members(6, {2, 3}));
  bench.wait_for_line("was let in and removed again");
  CHECK_FALSE(bench.asks_on(running));
}

TEST_CASE("joiner_is_not_hurt_by_what_is_no_reply") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.joiner.get()});
  const Asked join = bench.asked_to_join(bench.first);
  const auto late = codec::encode_reply("\x7f", codec::ChangeReply{5}, std::nullopt);
  send(bench.first.socket, join, {""});
  send(bench.first.socket, join, {"\xdf\xff\xff\xff\xff"});  // B19
  send(bench.first.socket, join, {std::string(100'000, '\x91')});
  send(bench.first.socket, join, {late, late});
  send(bench.first.socket, join, std::vector<std::string>(100, late));  // B16
  send(bench.first.socket, join, {late});
  for (int i = 0; i < 100; ++i) send(bench.first.socket, join, {"\xc1"});
  reply(bench.first.socket, join, codec::ChangeReply{5});
  CHECK(bench.asked(bench.first).asks_for_members());
}
