#include "raft/membership.h"

#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

void forward(Cluster& cluster, const Peer& from, RequestNumber request, std::string_view command) {
  cluster.step(1, MessageReceived{from, ForwardCommands{1, {{request, bytes(command)}}}, 1001});
}

void change(Cluster& cluster, NodeId id, RequestNumber request, MembershipChange change) {
  cluster.step(id, ChangeSubmitted{request, std::move(change)});
}

// All that waits for something, in all nodes: log_memory_bytes is what is kept on purpose.
std::vector<std::string> waiting(Cluster& cluster, const std::vector<NodeId>& ids) {
  std::vector<std::string> all;
  for (const NodeId id : ids) {
    for (const auto& [name, count] : cluster.server(id).status().counters) {
      if (name != "log_memory_bytes" && count != 0)
        all.push_back(fmt::format("{} of {}", name, id));
    }
  }
  return all;
}

}  // namespace

TEST_CASE("membership_counters_return_to_0_when_idle (A30)") {
  Cluster cluster({1, 2, 3}, [](Options& options) {
    options.trailing_entries = 0;
    options.read_lease_drift_percent = 10;
  });
  cluster.pass(300);
  cluster.elect(1);
  cluster.add(4);
  RequestNumber request = 0;
  change(cluster, 2, ++request, {{member_of(4)}, {}, {}, {}});
  cluster.pass(500);
  for (const NodeId id : {1, 2, 3, 4}) {
    cluster.step(id, CommandSubmitted{++request, bytes("x")});
    cluster.step(id, ReadRequested{++request});
    cluster.step(id, SnapshotRequested{++request});
    cluster.step(id, TransferRequested{++request, 3});
    change(cluster, id, ++request, {{}, {}, {}, {2}});
  }
  cluster.pass(1000);
  // Nobody answers any more, and nobody waits either.
  cluster.isolate(1);
  for (const NodeId id : {1, 2, 3, 4}) {
    cluster.step(id, CommandSubmitted{++request, bytes("y")});
    cluster.step(id, ReadRequested{++request});
    cluster.step(id, TransferRequested{++request, std::nullopt});
  }
  cluster.pass(2000);
  cluster.heal();
  cluster.pass(3000);
  for (const NodeId id : {1, 2, 3, 4}) {
    std::vector<Event> expired;
    for (RequestNumber each = 1; each <= request; ++each) expired.push_back(RequestExpired{each});
    cluster.turn(id, std::move(expired));
  }
  cluster.settle();
  REQUIRE(waiting(cluster, {1, 3, 4}) == std::vector<std::string>{});
}

TEST_CASE("forwarded_requests_of_a_new_directory_are_no_copies (A28)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  forward(cluster, {3, 1003}, RequestNumber{5} << kRequestCounterBits, "old");
  forward(cluster, {3, 2003}, 1, "new");
  forward(cluster, {3, 2003}, 1, "again");
  cluster.settle();
  REQUIRE(cluster.node(1).content == Commands{"old", "new"});
}

TEST_CASE("changes_of_a_new_directory_are_no_copies (A28)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const MembershipChange learner{{}, {member_of(4)}, {}, {}};
  const MembershipChange other{{}, {member_of(5)}, {}, {}};
  cluster.step(1, MessageReceived{{3, 1003}, ForwardChange{1, 900, learner}, 1001});
  cluster.pass(100);
  cluster.step(1, MessageReceived{{3, 2003}, ForwardChange{1, 1, other}, 1001});
  cluster.pass(100);
  REQUIRE(cluster.state(1).configuration().find(5) != nullptr);
}

TEST_CASE("change_that_no_configuration_can_hold_is_refused_and_the_leader_leads_on") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  Member member = member_of(4);
  member.peer = std::string(kMaxEndpointBytes + 1, 'x');
  change(cluster, 1, 7, {{member}, {}, {}, {}});
  member = member_of(4);
  member.id = 0;
  change(cluster, 1, 8, {{}, {member}, {}, {}});
  cluster.settle();
  REQUIRE(cluster.node(1).refusals.size() == 2);
  for (const Refuse& each : cluster.node(1).refusals) {
    REQUIRE(each.reason == RefusalReason::kConflict);
  }
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.state(1).configurations.index() == 1);
}

