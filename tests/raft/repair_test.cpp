// A17: a node whose log was damaged and cut abstains from elections until it has again all that
// it ever acknowledged (raft/repair.h).
#include "raft/repair.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

// Three nodes, led by 1, with five commands that all of them have.
Cluster three() {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  for (RequestNumber request = 1; request <= 5; ++request) {
    cluster.step(1, CommandSubmitted{request, bytes("x")});
  }
  cluster.pass(100);
  return cluster;
}

// The disk of `id` is found damaged: of its log `kept` entries are left.
void damage(Cluster& cluster, NodeId id, std::size_t kept) {
  Disk disk = cluster.node(id).disk;
  disk.log.erase(disk.log.begin() + static_cast<std::ptrdiff_t>(kept), disk.log.end());
  disk.doubt = kept + 1;
  TestNode& node = cluster.node(id);
  node.flushed_index = std::min<Index>(node.flushed_index, 0);
  cluster.start(id, std::move(disk));
}

bool granted(const Cluster& cluster, NodeId voter) {
  return std::any_of(cluster.network.begin(), cluster.network.end(), [&](const Envelope& each) {
    const auto* vote = std::get_if<RequestVoteReply>(&each.message);
    const auto* pre_vote = std::get_if<PreVoteReply>(&each.message);
    return each.from == voter &&
           ((vote != nullptr && vote->vote_granted) || (pre_vote && pre_vote->vote_granted));
  });
}

}  // namespace

TEST_CASE("repair_a_node_in_doubt_grants_no_vote", "[A17]") {
  auto cluster = three();
  cluster.isolate(1);
  damage(cluster, 3, 2);
  cluster.network.clear();
  // 2 lacks nothing here, but a node that lacks everything would get this vote as well.
  cluster.receive(3, 2, PreVoteRequest{1, 2, 6, 1});
  cluster.receive(3, 2, RequestVote{2, 6, 1});
  CHECK_FALSE(granted(cluster, 3));
  CHECK(cluster.state(3).hard_state == HardState{2, std::nullopt});
}

TEST_CASE("repair_a_node_in_doubt_does_not_stand", "[A17]") {
  auto cluster = three();
  damage(cluster, 3, 2);
  cluster.isolate(3);
  cluster.pass(3000, {3});
  CHECK(cluster.state(3).role() == Role::kFollower);
  CHECK(cluster.state(3).current_term() == 1);
  cluster.receive(3, 1, Heartbeat{1, 0, 0});
  cluster.receive(3, 1, TimeoutNow{1});
  CHECK(cluster.state(3).role() == Role::kFollower);
}

TEST_CASE("repair_gets_from_the_leader_what_was_lost", "[A17]") {
  auto cluster = three();
  damage(cluster, 3, 2);
  CHECK(cluster.server(3).status().doubt == Index{3});
  cluster.pass(1000);
  CHECK(cluster.leads(1));
  CHECK(cluster.terms(3) == cluster.terms(1));
  CHECK_FALSE(cluster.server(3).status().doubt);
  CHECK_FALSE(cluster.node(3).disk.doubt);
}

// The leader believed more of the follower than is left: without being told it would wait for
// answers to entries that the follower cannot take.
TEST_CASE("repair_makes_the_leader_forget_what_it_believed", "[A17]") {
  auto cluster = three();
  const Index before = cluster.state(1).as<LeaderState>()->peers.at(3).match_index();
  REQUIRE(before == cluster.state(1).log.last_index());
  cluster.network.clear();
  cluster.receive(1, 3, RepairRequest{1, 77, 2});
  const Progress& progress = cluster.state(1).as<LeaderState>()->peers.at(3);
  CHECK(progress.match_index() == 0);
  CHECK(progress.next_index() == 3);
  CHECK(is_in_doubt(cluster.state(1), progress));
  const auto& network = cluster.network;
  const auto reply = std::find_if(network.begin(), network.end(), [](const Envelope& each) {
    return std::holds_alternative<RepairReply>(each.message);
  });
  REQUIRE(reply != network.end());
  CHECK(std::get<RepairReply>(reply->message).nonce == 77);
  CHECK(std::get<RepairReply>(reply->message).last_index == before);
}

