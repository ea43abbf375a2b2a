// Elections: §5.2 and §5.4.1, with PreVote and votes withheld while a leader is heard
// (dissertation §9.6 and §4.2.3), so that a cut-off node disturbs nobody when it returns (A6).
#pragma once

#include "raft/state.h"

namespace raft {

// The clock passed the deadline of a follower, pre-candidate or candidate. Who is no voter does not stand.
void check_election_deadline(State& state);

void on_pre_vote_request(State& state, const Peer& from, const PreVoteRequest& request);
void on_pre_vote_reply(State& state, const Peer& from, const PreVoteReply& reply);
void on_request_vote(State& state, const Peer& from, const RequestVote& request);
void on_request_vote_reply(State& state, const Peer& from, const RequestVoteReply& reply);
// §3.10: the leader wants this node to lead.
void on_timeout_now(State& state, const Peer& from, const TimeoutNow& message);

// The candidate's vote for itself counts from the moment it is on disk.
void count_own_vote(State& state);

// §5.4.1: the candidate's log is at least as up-to-date as this node's.
[[nodiscard]] bool is_up_to_date(const Log& log, Index last_log_index, Term last_log_term);

// Whether a leader was heard within the minimum election timeout, or is this node. Where reads have
// a lease, one may have been heard just before the start.
[[nodiscard]] bool hears_leader(const State& state);

}  // namespace raft
