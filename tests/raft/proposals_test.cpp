#include "raft/proposals.h"

#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

std::vector<RequestNumber> answered(Cluster& cluster, NodeId id) {
  std::vector<RequestNumber> requests;
  for (const CommittedEntry& each : cluster.node(id).applied) {
    if (each.request) requests.push_back(*each.request);
  }
  return requests;
}

std::size_t commands_applied(Cluster& cluster, NodeId id) {
  std::size_t count = 0;
  for (const CommittedEntry& each : cluster.node(id).applied) {
    count += each.entry.kind == EntryKind::kCommand ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("proposal_a_turn_of_commands_is_one_block_one_order_one_message_a_peer") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.node(1).disk_held = true;
  cluster.turn(1, {CommandSubmitted{1, bytes("a")}, CommandSubmitted{2, bytes("b")},
                   CommandSubmitted{3, bytes("c")}});
  REQUIRE(cluster.node(1).orders.size() == 1);
  const auto& entries = cluster.node(1).orders.front().entries;
  REQUIRE(entries.size() == 3);
  REQUIRE(entries[0].record.continues_with(entries[1].record));
  REQUIRE(entries[1].record.continues_with(entries[2].record));
  REQUIRE(cluster.network.size() == 2);
  cluster.release_disk(1);
  cluster.settle();
  REQUIRE(answered(cluster, 1) == std::vector<RequestNumber>{1, 2, 3});
}

TEST_CASE("proposal_at_a_follower_is_forwarded_and_answered_where_it_was_asked") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(2, CommandSubmitted{5, bytes("x")});
  cluster.settle();
  REQUIRE(answered(cluster, 2) == std::vector<RequestNumber>{5});
  REQUIRE(answered(cluster, 1).empty());
  REQUIRE(cluster.server(2).status().counters.at("forwarded_commands") == 0);
}

TEST_CASE("proposal_many_forwarded_bytes_go_in_several_messages") {
  Cluster cluster({1, 2, 3}, [](Options& options) { options.max_append_bytes = 25; });
  cluster.elect(1);
  std::vector<Event> events;
  for (RequestNumber request = 1; request <= 5; ++request) {
    events.push_back(CommandSubmitted{request, bytes("0123456789")});
  }
  cluster.turn(2, std::move(events));
  REQUIRE(cluster.network.size() == 3);
  cluster.settle();
  cluster.pass(100);
  REQUIRE(answered(cluster, 2) == std::vector<RequestNumber>{1, 2, 3, 4, 5});
}

TEST_CASE("proposal_held_during_a_transfer_that_expired_is_never_appended") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(3);
  cluster.step(1, TransferRequested{7, NodeId{3}});
  cluster.step(1, CommandSubmitted{8, bytes("x")});
  cluster.step(1, CommandSubmitted{9, bytes("y")});
  cluster.step(1, RequestExpired{8});
  cluster.pass(1000, {1, 2});
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.node(1).content == Commands{"y"});
  REQUIRE(cluster.server(1).status().counters.at("pending_commands") == 0);
}

TEST_CASE("proposal_a_forwarded_command_delivered_twice_is_taken_once (A32)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(2, CommandSubmitted{5, bytes("x")});
  REQUIRE(cluster.network.size() == 1);
  cluster.network.push_back(cluster.network.front());
  cluster.settle();
  REQUIRE(commands_applied(cluster, 1) == 1);
}

TEST_CASE("proposal_a_late_copy_of_another_term_is_not_taken (A32)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(2, CommandSubmitted{5, bytes("x")});
  const auto late = std::get<ForwardCommands>(cluster.network.front().message);
  cluster.settle();
  const Index before = cluster.state(1).log.last_index();
  cluster.crash_and_restart(1);
  cluster.elect(1);
  REQUIRE(cluster.leads(1));
  cluster.receive(1, 2, late);
  cluster.settle();
  REQUIRE(cluster.state(1).log.last_index() == before + 1);  // its no-op alone
}

TEST_CASE("proposal_to_a_node_that_does_not_lead_is_not_passed_on_again (A32)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(2).current_term();
  cluster.receive(2, 3, ForwardCommands{term, {{5, bytes("x")}}});
  cluster.settle();
  REQUIRE(commands_applied(cluster, 1) == 0);
}

