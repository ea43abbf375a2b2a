#include "raft/election.h"

#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

template <typename Kind>
std::vector<Kind> sent(const Cluster& cluster, NodeId from) {
  std::vector<Kind> messages;
  for (const Envelope& envelope : cluster.network) {
    const auto* message = std::get_if<Kind>(&envelope.message);
    if (message != nullptr && envelope.from == from) messages.push_back(*message);
  }
  return messages;
}

// A follower of term 5 with a short log and no leader, in a cluster of three.
Cluster follower_of_term_5() {
  Cluster cluster({1, 2, 3});
  cluster.start(1, {{5, {}}, log_of({1, 3})});
  cluster.network.clear();
  return cluster;
}

}  // namespace

TEST_CASE("election_a_leader_emerges_for_every_size_from_1_to_7 (5.2, A9)") {
  for (std::size_t size = 1; size <= 7; ++size) {
    std::vector<NodeId> ids;
    for (NodeId id = 1; id <= size; ++id) ids.push_back(id);
    Cluster cluster(ids);
    cluster.pass(5000);
    std::size_t leaders = 0;
    for (const NodeId id : ids) leaders += cluster.leads(id) ? 1 : 0;
    REQUIRE(leaders == 1);
    for (const NodeId id : ids) REQUIRE(cluster.state(id).leader() == cluster.state(1).leader());
  }
}

TEST_CASE("election_half_of_an_even_cluster_is_no_majority (A9)") {
  Cluster cluster({1, 2, 3, 4});
  for (const NodeId from : {1, 2}) {
    for (const NodeId to : {3, 4}) {
      cluster.cut(from, to);
      cluster.cut(to, from);
    }
  }
  cluster.pass(5000);
  for (const NodeId id : {1, 2, 3, 4}) REQUIRE_FALSE(cluster.leads(id));
}

TEST_CASE("election_a_vote_waits_for_the_disk (A7, A15)") {
  auto cluster = follower_of_term_5();
  cluster.node(1).disk_held = true;
  cluster.receive(1, 2, RequestVote{6, 2, 3});
  REQUIRE(sent<RequestVoteReply>(cluster, 1).empty());
  cluster.release_disk(1);
  const auto replies = sent<RequestVoteReply>(cluster, 1);
  REQUIRE(replies.size() == 1);
  REQUIRE(replies[0].vote_granted);
  REQUIRE(cluster.node(1).disk.hard_state == HardState{6, 2});
}

TEST_CASE("election_a_refusal_with_a_new_term_waits_for_the_disk_too") {
  auto cluster = follower_of_term_5();
  cluster.node(1).disk_held = true;
  cluster.receive(1, 2, RequestVote{6, 0, 0});  // its log is behind
  REQUIRE(cluster.network.empty());
  cluster.release_disk(1);
  REQUIRE_FALSE(sent<RequestVoteReply>(cluster, 1).at(0).vote_granted);
}

TEST_CASE("election_one_vote_a_term_also_across_a_restart (5.2, A7)") {
  auto cluster = follower_of_term_5();
  cluster.receive(1, 2, RequestVote{6, 2, 3});
  cluster.crash_and_restart(1);
  cluster.network.clear();
  cluster.receive(1, 3, RequestVote{6, 2, 3});
  REQUIRE_FALSE(sent<RequestVoteReply>(cluster, 1).at(0).vote_granted);
  cluster.network.clear();
  cluster.receive(1, 2, RequestVote{6, 2, 3});
  REQUIRE(sent<RequestVoteReply>(cluster, 1).at(0).vote_granted);
}

TEST_CASE("election_a_pre_vote_changes_neither_term_nor_vote (A7)") {
  auto cluster = follower_of_term_5();
  cluster.receive(1, 2, PreVoteRequest{8, 9, 2, 3});
  REQUIRE(sent<PreVoteReply>(cluster, 1).at(0).vote_granted);
  REQUIRE(cluster.state(1).hard_state == HardState{5, {}});
  REQUIRE(cluster.node(1).orders.empty());
}

TEST_CASE("election_no_vote_for_a_log_that_is_behind (5.4.1)") {
  auto cluster = follower_of_term_5();
  cluster.receive(1, 2, RequestVote{6, 1, 3});  // shorter
  cluster.receive(1, 2, RequestVote{7, 9, 2});  // of an older term
  for (const auto& reply : sent<RequestVoteReply>(cluster, 1)) REQUIRE_FALSE(reply.vote_granted);
  cluster.receive(1, 2, RequestVote{8, 2, 3});  // as good
  REQUIRE(sent<RequestVoteReply>(cluster, 1).back().vote_granted);
}

TEST_CASE("election_a_stale_candidate_is_told_the_term") {
  auto cluster = follower_of_term_5();
  cluster.receive(1, 2, RequestVote{4, 9, 4});
  const auto reply = sent<RequestVoteReply>(cluster, 1).at(0);
  REQUIRE_FALSE(reply.vote_granted);
  REQUIRE(reply.term == 5);
}

TEST_CASE("election_votes_are_withheld_while_a_leader_is_heard (4.2.3, A6)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  REQUIRE(cluster.leads(1));
  const Term term = cluster.state(2).current_term();
  for (const NodeId id : {1, 2}) {
    cluster.receive(id, 3, RequestVote{term + 5, 99, term + 4});
    REQUIRE(cluster.network.empty());
    cluster.receive(id, 3, PreVoteRequest{term + 5, term + 6, 99, term + 5});
    REQUIRE_FALSE(sent<PreVoteReply>(cluster, id).at(0).vote_granted);
    REQUIRE(cluster.state(id).current_term() == term);
    cluster.network.clear();
  }
}

