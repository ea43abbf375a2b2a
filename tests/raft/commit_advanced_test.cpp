// A commit that no entry carries is told in a message of its own.
#include "raft/replication.h"

#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

template <typename Kind>
std::size_t sent_between(const Cluster& cluster, NodeId from, NodeId to) {
  std::size_t count = 0;
  for (const Envelope& envelope : cluster.delivered) {
    const bool is_there = envelope.from == from && envelope.to == to;
    count += is_there && std::holds_alternative<Kind>(envelope.message) ? 1 : 0;
  }
  return count;
}

void command(Cluster& cluster, NodeId id, RequestNumber request, std::string_view text) {
  cluster.step(id, CommandSubmitted{request, bytes(text)});
}

}  // namespace

TEST_CASE("commit_advanced_a_commit_that_no_entry_carries_goes_alone_and_unanswered") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.settle();
  cluster.delivered.clear();
  command(cluster, 1, 1, "x");
  cluster.settle();
  const Index last = cluster.state(1).log.last_index();
  REQUIRE(cluster.state(1).commit_index == last);
  for (const NodeId follower : {2, 3}) {
    CAPTURE(follower);
    REQUIRE(cluster.state(follower).commit_index == last);
    REQUIRE(sent_between<CommitAdvanced>(cluster, 1, follower) == 1);
    REQUIRE(sent_between<AppendEntriesAccepted>(cluster, follower, 1) == 1);
  }
}

TEST_CASE("commit_advanced_a_commit_is_told_to_none_that_is_not_known_to_hold_it (A22)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.settle();
  cluster.node(3).disk_held = true;
  cluster.delivered.clear();
  command(cluster, 1, 1, "x");
  cluster.settle();
  REQUIRE(sent_between<CommitAdvanced>(cluster, 1, 2) == 1);
  REQUIRE(sent_between<CommitAdvanced>(cluster, 1, 3) == 0);
  cluster.release_disk(3);
  cluster.settle();
  REQUIRE(sent_between<CommitAdvanced>(cluster, 1, 3) == 1);
  REQUIRE(cluster.state(3).commit_index == cluster.state(1).commit_index);
}

TEST_CASE("commit_advanced_a_stale_leader_commits_nothing_at_a_follower") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.settle();
  const Index commit = cluster.state(2).commit_index;
  const Term term = cluster.state(2).current_term();
  cluster.receive(2, 3, CommitAdvanced{term - 1, commit + 1});
  REQUIRE(cluster.state(2).commit_index == commit);
  REQUIRE(cluster.state(2).leader() == NodeId{1});
}

TEST_CASE("commit_advanced_tells_no_commit_behind_an_entry_that_is_compacted") {
  Cluster cluster({1, 2, 3}, [](Options& options) {
    options.window_messages = 1;
    options.trailing_entries = 0;
  });
  cluster.elect(1);
  command(cluster, 1, 1, "a");
  cluster.settle();
  // Nobody has missed node 3 yet: its window is full, and its next entry is soon gone.
  cluster.isolate(3);
  for (RequestNumber request = 2; request <= 6; ++request) {
    command(cluster, 1, request, "b");
    cluster.settle();
  }
  cluster.step(1, SnapshotRequested{7});
  cluster.settle();
  REQUIRE(cluster.state(1).log.first_index() > 5);
  command(cluster, 1, 8, "c");
  cluster.settle();
  cluster.heal();
  cluster.pass(1000);
  CHECK(cluster.state(3).applied_index == cluster.state(1).log.last_index());
}