TEST_CASE("proposal_without_a_leader_is_refused_at_once") {
  Cluster cluster({1, 2, 3});
  cluster.step(1, CommandSubmitted{1, bytes("x")});
  REQUIRE(cluster.node(1).refusals.at(0).reason == RefusalReason::kNoLeader);
}

TEST_CASE("proposal_overwritten_by_another_leader_is_an_unknown_outcome (A13)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.step(1, CommandSubmitted{7, bytes("lost")});
  cluster.network.clear();
  cluster.pass(1500, {2, 3});
  REQUIRE((cluster.leads(2) || cluster.leads(3)));
  cluster.heal();
  cluster.pass(300);
  REQUIRE(answered(cluster, 1).empty());
  REQUIRE(cluster.node(1).refusals.size() == 1);
  REQUIRE(cluster.node(1).refusals[0].request == 7);
  REQUIRE(cluster.node(1).refusals[0].reason == RefusalReason::kUnknownOutcome);
}

TEST_CASE("proposal_committed_by_a_later_leader_is_answered_with_its_outcome (A13)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.cut(2, 1);
  cluster.cut(3, 1);
  cluster.step(1, CommandSubmitted{7, bytes("kept")});
  cluster.settle();
  cluster.pass(1500);
  cluster.heal();
  cluster.pass(1500);
  REQUIRE(answered(cluster, 1) == std::vector<RequestNumber>{7});
  REQUIRE(cluster.node(1).refusals.empty());
}

TEST_CASE("proposal_forwarded_to_a_leader_that_is_lost_is_an_unknown_outcome") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.step(2, CommandSubmitted{5, bytes("x")});
  cluster.network.clear();
  cluster.pass(1500, {2, 3});
  REQUIRE(cluster.node(2).refusals.at(0).reason == RefusalReason::kUnknownOutcome);
  REQUIRE(cluster.server(2).status().counters.at("forwarded_commands") == 0);
}

TEST_CASE("proposal_that_changes_members_is_an_unknown_outcome_where_its_leader_is_lost") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.isolate(1);
  cluster.step(2, ChangeSubmitted{5, {.remove = {3}}});
  cluster.network.clear();
  cluster.pass(1500, {2, 3});
  REQUIRE(cluster.node(2).refusals.at(0).request == 5);
  REQUIRE(cluster.node(2).refusals.at(0).reason == RefusalReason::kUnknownOutcome);
  REQUIRE(cluster.server(2).status().counters.at("forwarded_commands") == 0);
}

TEST_CASE("proposal_beyond_the_limit_of_uncommitted_bytes_is_refused_busy") {
  Cluster cluster({1, 2, 3}, [](Options& options) { options.max_uncommitted_bytes = 580; });
  cluster.elect(1);
  const auto before = cluster.state(1).log.last_index();
  cluster.isolate(1);
  for (RequestNumber request = 1; request <= 20; ++request) {
    cluster.step(1, CommandSubmitted{request, bytes("0123456789")});
  }
  REQUIRE(cluster.state(1).log.last_index() == before + 10);
  REQUIRE(cluster.node(1).refusals.size() == 10);
  REQUIRE(cluster.node(1).refusals[0].reason == RefusalReason::kBusy);
  cluster.heal();
  cluster.pass(500);
  REQUIRE(cluster.server(1).status().counters.at("uncommitted_bytes") == 0);
  cluster.step(1, CommandSubmitted{30, bytes("x")});
  cluster.settle();
  REQUIRE(answered(cluster, 1).back() == 30);
}

TEST_CASE("proposal_passed_back_counts_among_what_a_follower_holds") {
  Cluster cluster({1, 2, 3}, [](Options& options) { options.max_uncommitted_bytes = 2 * 58 + 5; });
  cluster.elect(1);
  cluster.turn(2,
               {CommandSubmitted{1, bytes("0123456789")}, CommandSubmitted{2, bytes("0123456789")},
                CommandSubmitted{3, bytes("0123456789")}});
  REQUIRE(cluster.node(2).refusals.size() == 1);
  REQUIRE(cluster.node(2).refusals[0].request == 3);
  cluster.network.clear();
  cluster.receive(2, 1, ForwardCommandsReply{cluster.state(2).current_term(), {}, {}, {1, 2}});
  REQUIRE(cluster.server(2).status().counters.at("released_commands") == 2);
  cluster.step(2, CommandSubmitted{4, bytes("0123456789")});
  REQUIRE(cluster.node(2).refusals.size() == 2);
  REQUIRE(cluster.node(2).refusals[1].request == 4);
  REQUIRE(cluster.node(2).refusals[1].reason == RefusalReason::kBusy);
}

