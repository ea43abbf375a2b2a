#include "raft/election.h"

#include "raft/departures.h"
#include "raft/roles.h"

namespace raft {
namespace {

void stand(State& state, bool transfer) {
  become_candidate(state);
  state.trace(TraceLevel::kInformation,
              fmt::format("stands for election in term {}", state.current_term()));
  state.send_to_voters(
      RequestVote{state.current_term(), state.log.last_index(), state.log.last_term(), transfer});
}

void win_pre_vote_if_granted(State& state) {
  auto* pre_candidate = state.as<PreCandidateState>();
  if (pre_candidate == nullptr || !state.quorum.is_majority(pre_candidate->granted)) return;
  stand(state, false);
}

void win_election_if_elected(State& state) {
  const auto* candidate = state.as<CandidateState>();
  if (candidate != nullptr && state.quorum.is_majority(candidate->granted)) become_leader(state);
}

void start_pre_vote(State& state) {
  become_pre_candidate(state);
  state.trace(
      TraceLevel::kInformation,
      fmt::format("hears no leader, asks for pre-votes for term {}", state.current_term() + 1));
  state.send_to_voters(PreVoteRequest{state.current_term(), state.current_term() + 1,
                                      state.log.last_index(), state.log.last_term()});
  win_pre_vote_if_granted(state);
}

// Before it knows the others, and they know it, or a log names it, this directory may be the second
// one of its id, and the first one may have voted (A28).
bool is_admitted(const State& state) {
  return state.configurations.index() > 0 ||
         state.is_member({state.id(), state.options.self.identity});
}

// A log that lacks what was acknowledged would take a shorter one for up to date (repair.h).
bool may_vote(const State& state) { return is_admitted(state) && !state.doubt; }

}  // namespace

bool is_up_to_date(const Log& log, Index last_log_index, Term last_log_term) {
  if (last_log_term != log.last_term()) return last_log_term > log.last_term();
  return last_log_index >= log.last_index();
}

bool hears_leader(const State& state) {
  if (state.role() == Role::kLeader) return true;
  // Before its start this node may have heard a leader whose lease counts on that.
  const bool lease = state.options.read_lease_drift_percent > 0;
  const bool young =
      !state.clock_started || state.now - state.started_at < state.options.election_timeout_ms;
  if (lease && young) return true;
  const auto* follower = state.as<FollowerState>();
  return follower != nullptr && follower->leader && follower->heard_at &&
         state.now - *follower->heard_at < state.options.election_timeout_ms;
}

void check_election_deadline(State& state) {
  const Milliseconds deadline = std::visit(
      [](const auto& role) -> Milliseconds {
        if constexpr (requires { role.election_deadline; }) {
          return role.election_deadline;
        } else {
          return ~Milliseconds{0};
        }
      },
      state.role_state);
  if (state.now < deadline) return;
  if (state.may_stand()) {
    start_pre_vote(state);
  } else {
    become_follower(state, state.current_term(), std::nullopt);  // it waits for a leader
  }
}

void on_pre_vote_request(State& state, const Peer& from, const PreVoteRequest& request) {
  // The sender's term is not taken on: asking costs nothing and must change nothing (A7).
  const bool granted = may_vote(state) && request.proposed_term > state.current_term() &&
                       !hears_leader(state) &&
                       is_up_to_date(state.log, request.last_log_index, request.last_log_term);
  state.send(from, PreVoteReply{state.current_term(), request.proposed_term, granted});
  note_stranger(state, from, request.term);
}

void on_pre_vote_reply(State& state, const Peer& from, const PreVoteReply& reply) {
  auto* pre_candidate = state.as<PreCandidateState>();
  if (pre_candidate == nullptr || reply.proposed_term != state.current_term() + 1) return;
  if (!reply.vote_granted) return;
  pre_candidate->granted.insert(from.id);
  win_pre_vote_if_granted(state);
}

void on_request_vote(State& state, const Peer& from, const RequestVote& request) {
  // A node answers whether or not it thinks itself a voter: who stands counts by its own
  // configuration, and a promoted learner may not know of its promotion yet (A4). Only a request of
  // the current term gets here with a chance: a higher one was taken on before.
  const bool free_to_vote = !state.hard_state.voted_for || state.hard_state.voted_for == from.id;
  const bool granted = may_vote(state) && request.term == state.current_term() && free_to_vote &&
                       is_up_to_date(state.log, request.last_log_index, request.last_log_term);
  if (!granted) {
    state.send(from, RequestVoteReply{state.current_term(), false});
    return;
  }
  if (state.role() == Role::kPreCandidate) {
    become_follower(state, state.current_term(), std::nullopt);
  }
  if (!state.hard_state.voted_for) {
    state.hard_state.voted_for = from.id;
    state.output.hard_state_changed = true;
  }
  state.as<FollowerState>()->election_deadline = next_election_deadline(state);
  state.promise(from, RequestVoteReply{state.current_term(), true});
}

void on_request_vote_reply(State& state, const Peer& from, const RequestVoteReply& reply) {
  auto* candidate = state.as<CandidateState>();
  if (candidate == nullptr || reply.term != state.current_term() || !reply.vote_granted) return;
  candidate->granted.insert(from.id);
  win_election_if_elected(state);
}

void on_timeout_now(State& state, const Peer& from, const TimeoutNow& message) {
  if (message.term != state.current_term() || state.leader() != from.id) return;
  if (state.role() == Role::kFollower && state.may_stand()) stand(state, true);
}

void count_own_vote(State& state) {
  auto* candidate = state.as<CandidateState>();
  if (candidate == nullptr || !state.hard_state_durable()) return;
  candidate->granted.insert(state.id());
  win_election_if_elected(state);
}

}  // namespace raft
