// Repair: a node whose stored log was damaged and cut (Restored::doubt) takes part in everything
// but elections, until its log holds again all that it ever acknowledged. After Alagappan et al.,
// "Protocol-Aware Recovery for Consensus-Based Storage", FAST 2018, section 3.4.
//
// Why abstaining is enough. Let e be committed with the acknowledgement of N, which then lost it. A
// majority that elects without N's vote shares with the one that committed e a node other than N,
// and that one has e. A vote that N gave before was given with e in its log. So who leads has e.
// The same holds for reads, which a majority confirms, and in a joint configuration for each half.
//
// When it is over. Let T be N's term at its start: what N lost it had acknowledged in terms up to
// T. Let M be the last index of a leader of a term T' >= T, as of any moment after the start. What
// N lost and is committed, or will be because a leader still counts N's old acknowledgement, is in
// that leader's log: where T' is the term of the acknowledgement, as it was sent from that log
// before N's start; in later terms by the above. So it is at or below M, and once N's log is
// committed and on disk up to M, N holds it. It does not matter whether that leader still leads.
// The commit index alone would not do: it may be behind what is counted yet.
//
// What is left of the log behind the first lost entry may be of another history than what was
// acknowledged, as where a leader's snapshot was, and the log had not begun anew behind it yet. So
// until a leader has shown that it has the same, it is neither committed by a mere index nor
// reported as held.
#pragma once

#include "raft/state.h"

namespace raft {

// At the node in doubt. The clock ticked: the leader is asked how far its log reaches, again and
// again, as any answer may be lost, and a leader that goes may take the end of its log with it.
void ask_for_repair(State& state);
void on_repair_reply(State& state, const Peer& from, const RepairReply& reply);
// A message of the leader shows that the logs are equal up to `matched`.
void prove_log(State& state, Index matched);
// Up to here the log is known to be what a leader counts on: all of it, where there is no doubt.
[[nodiscard]] Index proven_index(const State& state);
// End of a turn: whether the log is whole again. The order that says so to the disk is handed out
// with the turn.
void settle_doubt(State& state);
// Orders up to `number` are on disk.
void end_doubt_if_settled(State& state, std::uint64_t number);

// At the leader.
void on_repair_request(State& state, const Peer& from, const RepairRequest& request);
// Whether this member said so lately: it would not stand if it was asked to.
[[nodiscard]] bool is_in_doubt(const State& state, const Progress& progress);

}  // namespace raft
