// Proposals: commands on their way into the leader's log, and the clients that wait for them.
#pragma once

#include "raft/state.h"

namespace raft {

// A client of this node submitted a command: the leader takes it, a follower passes it on.
void on_command_submitted(State& state, CommandSubmitted event);
// A follower passed commands on.
void on_forward_commands(State& state, const Peer& from, ForwardCommands message);

// End of a turn: the commands taken become entries, encoded in one block, and the followers that
// passed some on learn their indices.
void append_pending_commands(State& state);

// The next leader is about to stand: what other nodes passed on and is still held goes back to them,
// as not taken, while they still listen to this term. Later they could not tell (A13).
void pass_back(State& state, LeaderState& leader);
// This node stops leading: what its clients asked goes to the next leader, or is refused; what
// other nodes passed on goes back to them.
void release_pending_commands(State& state, LeaderState& leader);

// The entries from `index` on are replaced, or never came: who waits for one of them cannot know
// its outcome.
void give_up_waiting_writes(State& state, Index index);
// Nobody waits for the requests `expired`, which are sorted, any more.
void forget_waiting_writes(State& state, const std::vector<RequestNumber>& expired);
void forget_pending_commands(LeaderState& leader, const std::vector<RequestNumber>& expired);

}  // namespace raft
