#include "raft/replication.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "cluster.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

// The leader of Figure 7 for term 8, and one of its followers; a third node lets it be elected.
const std::vector<Term> kFigure7Leader = {1, 1, 1, 4, 4, 5, 5, 6, 6, 6};

Cluster figure_7(const std::vector<Term>& follower) {
  Cluster cluster({1, 2, 3});
  cluster.start(1, {{7, {}}, log_of(kFigure7Leader)});
  cluster.start(2, {{7, {}}, log_of(follower)});
  cluster.start(3, {{7, {}}, log_of(kFigure7Leader)});
  cluster.network.clear();
  return cluster;
}

std::size_t rejections(const Cluster& cluster) {
  std::size_t count = 0;
  for (const Envelope& envelope : cluster.delivered) {
    count += std::holds_alternative<AppendEntriesRejected>(envelope.message) ? 1 : 0;
  }
  return count;
}

void command(Cluster& cluster, NodeId id, RequestNumber request, std::string_view text) {
  cluster.step(id, CommandSubmitted{request, bytes(text)});
}

}  // namespace

TEST_CASE("replication_figure_7_each_follower_is_repaired_by_the_leader") {
  const std::vector<std::vector<Term>> followers = {
      {1, 1, 1, 4, 4, 5, 5, 6, 6},           // (a)
      {1, 1, 1, 4},                          // (b)
      {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6},     // (c)
      {1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7},  // (d)
      {1, 1, 1, 4, 4, 4, 4},                 // (e)
      {1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3},     // (f)
  };
  for (std::size_t each = 0; each < followers.size(); ++each) {
    CAPTURE(static_cast<char>('a' + each));
    auto cluster = figure_7(followers[each]);
    cluster.elect(1);
    REQUIRE(cluster.leads(1));
    cluster.pass(200);
    auto expected = kFigure7Leader;
    expected.push_back(8);
    REQUIRE(cluster.terms(2) == expected);
    REQUIRE(cluster.state(2).log.last_checksum() == cluster.state(1).log.last_checksum());
    REQUIRE(cluster.state(2).commit_index == 11);
    REQUIRE(cluster.node(2).disk.log.size() == 11);
  }
}

TEST_CASE("replication_figure_7_who_may_lead (5.4.1)") {
  // (c) and (d) are ahead of the leader of the figure and do not vote for it.
  auto cluster = figure_7({1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7});
  cluster.isolate(3);
  cluster.elect(1);
  REQUIRE_FALSE(cluster.leads(1));
}

TEST_CASE("replication_a_far_follower_is_found_in_a_few_round_trips") {
  std::vector<Term> leader;
  std::vector<Term> follower;
  for (Term term = 1; term <= 4; ++term) {
    leader.insert(leader.end(), 500, 2 * term);
    follower.insert(follower.end(), 500, 2 * term - 1);
  }
  Cluster cluster({1, 2, 3});
  cluster.start(1, {{8, {}}, log_of(leader)});
  cluster.start(2, {{7, {}}, log_of(follower)});
  cluster.start(3, {{8, {}}, log_of(leader)});
  cluster.network.clear();
  cluster.elect(1);
  cluster.pass(200);
  REQUIRE(rejections(cluster) <= 6);  // one a term at the most, of 2000 entries
  REQUIRE(cluster.state(2).log.last_checksum() == cluster.state(1).log.last_checksum());
}

TEST_CASE("replication_figure_8_an_entry_of_an_older_term_is_not_committed_by_counting (A1)") {
  // Figure 8 (c): S1 leads term 4 and has brought its entry of term 2 to S2 and S3, a majority.
  Cluster cluster({1, 2, 3, 4, 5});
  cluster.start(1, {{3, {}}, log_of({1, 2})});
  cluster.start(2, {{3, {}}, log_of({1, 2})});
  cluster.start(3, {{3, {}}, log_of({1})});
  cluster.start(4, {{3, {}}, log_of({1})});
  cluster.start(5, {{3, NodeId{5}}, log_of({1, 3})});
  cluster.network.clear();
  cluster.isolate(5);
  cluster.elect(1);
  REQUIRE(cluster.leads(1));
  // With its own entry of term 4 on a majority, all before it is committed: Figure 8 (e).
  REQUIRE(cluster.state(1).commit_index == 3);

  // Without it, nothing is: the same, but the entry of term 4 reaches nobody.
  Cluster other({1, 2, 3, 4, 5});
  other.start(1, {{3, {}}, log_of({1, 2})});
  other.start(2, {{3, {}}, log_of({1, 2})});
  other.network.clear();
  other.node(1).disk_held = true;
  other.step(1, TickElapsed{5000});
  for (const NodeId id : {2, 3}) other.receive(1, id, PreVoteReply{3, 4, true});
  other.release_disk(1);
  for (const NodeId id : {2, 3}) other.receive(1, id, RequestVoteReply{4, true});
  REQUIRE(other.leads(1));
  for (const NodeId id : {2, 3, 4}) other.receive(1, id, AppendEntriesAccepted{4, 2});
  REQUIRE(other.state(1).commit_index == 0);
  for (const NodeId id : {2, 3}) other.receive(1, id, AppendEntriesAccepted{4, 3});
  REQUIRE(other.state(1).commit_index == 3);
}

