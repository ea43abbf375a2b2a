#include "actors/broadcast_link.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

struct Parcel {
  std::shared_ptr<int> content;
};

}  // namespace

TEST_CASE("link_hands_over_the_object_itself") {
  zmq::context_t context(0);
  auto link = make_link<Parcel>(context, "sender/receiver", kMustArrive);
  auto content = std::make_shared<int>(7);
  const int* address = content.get();
  link.near.send({std::move(content)});
  const auto received = link.far.receive();
  REQUIRE(received);
  CHECK(received->content.get() == address);
  CHECK(received->content.use_count() == 1);
  CHECK_FALSE(link.far.receive());
}

TEST_CASE("link_frees_what_is_undelivered") {
  const auto content = std::make_shared<int>(7);
  {
    zmq::context_t context(0);
    auto link = make_link<Parcel>(context, "sender/receiver", kMustArrive);
    for (int i = 0; i < 100; ++i) link.near.send({content});
    CHECK(content.use_count() == 101);
  }
  CHECK(content.use_count() == 1);
}

TEST_CASE("link_with_a_mark_drops_and_never_waits") {  // B6, B7
  zmq::context_t context(0);
  auto link = make_link<Parcel>(context, "sender/receiver", 8);
  const auto content = std::make_shared<int>(7);
  int taken = 0;
  for (int i = 0; i < 100; ++i) taken += link.near.offer({content}) ? 1 : 0;
  CHECK(taken == 8);
  CHECK(content.use_count() == 1 + 8);
}

TEST_CASE("link_without_a_mark_takes_all") {
  zmq::context_t context(0);
  auto link = make_link<int, std::string>(context, "sender/receiver", kMustArrive);
  for (int i = 0; i < 100'000; ++i) link.near.send(i);
  link.far.send("back");
  for (int i = 0; i < 100'000; ++i) REQUIRE(link.far.receive() == i);
  CHECK(link.near.receive() == "back");
}

TEST_CASE("broadcast_link_loses_what_a_listener_does_not_take") {
  zmq::context_t context(0);
  BroadcastSource<int> source(context, "source");
  BroadcastListener<int> listener(context, "source");
  for (int i = 0; i < 1000; ++i) source.publish(i);
  const auto late = listener.latest();
  REQUIRE(late);
  CHECK(*late < 999);
  // It hears again once it has caught up.
  eventually([&] {
    source.publish(5000);
    return listener.latest() == 5000;
  });
}
