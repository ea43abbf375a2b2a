// Forwarding: what a node that does not lead asks of the leader for its own clients. One hop at
// most: the leader of the very term named in the message takes it, or nobody (A32).
#pragma once

#include "raft/state.h"

namespace raft {

void forward_command(State& state, RequestNumber request, base::SharedBytes command);
void forward_read(State& state, RequestNumber request);

void on_forward_commands_reply(State& state, const ForwardCommandsReply& reply);
void on_forward_commands_refused(State& state, const ForwardCommandsRefused& message);
void on_read_index_reply(State& state, const ReadIndexReply& reply);

// End of a turn: what its requests ask of the leader, in one message of each kind.
void send_forwarded(State& state);
// Start of the end of a turn: commands that this node took as leader and never appended, or that a
// leader passed back as it hands leadership over, go to the new one, wherever it is.
void route_released(State& state);
// The clock ticked: asks again where the answer about reads seems lost.
void repeat_asked_reads(State& state);
// The leader that was asked leads no more: reads may be asked anew, writes may have been taken.
void give_up_forwarded(State& state);
// Nobody waits for the requests `expired`, which are sorted, any more.
void forget_forwarded(State& state, const std::vector<RequestNumber>& expired);

}  // namespace raft
