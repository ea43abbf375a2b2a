// Reads that are current: ReadIndex (dissertation §6.4). The leader notes its commit index, lets
// a round of heartbeats confirm that it still leads, and only then lets the read be answered at
// that index. One round confirms all reads that wait. Each round has its own number, which the
// answers echo, so that a late answer confirms nothing younger (A11). No clock is trusted (A12).
#pragma once

#include "raft/state.h"

namespace raft {

// A client of this node asks for a read.
void on_read_requested(State& state, RequestNumber request);
// A follower asks on behalf of its clients.
void on_read_index_request(State& state, const Peer& from, const ReadIndexRequest& request);

// Where reads have a lease, each heartbeat begins a round: when a majority has answered it, the
// lease counts from the moment it was sent. It ends for good where a node was asked to stand, since
// that election does not wait for followers to miss this leader.
void begin_lease_round(State& state);

// Whether this node leads and may at `now` answer reads without asking: nobody else leads then.
[[nodiscard]] bool has_lease(const State& state, Milliseconds now);

// A follower answered a heartbeat, or fewer have to: perhaps the round is confirmed.
void confirm_read_round(State& state);
// End of a turn: reads that wait begin the next round, once one was committed in this term (A10).
void start_read_round(State& state);
// End of a turn: reads whose index has been handed to the state machine are answered.
void serve_indexed_reads(State& state);

// This node stops leading: nobody can confirm these reads.
void refuse_pending_reads(State& state, const LeaderState& leader);
// Nobody waits for the requests `expired`, which are sorted, any more.
void forget_pending_reads(LeaderState& leader, const std::vector<RequestNumber>& expired);

}  // namespace raft