TEST_CASE("proposal_passed_back_that_is_a_change_of_members_makes_no_command") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.step(2, ChangeSubmitted{7, {}});
  cluster.network.clear();
  cluster.receive(2, 1, ForwardCommandsReply{cluster.state(2).current_term(), {}, {}, {7}});
  REQUIRE(cluster.server(2).status().counters.at("released_commands") == 0);
  REQUIRE(cluster.server(2).status().counters.at("forwarded_commands") == 1);
}

TEST_CASE("proposal_nothing_more_is_handed_to_the_state_machine_than_it_keeps_up_with") {
  Options options;
  options.self = member_of(1);
  options.first_members = {member_of(1)};
  options.max_applying_bytes = 130;
  Server server(options, restored_from(log_of({1, 1, 1, 1, 1}), {1, {}}));
  server.step(TickElapsed{1000});
  server.step(TickElapsed{2000});
  auto effects = server.take_effects();
  while (effects.persist) {
    server.step(Persisted{effects.persist->number});
    effects = server.take_effects();
    if (effects.apply) break;
  }
  Index handed_out = 0;
  for (int turn = 0; turn < 20; ++turn) {  // the state machine says nothing
    if (effects.apply) handed_out = effects.apply->entries.back().entry.index;
    server.step(TickElapsed{2010});
    effects = server.take_effects();
  }
  REQUIRE(handed_out == 3);  // the first that reaches the limit
  server.step(EntriesApplied{handed_out});
  effects = server.take_effects();
  REQUIRE(effects.apply);
  REQUIRE(effects.apply->entries.front().entry.index == 4);
}

TEST_CASE(
    "proposal_answers_at_a_new_leader_do_not_wait_for_places_in_the_old_ones_log (A13, A30)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  // Node 2 learns the places of five commands in the log of node 1, and gets none of the entries.
  for (RequestNumber request = 1; request <= 5; ++request) {
    cluster.step(2, CommandSubmitted{request, bytes("x")});
  }
  for (const Envelope& each : std::exchange(cluster.network, {})) {
    cluster.receive(1, 2, each.message);
  }
  for (const Envelope& each : std::exchange(cluster.network, {})) {
    if (std::holds_alternative<ForwardCommandsReply>(each.message)) {
      cluster.receive(2, 1, each.message);
    }
  }
  REQUIRE(cluster.state(2).waiting_writes.size() == 5);
  cluster.network.clear();
  cluster.isolate(1);
  cluster.elect(2);
  REQUIRE(cluster.leads(2));
  // They are in no log that could still commit them.
  REQUIRE(cluster.node(2).refusals.size() == 5);
  for (const Refuse& refusal : cluster.node(2).refusals) {
    REQUIRE(refusal.reason == RefusalReason::kUnknownOutcome);
  }
  cluster.step(2, CommandSubmitted{6, bytes("new")});
  cluster.settle();
  REQUIRE(answered(cluster, 2) == std::vector<RequestNumber>{6});
}

TEST_CASE("proposal_beyond_what_the_leaders_own_disk_keeps_up_with_is_refused_busy") {
  Cluster cluster({1, 2, 3}, [](Options& options) { options.max_uncommitted_bytes = 580; });
  cluster.elect(1);
  const auto before = cluster.state(1).log.last_index();
  cluster.node(1).disk_held = true;
  for (RequestNumber request = 1; request <= 20; ++request) {
    cluster.step(1, CommandSubmitted{request, bytes("0123456789")});
    cluster.settle();
  }
  REQUIRE(cluster.state(1).commit_index == before + 10);  // on the disks of the others
  REQUIRE(cluster.node(1).refusals.size() == 10);
  REQUIRE(cluster.node(1).refusals[0].reason == RefusalReason::kBusy);
  cluster.release_disk(1);
  REQUIRE(cluster.server(1).status().counters.at("uncommitted_bytes") == 0);
}
