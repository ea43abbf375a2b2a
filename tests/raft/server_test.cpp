// What the simulation has found in the core, each by the shortest way there.
#include "raft/server.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "cluster.h"

namespace {

raft::Options options_of_three(raft::NodeId id) {
  raft::Options options;
  options.self = raft::member_of(id);
  options.first_members = {raft::member_of(1), raft::member_of(2), raft::member_of(3)};
  return options;
}

std::vector<raft::Entry> commands(raft::Index first, raft::Index last, raft::Term term) {
  raft::EntryBlockBuilder block(0);
  for (raft::Index index = first; index <= last; ++index) {
    block.add(index, term, raft::EntryKind::kCommand, base::SharedBytes::copy_of("x"));
  }
  return block.finish();
}

// Node 2, following node 1 in term 1, with an empty log and everything on disk.
raft::Server follower() {
  raft::Server server(options_of_three(2), {});
  server.step(raft::TickElapsed{1});
  server.step(raft::MessageReceived{{1, 1001}, raft::Heartbeat{1, 0, 0}});
  const raft::Effects effects = server.take_effects();
  server.step(raft::Persisted{effects.persist->number});
  (void)server.take_effects();
  return server;
}

// Node 2 hears nobody, stands, and is elected by node 3.
raft::Effects elect(raft::Server& server) {
  server.step(raft::TickElapsed{10'000});
  const raft::Term term = server.status().term + 1;
  server.step(raft::MessageReceived{{3, 1003}, raft::PreVoteReply{term - 1, term, true}});
  const raft::Effects standing = server.take_effects();
  server.step(raft::Persisted{standing.persist->number});
  server.step(raft::MessageReceived{{3, 1003}, raft::RequestVoteReply{term, true}});
  REQUIRE(server.status().role == raft::Role::kLeader);
  return server.take_effects();
}

}  // namespace

TEST_CASE("server_log_is_compacted_to_a_snapshot_older_than_the_process (A19)") {
  raft::Options options = options_of_three(2);
  options.trailing_entries = 2;
  raft::Restored restored = raft::restored_from(commands(1, 10, 1), {1, std::nullopt});
  restored.applied_index = 9;
  const auto& last = restored.recent[7];
  restored.snapshot = raft::SnapshotHead{{8, 1, last.checksum(), last.time_ms()},
                                         {options.first_members, {1, 2, 3}, {}, {}, {}},
                                         0,
                                         0};
  raft::Server server(options, std::move(restored));
  server.step(raft::TickElapsed{1});
  const raft::Effects effects = server.take_effects();
  REQUIRE(effects.persist);
  REQUIRE(effects.persist->compact_to == raft::Index{6});
  REQUIRE(server.status().first_index == 7);
}

TEST_CASE("leader_sends_the_table_of_a_snapshot_and_then_what_is_wanted (A23)") {
  raft::Options options = options_of_three(2);
  options.trailing_entries = 2;
  options.max_append_bytes = 300;
  raft::Restored restored = raft::restored_from(commands(1, 10, 1), {1, std::nullopt});
  restored.applied_index = 9;
  const auto& last = restored.recent[7];
  restored.snapshot = raft::SnapshotHead{{8, 1, last.checksum(), last.time_ms()},
                                         {options.first_members, {1, 2, 3}, {}, {}, {}},
                                         1000,
                                         7,
                                         20};
  const raft::SnapshotHead head = *restored.snapshot;
  raft::Server server(options, std::move(restored));
  server.step(raft::TickElapsed{1});
  (void)server.take_effects();
  (void)elect(server);
  const raft::Peer follower{1, 1001};
  server.step(raft::MessageReceived{follower, raft::AppendEntriesRejected{2, 10, 0, 0}});
  const auto part = [&](const raft::SnapshotDemand& demand) {
    server.step(raft::MessageReceived{follower, raft::InstallSnapshotReply{2, 8, demand}});
    const raft::Effects effects = server.take_effects();
    REQUIRE(effects.chunk_fetches.size() == 1);
    const auto& fetch = effects.chunk_fetches.front();
    return std::pair{fetch.offset, fetch.max_bytes};
  };
  const raft::Effects first = server.take_effects();
  REQUIRE(first.chunk_fetches.size() == 1);
  REQUIRE(first.chunk_fetches.front().max_bytes == 300);
  REQUIRE(part({300, 180, 0}) == std::pair{std::uint64_t{300}, std::size_t{180}});
  REQUIRE(part({600, 100, 500}) == std::pair{std::uint64_t{600}, std::size_t{100}});
  REQUIRE(part({1200, 280, 500}) == std::pair{std::uint64_t{1200}, std::size_t{280}});
  REQUIRE(part({1480, 0, 500}) == std::pair{std::uint64_t{1480}, std::size_t{0}});
  REQUIRE(part({1480, 0, 200}) == std::pair{std::uint64_t{1480}, std::size_t{0}});
  // What it asks for is at the end of the snapshot, and no sign that it is gone.
  server.step(raft::SnapshotChunkFetched{1, head, 1480, {}});
  const raft::Effects effects = server.take_effects();
  REQUIRE(std::any_of(effects.sends.begin(), effects.sends.end(), [](const auto& send) {
    return std::holds_alternative<raft::InstallSnapshot>(send.message);
  }));
}

TEST_CASE("waiting_write_that_expired_is_forgotten") {  // A30
  raft::Server server = follower();
  server.step(raft::CommandSubmitted{7, base::SharedBytes::copy_of("x")});
  (void)server.take_effects();
  server.step(raft::MessageReceived{{1, 1001}, raft::ForwardCommandsReply{1, {{7, 5}}, {}, {}}});
  server.step(raft::RequestExpired{7});
  (void)server.take_effects();
  REQUIRE(server.status().counters.at("waiting_writes") == 0);
}

TEST_CASE("lost_follower_is_probed_at_the_end_of_the_log") {
  raft::Restored restored;
  restored.hard_state.current_term = 1;
  restored.recent = commands(1, 5, 1);
  restored.term_runs = {{1, 1}};
  restored.last_index = 5;
  raft::Server server(options_of_three(2), restored);
  server.step(raft::TickElapsed{1});
  (void)elect(server);
  // Node 3 answers, node 1 does not, until it counts as lost.
  for (raft::Milliseconds now = 10'000; now < 11'000; now += 100) {
    server.step(raft::MessageReceived{{3, 1003}, raft::HeartbeatReply{2, 0, 5}});
    server.step(raft::TickElapsed{now});
    (void)server.take_effects();
  }
  REQUIRE_FALSE(server.status().peers.front().reachable);

  server.step(raft::MessageReceived{{1, 1001}, raft::HeartbeatReply{2, 0, 4}});
  server.step(raft::TickElapsed{11'000});
  const raft::Effects effects = server.take_effects();
  const auto probe = std::find_if(effects.sends.begin(), effects.sends.end(), [](const auto& send) {
    return send.to.id == 1 && std::holds_alternative<raft::AppendEntries>(send.message);
  });
  REQUIRE(probe != effects.sends.end());
  REQUIRE(std::get<raft::AppendEntries>(probe->message).prev_log_index == 5);
}
