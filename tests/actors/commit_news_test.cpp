#include "actors/commit_news.h"

#include <poll.h>

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

constexpr raft::Milliseconds kForEver = 1'000'000'000;

raft::Send news(raft::NodeId to, raft::Index commit) {
  return {{to, 10 * to}, raft::CommitAdvanced{1, commit}};
}

raft::Index commit_of(const raft::Send& send) {
  return std::get<raft::CommitAdvanced>(send.message).commit_index;
}

}  // namespace

TEST_CASE("commit_news_wait_until_it_is_time") {
  CommitNews held(1);
  held.hold(news(2, 5));
  held.hold(news(3, 4));
  const auto due = eventually([&]() -> std::optional<std::vector<raft::Send>> {
    auto taken = held.take_due();
    if (taken.empty()) return std::nullopt;
    return taken;
  });
  REQUIRE(due->size() == 2);
  CHECK(due->at(0).to.id == 2);
  CHECK(due->at(1).to.id == 3);
  CHECK(held.take_all().empty());
}

TEST_CASE("commit_news_are_not_due_before") {
  CommitNews held(kForEver);
  held.hold(news(2, 5));
  CHECK(held.take_due().empty());
  pollfd descriptor{held.input().descriptor, POLLIN, 0};
  CHECK(poll(&descriptor, 1, 0) == 0);
  CHECK(held.take_all().size() == 1);
}

TEST_CASE("commit_news_of_a_peer_are_the_newest") {
  CommitNews held(kForEver);
  held.hold(news(2, 5));
  held.hold(news(2, 6));
  const auto all = held.take_all();
  REQUIRE(all.size() == 1);
  CHECK(commit_of(all.front()) == 6);
}

TEST_CASE("commit_news_of_one_peer_can_be_taken") {
  CommitNews held(kForEver);
  held.hold(news(2, 5));
  held.hold(news(3, 5));
  CHECK(commit_of(*held.take(2)) == 5);
  CHECK_FALSE(held.take(2));
  CHECK_FALSE(held.take(4));
  const auto all = held.take_all();
  REQUIRE(all.size() == 1);
  CHECK(all.front().to.id == 3);
}

TEST_CASE("timer_that_stands_still_never_goes_off") {
  Timer timer;
  CHECK_FALSE(timer.take());
  timer.start_once(1);
  eventually([&] { return timer.take(); });
  CHECK_FALSE(timer.take());
  timer.start_periodic(1);
  for (int i = 0; i < 3; ++i) eventually([&] { return timer.take(); });
  timer.start_periodic(0);
  static_cast<void>(timer.take());
  CHECK_FALSE(timer.take());
}