// What the leader may still count is not committed yet: the commit index alone would end the doubt
// too early.
TEST_CASE("repair_lasts_until_the_end_of_the_leaders_log_is_committed_here", "[A17]") {
  auto cluster = three();
  damage(cluster, 3, 2);
  const std::uint64_t nonce = cluster.state(3).doubt->nonce;
  const Index end = cluster.state(1).log.last_index();
  cluster.isolate(3);
  cluster.network.clear();
  const auto& log = cluster.node(1).disk.log;
  cluster.receive(3, 1, AppendEntries{1, 2, 1, end - 1, {log.begin() + 2, log.end() - 1}});
  cluster.receive(3, 1, RepairReply{1, nonce + 1, 2});  // of an earlier start
  cluster.receive(3, 1, RepairReply{0, nonce, 2});
  CHECK(cluster.state(3).commit_index == end - 1);
  CHECK(cluster.server(3).status().doubt);
  cluster.receive(3, 1, RepairReply{1, nonce, end});
  CHECK(cluster.server(3).status().doubt);
  cluster.receive(3, 1, AppendEntries{1, end - 1, 1, end, {log.end() - 1, log.end()}});
  CHECK_FALSE(cluster.server(3).status().doubt);
}

// The rest may be of another history than what was acknowledged: a leader's snapshot was, and the
// log had not begun anew behind it when the snapshot was damaged.
TEST_CASE("repair_commits_nothing_of_its_log_that_no_leader_has_shown", "[A17][A22]") {
  auto cluster = three();
  Disk disk = cluster.node(3).disk;
  disk.doubt = 3;
  cluster.node(3).flushed_index = 0;
  cluster.start(3, std::move(disk));
  const auto& log = cluster.node(1).disk.log;
  const Index end = cluster.state(1).log.last_index();
  REQUIRE(cluster.state(3).log.last_index() == end);
  cluster.isolate(3);
  cluster.receive(3, 1, Heartbeat{1, 0, end});
  CHECK(cluster.state(3).commit_index == 0);
  CHECK(proven_index(cluster.state(3)) == 2);
  cluster.receive(3, 1, AppendEntries{1, 2, 1, end, {log.begin() + 2, log.begin() + 4}});
  CHECK(cluster.state(3).commit_index == 4);
  CHECK(proven_index(cluster.state(3)) == 4);
  cluster.receive(3, 1, Heartbeat{1, 0, end});
  CHECK(cluster.state(3).commit_index == 4);
}

TEST_CASE("repair_is_over_only_once_the_disk_knows", "[A17][A15]") {
  auto cluster = three();
  damage(cluster, 3, 2);
  const std::uint64_t nonce = cluster.state(3).doubt->nonce;
  const auto log = cluster.node(1).disk.log;
  const Index end = log.size();
  cluster.isolate(3);
  cluster.receive(3, 1, RepairReply{1, nonce, end});
  cluster.receive(3, 1, Heartbeat{1, 0, 0});
  cluster.receive(3, 1, RepairReply{1, nonce, end});
  cluster.node(3).disk_held = true;
  cluster.receive(3, 1, AppendEntries{1, 2, 1, end, {log.begin() + 2, log.end()}});
  CHECK(cluster.state(3).commit_index == end);
  CHECK(cluster.state(3).doubt);
  cluster.sync_one(3);  // the entries
  CHECK(cluster.state(3).doubt);
  CHECK(cluster.node(3).disk.doubt);
  cluster.release_disk(3);
  CHECK_FALSE(cluster.state(3).doubt);
  CHECK_FALSE(cluster.node(3).disk.doubt);
}

// An entry is on 1 and 3 alone, and acknowledged; 3 loses it. 2, which never had it, must not lead.
TEST_CASE("repair_no_election_goes_round_what_was_lost", "[A17]") {
  auto cluster = three();
  cluster.isolate(2);
  cluster.step(1, CommandSubmitted{9, bytes("acknowledged")});
  cluster.pass(100, {1, 3});
  const Index acknowledged = cluster.state(1).log.last_index();
  REQUIRE(cluster.state(1).commit_index == acknowledged);
  cluster.heal();
  cluster.isolate(1);
  damage(cluster, 3, 2);
  cluster.pass(5000, {2, 3});
  CHECK_FALSE(cluster.leads(2));
  CHECK_FALSE(cluster.leads(3));
  const auto& traces = cluster.node(3).traces;
  CHECK(std::any_of(traces.begin(), traces.end(), [](const Trace& trace) {
    return trace.text.find("lost entries from 3 on") != std::string::npos;
  }));
  cluster.heal();
  cluster.pass(5000);
  CHECK(cluster.terms(2).size() >= acknowledged);
  CHECK(cluster.terms(3) == cluster.terms(2));
  CHECK_FALSE(cluster.state(3).doubt);
}

TEST_CASE("repair_no_leadership_is_handed_to_a_node_in_doubt", "[A17]") {
  auto cluster = three();
  damage(cluster, 3, 2);
  cluster.cut(1, 3);  // it is not repaired meanwhile
  cluster.receive(1, 3, RepairRequest{1, 1, 2});
  cluster.step(1, TransferRequested{50, std::nullopt});
  cluster.pass(100);
  CHECK(cluster.leads(2));
}