TEST_CASE("transfer_whose_leader_is_elected_again_is_answered") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.cut(1, 3);
  cluster.step(2, TransferRequested{7, NodeId{3}});
  cluster.settle();
  cluster.heal();
  // Somebody is of a later term: node 1 steps down, and is elected once more.
  cluster.receive(1, 3, HeartbeatReply{2, 0, 1});
  cluster.elect(1);
  cluster.settle();
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.node(2).refusals.size() == 1);
  REQUIRE(cluster.node(2).refusals.front().request == 7);
  REQUIRE(cluster.node(2).refusals.front().detail == "Node 1 leads instead.");
}

TEST_CASE("leader_notes_of_strangers_nothing") {
  Cluster cluster({1, 2, 3}, {}, true);
  cluster.elect(1);
  for (NodeId id = 100; id < 110; ++id) {
    cluster.step(1, MessageReceived{{id, 1}, Hello{0, {.id = id, .identity = 1}}, 1001});
  }
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.state(1).as<LeaderState>()->descriptions.empty());
  REQUIRE(cluster.state(1).configurations.index() == 1);
}

TEST_CASE("member_that_moved_is_noted_and_everybody_learns_of_it") {
  Cluster cluster(
      {1, 2, 3},
      [](Options& options) {
        if (options.self.id == 2 && options.seed > 3) options.self.peer = "elsewhere";
      },
      true);
  cluster.elect(1);
  cluster.pass(100);
  cluster.crash_and_restart(2);
  cluster.pass(1000);
  for (const NodeId id : {1, 2, 3}) {
    REQUIRE(cluster.state(id).configuration().find(2)->peer == "elsewhere");
    REQUIRE(cluster.state(id).configuration().find(3)->peer == "peer-3");
  }
}

TEST_CASE("member_with_another_directory_moves_nobody (A28)") {
  Cluster cluster({1, 2, 3}, {}, true);
  cluster.elect(1);
  Member other = member_of(2, 2);
  other.peer = "elsewhere";
  cluster.step(1, MessageReceived{{2, other.identity}, Hello{0, other}, 1001});
  cluster.pass(200);
  REQUIRE(cluster.state(1).configuration().find(2)->peer == "peer-2");
}

TEST_CASE("votes_and_answers_of_another_directory_do_not_count (A28)") {
  Cluster cluster({1, 2, 3});
  cluster.advance(1, 1000);
  const Term proposed = cluster.state(1).current_term() + 1;
  REQUIRE(cluster.state(1).role() == Role::kPreCandidate);
  cluster.step(1, MessageReceived{{2, 2002}, PreVoteReply{0, proposed, true}, 1001});
  REQUIRE(cluster.state(1).role() == Role::kPreCandidate);
  cluster.step(1, MessageReceived{{2, 1002}, PreVoteReply{0, proposed, true}, 1001});
  REQUIRE(cluster.state(1).role() == Role::kCandidate);
  cluster.step(1, MessageReceived{{2, 2002}, RequestVoteReply{proposed, true}, 1001});
  REQUIRE_FALSE(cluster.leads(1));
  cluster.step(1, MessageReceived{{2, 1002}, RequestVoteReply{proposed, true}, 1001});
  REQUIRE(cluster.leads(1));
  cluster.step(1, MessageReceived{{2, 2002}, AppendEntriesAccepted{proposed, 1}, 1001});
  REQUIRE(cluster.state(1).commit_index == 0);
  cluster.step(1, MessageReceived{{2, 1002}, AppendEntriesAccepted{proposed, 1}, 1001});
  REQUIRE(cluster.state(1).commit_index == 1);
}