TEST_CASE("replication_figure_8_d_the_older_entry_may_be_overwritten_then (A1)") {
  Cluster cluster({1, 2, 3, 4, 5});
  cluster.start(1, {{4, NodeId{1}}, log_of({1, 2})});
  cluster.start(2, {{4, NodeId{1}}, log_of({1, 2})});
  cluster.start(3, {{4, NodeId{1}}, log_of({1, 2})});
  cluster.start(4, {{3, {}}, log_of({1})});
  cluster.start(5, {{4, {}}, log_of({1, 3})});
  cluster.network.clear();
  cluster.isolate(1);
  cluster.elect(5);
  REQUIRE(cluster.leads(5));
  cluster.pass(200, {2, 3, 4, 5});
  REQUIRE(cluster.terms(2) == std::vector<Term>{1, 3, 5});
  REQUIRE(cluster.node(2).disk.log.size() == 3);
}

TEST_CASE("replication_the_leader_counts_itself_only_once_its_disk_has_the_entry (A15)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Index before = cluster.state(1).commit_index;
  cluster.isolate(3);
  cluster.node(1).disk_held = true;
  command(cluster, 1, 1, "x");
  cluster.settle();
  REQUIRE(cluster.state(2).log.last_index() == before + 1);
  REQUIRE(cluster.state(1).commit_index == before);
  cluster.release_disk(1);
  REQUIRE(cluster.state(1).commit_index == before + 1);
}

TEST_CASE("replication_a_follower_acknowledges_after_its_sync (A15)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Index before = cluster.state(1).commit_index;
  cluster.isolate(3);
  cluster.node(2).disk_held = true;
  command(cluster, 1, 1, "x");
  cluster.settle();
  REQUIRE(cluster.state(1).commit_index == before);
  cluster.release_disk(2);
  cluster.settle();
  REQUIRE(cluster.state(1).commit_index == before + 1);
}

TEST_CASE("replication_the_leader_never_rewrites_its_own_log (5.3)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  command(cluster, 1, 1, "x");
  cluster.settle();
  const auto before = cluster.terms(1);
  const auto& state = cluster.state(1);
  cluster.receive(1, 2, AppendEntries{state.current_term(), 0, 0, 0, log_of({1, 1})});
  REQUIRE(cluster.leads(1));
  REQUIRE(cluster.terms(1) == before);
}

TEST_CASE("replication_an_old_or_repeated_message_truncates_nothing (5.3)") {
  Cluster cluster({1, 2, 3});
  const auto log = log_of({1, 1, 1});
  cluster.start(2, {{1, {}}, log});
  cluster.receive(2, 1, AppendEntries{1, 0, 0, 0, {log[0]}});
  cluster.receive(2, 1, AppendEntries{1, 1, 1, 0, {}});
  REQUIRE(cluster.terms(2) == std::vector<Term>{1, 1, 1});
}

TEST_CASE("replication_a_heartbeat_truncates_nothing") {
  Cluster cluster({1, 2, 3});
  cluster.start(2, {{1, {}}, log_of({1, 1, 1})});
  cluster.receive(2, 1, Heartbeat{2, 0, 0});
  REQUIRE(cluster.terms(2) == std::vector<Term>{1, 1, 1});
}

TEST_CASE("replication_a_follower_commits_only_what_a_message_has_matched (A22)") {
  Cluster cluster({1, 2, 3});
  const auto log = log_of({1, 1, 1});
  cluster.start(2, {{1, {}}, log});
  // The leader of term 2 has committed 3, but of this log only entry 1 is known to match.
  cluster.receive(2, 1, AppendEntries{2, 1, 1, 3, {}});
  REQUIRE(cluster.state(2).commit_index == 1);
}

