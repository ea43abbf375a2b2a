#include "actors/input.h"

#include <poll.h>

#include "actors/link.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

bool is_signalled(const InputSocket& socket) {
  pollfd descriptor{socket.descriptor(), POLLIN, 0};
  return poll(&descriptor, 1, 0) == 1;
}

struct Pair {
  zmq::context_t context{0};
  LinkEnds<int, int> link = make_link<int, int>(context, "near/far", kMustArrive);
  InputSocket& input = link.far.input();
};

}  // namespace

TEST_CASE("input_is_watched_only_when_nothing_waits") {
  Pair pair;
  pair.link.near.send(1);
  pair.link.near.send(2);
  REQUIRE(pair.input.stays_awake());
  CHECK(pair.link.far.receive() == 1);
  REQUIRE(pair.input.stays_awake());
  CHECK(pair.link.far.receive() == 2);
  CHECK_FALSE(pair.input.stays_awake());
}

TEST_CASE("input_that_is_watched_shows_what_comes_by_its_descriptor_alone") {
  Pair pair;
  REQUIRE_FALSE(pair.input.stays_awake());
  CHECK_FALSE(is_signalled(pair.input));
  pair.link.near.send(1);
  CHECK(is_signalled(pair.input));
  CHECK_FALSE(pair.link.far.receive());
  CHECK_FALSE(pair.link.far.readable());
  pair.input.wake();
  CHECK(pair.link.far.readable());
  CHECK(pair.link.far.receive() == 1);
  // Found empty, it shows the next.
  CHECK_FALSE(pair.link.far.receive());
  REQUIRE_FALSE(pair.input.stays_awake());
  pair.link.near.send(2);
  CHECK(is_signalled(pair.input));
}

// ZMQ_FD: any call on a socket may take the sign of what came.
TEST_CASE("input_is_asked_again_after_something_was_sent_on_it") {
  Pair pair;
  REQUIRE_FALSE(pair.input.stays_awake());
  pair.link.near.send(1);
  pair.link.far.send(3);
  CHECK(pair.input.stays_awake());
  CHECK(pair.link.far.receive() == 1);
}

TEST_CASE("input_on_one_thread_knows_what_is_under_way_without_a_sign") {
  zmq::context_t context(0);
  auto link = make_link<int, int>(context, "near/far", kMustArrive, Ends::kOnOneThread);
  CHECK(link.far.input().descriptor() < 0);
  CHECK_FALSE(link.far.receive());
  CHECK_FALSE(link.far.input().stays_awake());
  for (int round = 0; round < 300; ++round) {
    link.near.send(2 * round);
    link.near.send(2 * round + 1);
    CHECK(link.far.input().holds_counted());
    CHECK_FALSE(link.near.input().holds_counted());
    CHECK(link.far.receive() == 2 * round);
    CHECK(link.far.input().stays_awake());
    CHECK(link.far.readable());
    CHECK(link.far.receive() == 2 * round + 1);
    CHECK_FALSE(link.far.readable());
    link.far.send(round);
    CHECK(link.near.receive() == round);
  }
}

TEST_CASE("link_on_one_thread_refuses_what_is_beyond_its_mark") {
  zmq::context_t context(0);
  auto link = make_link<int>(context, "near/far", 2, Ends::kOnOneThread);
  for (int round = 0; round < 100; ++round) {
    CHECK(link.near.offer(1));
    CHECK(link.near.offer(2));
    CHECK_FALSE(link.near.offer(3));
    CHECK(link.far.receive() == 1);
    CHECK(link.near.offer(4));
    CHECK(link.far.receive() == 2);
    CHECK(link.far.receive() == 4);
    CHECK_FALSE(link.far.receive());
  }
}

TEST_CASE("link_on_one_thread_refuses_where_the_other_end_is_closed") {
  zmq::context_t context(0);
  auto link = make_link<int>(context, "near/far", kMustArrive, Ends::kOnOneThread);
  { const auto closed = std::move(link.far); }
  eventually([&] { return !link.near.offer(1); });
}

TEST_CASE("input_that_is_a_descriptor_has_no_socket") {
  const Input input(0);
  CHECK(input.socket == nullptr);
  CHECK(input.descriptor == 0);
}
