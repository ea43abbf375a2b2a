#include "actors/publisher.h"

#include <msgpack.hpp>

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

enum class Subscribes { kAtOnce, kLater };

struct Bench {
  explicit Bench(Subscribes subscribes = Subscribes::kAtOnce)
      : applied(make_link<AppliedBroadcasts, BroadcastsPublished>(inside, "applied", kMustArrive)),
        status(inside, "status"),
        ticks(inside, "ticks"),
        subscriber(outside, zmq::socket_type::sub) {
    Bound pub = bound(outside, zmq::socket_type::xpub,
                      [](auto& socket) { socket.set(zmq::sockopt::sndhwm, 0); });
    subscriber.set(zmq::sockopt::rcvhwm, 0);
    subscriber.set(zmq::sockopt::linger, 0);
    if (subscribes == Subscribes::kAtOnce) subscriber.set(zmq::sockopt::subscribe, "");
    subscriber.connect(pub.endpoint);
    publisher = std::make_unique<Publisher>(
        1, 0, std::move(pub.socket),
        Publisher::Links{std::move(applied.far), {inside, "status"}, {inside, "ticks"}}, *logging);
  }

  // Waits until the subscription has arrived: from then on nothing is missed.
  void wait_for_subscriber() {
    raft::Milliseconds now = 0;
    eventually([&] {
      ticks.publish({now += 1000});
      return readable(subscriber);
    });
  }
  std::vector<std::string> next_broadcast() {
    std::vector<zmq::message_t> frames;
    eventually([&] {
      return receive_message(subscriber, {10, 1 << 20}, frames) == Received::kMessage;
    });
    std::vector<std::string> texts;
    for (const auto& frame : frames) texts.push_back(frame.to_string());
    return texts;
  }

  zmq::context_t inside{0};
  zmq::context_t outside{1};
  LinkEnds<AppliedBroadcasts, BroadcastsPublished> applied;
  BroadcastSource<NodeStatus> status;
  BroadcastSource<Tick> ticks;
  zmq::socket_t subscriber;
  std::unique_ptr<Logging> logging = quiet_logging();
  std::unique_ptr<Publisher> publisher;
};

database::Broadcast publication(raft::Index index) {
  return {database::BroadcastKind::kPublish,
          index,
          1,
          index,
          "ch/news",
          base::SharedBytes::copy_of(std::to_string(index))};
}

std::uint64_t number_in(const std::string& header, const std::string& field) {
  const auto handle = msgpack::unpack(header.data(), header.size());
  return handle.get().as<std::map<std::string, msgpack::object>>().at(field).as<std::uint64_t>();
}

}  // namespace

TEST_CASE("publisher_encodes_nothing_until_somebody_subscribes") {
  Bench bench(Subscribes::kLater);
  ActorProfile profile("publisher");
  raft::Index index = 0;
  const auto messages_of_a_batch = [&] {
    bench.applied.near.send({{publication(index + 1), publication(index + 2)}, 10, index + 2});
    index += 2;
    const auto before = profile.messages_out.value();
    const ProfiledTurn profiled(&profile);
    bench.publisher->turn();
    return profile.messages_out.value() - before;
  };
  CHECK(messages_of_a_batch() == 1);  // that it is done
  CHECK(messages_of_a_batch() == 1);
  bench.subscriber.set(zmq::sockopt::subscribe, "ch/");
  eventually([&] { return messages_of_a_batch() == 3; });
  bench.subscriber.set(zmq::sockopt::unsubscribe, "ch/");
  bench.subscriber.set(zmq::sockopt::subscribe, "kv/");
  eventually([&] { return messages_of_a_batch() == 3; });
}

TEST_CASE("publisher_publishes_in_the_order_of_the_log") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.publisher.get()});
  bench.wait_for_subscriber();
  constexpr raft::Index kLast = 3000;
  std::size_t published = 0;
  for (raft::Index index = 1; index < kLast; index += 3) {
    bench.applied.near.send(
        {{publication(index), publication(index + 1), publication(index + 2)}, 10, index + 2});
  }
  for (raft::Index index = 1; index <= kLast;) {
    const auto frames = bench.next_broadcast();
    REQUIRE(frames.size() == 3);
    if (frames[0] == "raft/status") continue;
    REQUIRE(frames[0] == "ch/news");
    REQUIRE(number_in(frames[1], "seq") == index);
    REQUIRE(frames[2] == std::to_string(index));
    ++index;
  }
  while (published < kLast / 3 * 10) published += next(bench.applied.near).bytes;
  CHECK(published == kLast / 3 * 10);
}

TEST_CASE("publisher_tells_its_status_at_each_change_and_as_time_passes") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.publisher.get()});
  bench.wait_for_subscriber();
  bench.applied.near.send({{publication(7)}, 10, 7});
  raft::Milliseconds now = 1'000'000'000;
  eventually([&] {
    bench.status.publish({{raft::Role::kLeader, 4, 1}, 9, 1});
    bench.ticks.publish({now += 1000});  // tells it again, where it was seen before what is applied
    const auto frames = bench.next_broadcast();
    return frames[0] == "raft/status" && number_in(frames[1], "term") == 4 &&
           number_in(frames[1], "commit_index") == 9 && number_in(frames[1], "applied_index") == 7;
  });
  eventually([&] {  // a tick may be missed
    bench.ticks.publish({now += 1000});
    return readable(bench.subscriber);
  });
  CHECK(bench.next_broadcast()[0] == "raft/status");
}
