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

TEST_CASE("input_that_is_a_descriptor_has_no_socket") {
  const Input input(0);
  CHECK(input.socket == nullptr);
  CHECK(input.descriptor == 0);
}