TEST_CASE("election_a_cut_off_node_returns_without_disturbing (A6)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(1).current_term();
  cluster.isolate(3);
  cluster.pass(20'000);
  REQUIRE(cluster.state(3).current_term() == term);
  cluster.heal();
  cluster.pass(2000);
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.state(1).current_term() == term);
  REQUIRE(cluster.state(3).leader() == NodeId{1});
}

TEST_CASE("election_a_node_with_a_higher_term_and_an_older_log_blocks_nobody (A8)") {
  Cluster cluster({1, 2, 3});
  cluster.start(1, {{9, {}}, log_of({1})});
  cluster.start(2, {{3, {}}, log_of({1, 2, 3})});
  cluster.start(3, {{4, {}}, log_of({1, 2, 3})});
  cluster.pass(10'000);
  REQUIRE((cluster.leads(2) || cluster.leads(3)));
  REQUIRE(cluster.state(1).log.last_index() >= 3);
}

TEST_CASE("election_a_leader_meets_a_follower_of_a_higher_term_and_a_new_one_emerges (A8)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  Disk disk = cluster.node(3).disk;
  disk.hard_state = {cluster.state(1).current_term() + 4, NodeId{3}};  // stood, and lost
  cluster.start(3, std::move(disk));
  cluster.pass(10'000);
  std::set<NodeId> leaders;
  for (const NodeId id : {1, 2, 3}) leaders.insert(cluster.state(id).leader().value_or(0));
  REQUIRE(leaders.size() == 1);
  REQUIRE_FALSE(leaders.contains(0));
}

TEST_CASE("election_a_stable_leader_under_one_way_cuts (A27)") {
  // Everybody reaches node 1 and is reached by it; all other links work one way or not at all.
  Cluster cluster({1, 2, 3, 4, 5});
  for (const NodeId from : {2, 3, 4, 5}) {
    for (const NodeId to : {2, 3, 4, 5}) {
      if (from < to) cluster.cut(from, to);
      if (from == 5) cluster.cut(to, from);
    }
  }
  cluster.pass(30'000);
  const auto leader = cluster.state(1).leader();
  REQUIRE(leader == NodeId{1});
  const Term term = cluster.state(1).current_term();
  cluster.pass(30'000);
  REQUIRE(cluster.state(1).current_term() == term);
  REQUIRE(cluster.leads(1));
}

TEST_CASE("election_a_leader_without_a_majority_steps_down") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.pass(2 * cluster.state(1).options.election_timeout_ms + 20);
  REQUIRE_FALSE(cluster.leads(1));
  REQUIRE_FALSE(cluster.state(1).leader());
}

TEST_CASE("election_a_report_that_answers_nothing_keeps_no_leader_in_office (A27)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  const Milliseconds end = cluster.state(1).now + 2 * cluster.state(1).options.election_timeout_ms;
  while (cluster.state(1).now <= end && cluster.leads(1)) {
    cluster.pass(10);
    for (const NodeId node : {2, 3}) {
      cluster.receive(1, node, DiskSpaceReport{1, DiskSpace::kLow});
    }
  }
  REQUIRE_FALSE(cluster.leads(1));
}

TEST_CASE("election_a_leader_that_slept_steps_down_at_its_first_tick (A12)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(1, TickElapsed{cluster.state(1).now + 60'000});
  REQUIRE_FALSE(cluster.leads(1));
}

TEST_CASE("election_the_own_vote_counts_once_it_is_on_disk (A7)") {
  Cluster cluster({1});
  cluster.node(1).disk_held = true;
  cluster.pass(2000);
  REQUIRE(cluster.state(1).role() == Role::kCandidate);
  cluster.release_disk(1);
  REQUIRE(cluster.leads(1));
}

TEST_CASE("election_the_clock_passes_2_to_the_31_and_32_milliseconds (A31)") {
  for (const Milliseconds edge : {Milliseconds{1} << 31, Milliseconds{1} << 32}) {
    Cluster cluster({1, 2, 3});
    for (const NodeId id : {1, 2, 3}) cluster.step(id, TickElapsed{edge - 500});
    cluster.network.clear();
    Milliseconds now = edge - 500;
    for (int tick = 0; tick < 200; ++tick) {
      now += 10;
      for (const NodeId id : {1, 2, 3}) cluster.step(id, TickElapsed{now});
      cluster.settle();
    }
    const auto leader = cluster.state(1).leader();
    REQUIRE(leader);
    REQUIRE(cluster.leads(*leader));
  }
}

TEST_CASE("election_same_seed_same_effects") {
  for (int run = 0; run < 2; ++run) {
    Cluster one({1, 2, 3, 4, 5});
    Cluster other({1, 2, 3, 4, 5});
    one.pass(3000);
    other.pass(3000);
    REQUIRE(one.delivered.size() == other.delivered.size());
    REQUIRE(one.state(1).leader() == other.state(1).leader());
    REQUIRE(one.state(1).current_term() == other.state(1).current_term());
  }
}

TEST_CASE("election_a_leader_whom_a_majority_cannot_hear_gives_way_to_one_who_is_heard (A27)") {
  // Node 1 hears everybody, only node 2 hears node 1. Node 2 alone could lead, but follows while
  // node 1 does; the others ask node 1 for votes, again and again.
  Cluster cluster({1, 2, 3, 4, 5});
  cluster.elect(1);
  for (const NodeId unheard : {3, 4, 5}) cluster.cut(1, unheard);
  for (const NodeId from : {3, 4, 5}) {
    for (const NodeId to : {3, 4, 5}) cluster.cut(from, to);
  }
  cluster.pass(10'000);
  REQUIRE(cluster.leads(2));
}
