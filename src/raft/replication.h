// Replication: §5.3 and §5.4.2. How the leader feeds its followers, what a follower accepts, and
// when an entry is committed.
#pragma once

#include "raft/state.h"

namespace raft {

// The leader's side.
void append_no_operation(State& state);  // §8: a new leader commits something of its own at once
void append_as_leader(State& state, std::vector<Entry> entries);
void on_append_entries_accepted(State& state, NodeId from, const AppendEntriesAccepted& message);
void on_append_entries_rejected(State& state, NodeId from, const AppendEntriesRejected& message);
void on_heartbeat_reply(State& state, NodeId from, const HeartbeatReply& reply);
void on_entries_fetched_for_peer(State& state, NodeId peer, std::vector<Entry> entries);
void send_heartbeats(State& state);
// The clock ticked: heartbeats when due; step down where no majority answers; peers lost.
void lead(State& state);
// End of a turn: each follower gets what its window allows.
void replicate(State& state);
// §5.4.2: what a majority has on disk is committed, counted by entries of this term only (A1).
void advance_commit_index(State& state);

// The follower's side.
void on_append_entries(State& state, NodeId from, AppendEntries message);
void on_heartbeat(State& state, NodeId from, const Heartbeat& message);

}  // namespace raft