TEST_CASE("replication_entries_that_do_not_follow_are_refused (A21)") {
  Cluster cluster({1, 2, 3});
  cluster.start(2, {{1, {}}, log_of({1})});
  const auto other = log_of({2, 2, 2});  // another chain
  cluster.receive(2, 1, AppendEntries{2, 1, 1, 0, {other[1]}});
  REQUIRE(cluster.terms(2) == std::vector<Term>{1});
  REQUIRE(cluster.node(2).traces.back().level == TraceLevel::kWarning);
}

TEST_CASE("replication_a_committed_entry_is_never_truncated") {
  Cluster cluster({1, 2, 3});
  const auto log = log_of({1, 1});
  cluster.start(2, {{1, {}}, log});
  cluster.receive(2, 1, AppendEntries{1, 2, 1, 2, {}});
  REQUIRE(cluster.state(2).commit_index == 2);
  cluster.receive(2, 3, AppendEntries{3, 0, 0, 0, log_of({3})});
  REQUIRE(cluster.terms(2) == std::vector<Term>{1, 1});
}

TEST_CASE("replication_a_follower_tells_a_stale_leader_its_term") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const Term term = cluster.state(1).current_term();
  cluster.start(2, {{term + 3, {}}, cluster.node(2).disk.log});
  cluster.network.clear();
  cluster.receive(2, 1, Heartbeat{term, 0, 0});
  cluster.settle();
  REQUIRE_FALSE(cluster.leads(1));
  REQUIRE(cluster.state(1).current_term() == term + 3);
}

TEST_CASE("replication_a_lost_message_is_found_and_sent_again") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  command(cluster, 1, 1, "lost");
  cluster.network.clear();
  cluster.pass(500);
  REQUIRE(cluster.state(2).commit_index == cluster.state(1).log.last_index());
  REQUIRE(cluster.state(3).commit_index == cluster.state(1).log.last_index());
}

TEST_CASE("replication_a_lost_acknowledgement_is_made_up_for") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  cluster.cut(2, 1);
  cluster.cut(3, 1);
  command(cluster, 1, 1, "x");
  cluster.settle();
  const Index last = cluster.state(1).log.last_index();
  REQUIRE(cluster.state(2).log.last_index() == last);
  REQUIRE(cluster.state(1).commit_index < last);
  cluster.heal();
  cluster.pass(300);
  REQUIRE(cluster.state(1).commit_index == last);
}

TEST_CASE("replication_overtaken_messages_end_in_the_same_log") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  for (RequestNumber request = 1; request <= 5; ++request) command(cluster, 1, request, "x");
  std::reverse(cluster.network.begin(), cluster.network.end());
  cluster.settle();
  cluster.pass(500);
  for (const NodeId id : {2, 3}) {
    REQUIRE(cluster.state(id).log.last_checksum() == cluster.state(1).log.last_checksum());
    REQUIRE(cluster.state(id).commit_index == cluster.state(1).log.last_index());
  }
}

TEST_CASE("replication_windows_return_to_zero_when_idle (A30)") {
  Cluster cluster({1, 2, 3}, [](Options& options) {
    options.window_messages = 2;
    options.max_append_bytes = 100;
  });
  cluster.elect(1);
  for (RequestNumber request = 1; request <= 50; ++request) command(cluster, 1, request, "xxxx");
  cluster.network.clear();  // all of it is lost
  cluster.pass(3000);
  const auto status = cluster.server(1).status();
  REQUIRE(status.commit_index == status.last_index);
  for (const auto& [name, value] : status.counters) {
    if (name != "log_memory_bytes") {
      CAPTURE(name);
      REQUIRE(value == 0);
    }
  }
}

TEST_CASE("replication_the_window_bounds_what_is_in_flight") {
  Cluster cluster({1, 2, 3}, [](Options& options) {
    options.window_messages = 3;
    options.max_append_bytes = 1;
  });
  cluster.elect(1);
  cluster.network.clear();
  for (RequestNumber request = 1; request <= 20; ++request) command(cluster, 1, request, "x");
  std::size_t to_node_2 = 0;
  for (const Envelope& envelope : cluster.network) to_node_2 += envelope.to == 2 ? 1 : 0;
  REQUIRE(to_node_2 == 3);
}

