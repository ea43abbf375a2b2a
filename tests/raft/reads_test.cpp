#include "raft/reads.h"

#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

TEST_CASE("read_at_the_leader_waits_for_a_majority") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(1, ReadRequested{1});
  REQUIRE(cluster.node(1).served_reads.empty());
  cluster.settle();
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1});
}

TEST_CASE("read_one_round_confirms_all_that_wait") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.turn(1, {ReadRequested{1}, ReadRequested{2}, ReadRequested{3}});
  REQUIRE(cluster.network.size() == 2);
  cluster.settle();
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1, 2, 3});
}

TEST_CASE("read_waits_for_the_first_commit_of_the_term (A10)") {
  Cluster cluster({1, 2, 3});
  cluster.node(2).disk_held = true;
  cluster.node(3).disk_held = true;
  cluster.step(1, TickElapsed{5000});
  cluster.settle();
  for (const NodeId id : {2, 3}) cluster.receive(1, id, RequestVoteReply{1, true});
  REQUIRE(cluster.leads(1));
  cluster.step(1, ReadRequested{1});
  cluster.settle();
  REQUIRE(cluster.node(1).served_reads.empty());
  cluster.release_disk(2);
  cluster.settle();
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1});
}

TEST_CASE("read_a_late_answer_confirms_no_younger_round (A11)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(1).current_term();
  const auto last = cluster.state(1).log.last_index();
  cluster.step(1, ReadRequested{1});
  cluster.settle();
  const auto round = cluster.state(1).as<LeaderState>()->last_read_round;
  cluster.step(1, ReadRequested{2});
  cluster.network.clear();
  cluster.receive(1, 2, HeartbeatReply{term, round, last});  // of the round before
  cluster.receive(1, 3, HeartbeatReply{term, round, last});
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1});
  cluster.receive(1, 2, HeartbeatReply{term, round + 1, last});
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1, 2});
}

TEST_CASE("read_a_deposed_leader_serves_nothing") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.pass(1000, {2, 3});
  REQUIRE((cluster.leads(2) || cluster.leads(3)));
  REQUIRE(cluster.leads(1));  // its clock stood still: it still believes
  cluster.step(1, ReadRequested{1});
  cluster.settle();
  cluster.heal();
  cluster.pass(200, {1});
  REQUIRE(cluster.node(1).served_reads.empty());
  REQUIRE(cluster.node(1).refusals.size() == 1);
  REQUIRE(cluster.node(1).refusals[0].reason == RefusalReason::kNoLeader);
}

TEST_CASE("read_at_a_follower_is_answered_from_its_own_state_at_the_leaders_index") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(1, CommandSubmitted{1, bytes("x")});
  cluster.settle();
  cluster.step(2, ReadRequested{7});
  cluster.settle();
  REQUIRE(cluster.node(2).served_reads == std::vector<RequestNumber>{7});
  REQUIRE(cluster.node(2).applied.back().entry.index == cluster.state(1).commit_index);
}

TEST_CASE("read_at_a_follower_waits_until_it_has_applied_the_index") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(2).current_term();
  cluster.step(2, ReadRequested{7});
  cluster.network.clear();
  const Index ahead = cluster.state(2).commit_index + 1;
  cluster.receive(2, 1, ReadIndexReply{term, 7, ahead});
  REQUIRE(cluster.node(2).served_reads.empty());
  cluster.step(1, CommandSubmitted{1, bytes("x")});
  cluster.settle();
  REQUIRE(cluster.node(2).served_reads == std::vector<RequestNumber>{7});
}

TEST_CASE("read_at_a_follower_a_reply_to_an_older_round_covers_no_younger_read (A11)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(2).current_term();
  cluster.step(2, ReadRequested{7});
  cluster.step(2, ReadRequested{9});
  cluster.network.clear();
  cluster.receive(2, 1, ReadIndexReply{term, 7, 1});
  cluster.receive(2, 1, ReadIndexReply{term, 7, 1});
  REQUIRE(cluster.node(2).served_reads == std::vector<RequestNumber>{7});
}

TEST_CASE("read_a_lost_question_is_asked_again") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(2, ReadRequested{7});
  cluster.network.clear();
  cluster.pass(300);
  REQUIRE(cluster.node(2).served_reads == std::vector<RequestNumber>{7});
}

TEST_CASE("read_without_a_leader_is_refused_at_once") {
  Cluster cluster({1, 2, 3});
  cluster.step(1, ReadRequested{1});
  REQUIRE(cluster.node(1).refusals.size() == 1);
  REQUIRE(cluster.node(1).refusals[0].reason == RefusalReason::kNoLeader);
}

TEST_CASE("read_that_expired_is_forgotten (A30)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.step(1, ReadRequested{1});
  cluster.step(1, ReadRequested{2});
  cluster.step(1, RequestExpired{1});
  cluster.step(1, RequestExpired{2});
  cluster.heal();
  cluster.network.clear();
  cluster.pass(100);
  REQUIRE(cluster.node(1).served_reads.empty());
}

TEST_CASE("read_in_a_cluster_of_one_is_served_in_the_same_turn") {
  Cluster cluster({1});
  cluster.pass(2000);
  cluster.step(1, ReadRequested{1});
  REQUIRE(cluster.node(1).served_reads == std::vector<RequestNumber>{1});
}

TEST_CASE("read_all_that_expire_in_one_turn_are_forgotten (A30)") {
  const NodeId asked = GENERATE(1, 2);  // the leader, a follower
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.turn(asked, {ReadRequested{1}, ReadRequested{2}, ReadRequested{3}});
  cluster.step(asked, ReadRequested{4});
  cluster.turn(asked, {RequestExpired{1}, RequestExpired{4}, RequestExpired{2}});
  cluster.heal();
  cluster.pass(300);
  REQUIRE(cluster.node(asked).served_reads == std::vector<RequestNumber>{3});
}
