// Roles: the arrows of Figure 4, with PreCandidate between Follower and Candidate (dissertation
// §9.6). Every change of role or term goes through these functions, and illegal ones abort.
//
//   Follower -> PreCandidate -> Candidate -> Leader; each of the last three -> Follower;
//   Candidate -> PreCandidate when an election found no winner;
//   Follower -> Candidate where the leader itself asks for it (§3.10).
#pragma once

#include "raft/state.h"

namespace raft {

// `term` is at least current_term; a higher one clears the vote (A7). `leader`: of that term.
void become_follower(State& state, Term term, std::optional<Peer> leader);
void become_pre_candidate(State& state);
void become_candidate(State& state);
void become_leader(State& state);

// A message of the leader of this term arrived: follow it, and wait anew before standing.
// False where it cannot be: this node leads the term itself.
[[nodiscard]] bool follow(State& state, const Peer& leader);

// A new random moment, [1, 2) election timeouts from now (§5.2); half a timeout later where another
// voter is preferred.
[[nodiscard]] Milliseconds next_election_deadline(State& state);

}  // namespace raft
