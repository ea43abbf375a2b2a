// Replication: §5.3 and §5.4.2. How the leader feeds its followers, what a follower accepts, and
// when an entry is committed.
#pragma once

#include "raft/state.h"

namespace raft {

// The leader's side.
// §8: a new leader commits something of its own at once: a no-operation, or, where the log names no
// configuration yet, the first one.
void append_first_of_term(State& state);
void append_as_leader(State& state, std::vector<Entry> entries);
// One entry, by itself.
void append_as_leader(State& state, EntryKind kind, base::SharedBytes payload);
// The log's time now: what leaders have measured so far, and this one since it leads.
[[nodiscard]] Milliseconds log_time_ms(const State& state);
// Each other member is fed, and none else but who departs.
void follow_members(State& state);
void on_append_entries_accepted(State& state, const Peer& from,
                                const AppendEntriesAccepted& message);
void on_append_entries_rejected(State& state, const Peer& from,
                                const AppendEntriesRejected& message);
void on_heartbeat_reply(State& state, const Peer& from, const HeartbeatReply& reply);
void on_entries_fetched_for_peer(State& state, NodeId peer, std::vector<Entry> entries);
void send_heartbeats(State& state);
// The clock ticked: heartbeats when due; step down where no majority answers; peers lost.
void lead(State& state);
// End of a turn: each follower gets what its window allows.
void replicate(State& state);
// §5.4.2: what a majority has on disk is committed, counted by entries of this term only (A1).
void advance_commit_index(State& state);

// The follower's side.
void on_append_entries(State& state, const Peer& from, AppendEntries message);
void on_heartbeat(State& state, const Peer& from, const Heartbeat& message);
void on_commit_advanced(State& state, const Peer& from, const CommitAdvanced& message);

}  // namespace raft