TEST_CASE("replication_a_follower_that_is_gone_slows_nobody_and_fills_nothing") {
  Cluster cluster({1, 2, 3}, [](Options& options) {
    options.window_bytes = 1000;
    options.max_append_bytes = 100;
    options.log_memory_bytes = 500;
  });
  cluster.elect(1);
  cluster.isolate(3);
  const Index match = cluster.state(1).as<LeaderState>()->peers.at(3).match_index();
  for (RequestNumber request = 1; request <= 300; ++request) {
    command(cluster, 1, request, "some bytes");
    cluster.settle();
    const State& leader = cluster.state(1);
    REQUIRE(leader.commit_index == leader.log.last_index());
    const Progress& gone = leader.as<LeaderState>()->peers.at(3);
    REQUIRE(gone.match_index() == match);
    REQUIRE(gone.bytes_in_flight() <= 1000 + 100);
    REQUIRE(leader.log.memory_bytes() <= 500);
  }
}

TEST_CASE("replication_old_entries_are_fetched_from_the_own_disk") {
  Cluster cluster({1, 2, 3}, [](Options& options) { options.log_memory_bytes = 200; });
  cluster.elect(1);
  cluster.isolate(3);
  for (RequestNumber request = 1; request <= 100; ++request) {
    command(cluster, 1, request, "some bytes");
    cluster.settle();
  }
  REQUIRE(cluster.state(1).log.memory_bytes() <= 200);
  cluster.heal();
  cluster.pass(2000);
  REQUIRE(cluster.state(3).commit_index == cluster.state(1).log.last_index());
  REQUIRE(cluster.node(3).applied.size() == cluster.node(1).applied.size());
}

TEST_CASE("replication_after_a_restart_everything_committed_is_applied_again") {
  Cluster cluster({1}, [](Options& options) { options.log_memory_bytes = 100; });
  cluster.pass(2000);
  for (RequestNumber request = 1; request <= 30; ++request) command(cluster, 1, request, "x");
  const auto applied = cluster.node(1).applied.size();
  REQUIRE(applied == 31);  // and the no-op
  cluster.crash_and_restart(1);
  cluster.pass(2000);
  REQUIRE(cluster.node(1).applied.size() == applied + 1);
}

TEST_CASE("replication_nothing_is_applied_that_the_own_disk_may_still_lose (A26)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  const NodeId slow = GENERATE(1, 2);  // the leader, a follower
  const auto applied = cluster.node(slow).applied.size();
  cluster.node(slow).disk_held = true;
  command(cluster, 1, 1, "x");
  cluster.settle();
  const Index committed = cluster.state(1).log.last_index();
  command(cluster, 1, 2, "y");  // brings the news
  cluster.settle();
  REQUIRE(cluster.state(slow).commit_index >= committed);
  REQUIRE(cluster.node(slow).applied.size() == applied);
  cluster.release_disk(slow);
  cluster.settle();
  REQUIRE(cluster.node(slow).applied.size() == applied + 2);
}

TEST_CASE("replication_rounds_of_reads_do_not_make_a_slow_disk_look_like_a_loss") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  for (const NodeId id : {2, 3}) cluster.node(id).disk_held = true;
  command(cluster, 1, 1, "x");
  cluster.settle();
  cluster.delivered.clear();
  for (RequestNumber request = 2; request <= 20; ++request) {
    cluster.step(1, ReadRequested{request});
    cluster.settle();
  }
  REQUIRE(cluster.node(1).served_reads.size() == 19);
  for (const Envelope& each : cluster.delivered) {
    REQUIRE_FALSE(std::holds_alternative<AppendEntries>(each.message));
  }
}

TEST_CASE("replication_a_follower_that_lost_its_log_is_asked_at_the_pace_of_heartbeats (A28)") {
  Cluster cluster({1, 2, 3});
  cluster.elect(1);
  command(cluster, 1, 1, "x");
  cluster.settle();
  cluster.start(2, {});  // an empty disk under the old name
  command(cluster, 1, 2, "y");
  cluster.delivered.clear();
  cluster.pass(1000);
  REQUIRE(cluster.delivered.size() < 200);
  const auto& traces = cluster.node(1).traces;
  REQUIRE(std::count_if(traces.begin(), traces.end(), [](const Trace& trace) {
            return trace.level == TraceLevel::kWarning;
          }) == 1);
}
