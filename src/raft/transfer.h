// Leadership handed over on purpose (dissertation §3.10): the leader holds new commands, waits
// until the target has its whole log, and asks it to stand at once. Given up after an election
// timeout. Also where it comes from: a client's wish, a voter of higher priority, a disk that
// hangs.
#pragma once

#include "raft/state.h"

namespace raft {

void on_transfer_requested(State& state, const TransferRequested& event);
void on_forward_transfer(State& state, const Peer& from, const ForwardTransfer& message);
void on_forward_transfer_reply(State& state, const ForwardTransferReply& reply);

// End of a turn: asks the target to stand once it has everything; leaves where the cluster goes on
// without this node.
void continue_transfer(State& state);

// The clock ticked, at a leader.
// Its own disk has not finished for too long: another one leads better, or nobody.
void leave_slow_disk(State& state);
// Its own disk has no room, and that of another voter has.
void leave_full_disk(State& state);
// A voter of higher priority is well: it leads from now on. Looked for now and then, after some
// time in office, so that a failed attempt disturbs nobody.
void prefer_other_leader(State& state);

// No other voter of the configuration has a higher priority.
[[nodiscard]] bool is_preferred(const State& state);

// This node leads, or learned who does: transfers that clients wait for are done or failed.
void on_leader_known(State& state);
// Nobody waits for the requests `expired`, which are sorted, any more.
void forget_transfers(State& state, const std::vector<RequestNumber>& expired);

}  // namespace raft
