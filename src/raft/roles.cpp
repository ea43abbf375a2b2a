#include "raft/roles.h"

#include "base/check.h"
#include "raft/election.h"
#include "raft/forwarding.h"
#include "raft/membership.h"
#include "raft/proposals.h"
#include "raft/reads.h"
#include "raft/replication.h"
#include "raft/transfer.h"

namespace raft {
namespace {

bool legal(Role from, Role to) {
  switch (to) {
    case Role::kFollower:
      return true;
    case Role::kPreCandidate:
      return from != Role::kLeader;
    case Role::kCandidate:
      return from == Role::kPreCandidate || from == Role::kFollower;
    case Role::kLeader:
      return from == Role::kCandidate;
    case Role::kLearner:
      break;  // no role of its own: a follower without a vote
  }
  return false;
}

void change_role(State& state, RoleState to) {
  const auto role = static_cast<Role>(to.index());
  CHECK(legal(state.role(), role), "node {} term {}: {} becomes {}", state.id(),
        state.current_term(), role_name(state.role()), role_name(role));
  state.role_state = std::move(to);
}

// What this node asked of the leader it no longer follows, or took as the leader it no longer is.
void give_up_leader(State& state) {
  if (auto* leader = state.as<LeaderState>()) {
    release_pending_commands(state, *leader);
    refuse_pending_changes(state, *leader);
    refuse_pending_reads(state, *leader);
  }
  give_up_forwarded(state);
}

}  // namespace

Milliseconds next_election_deadline(State& state) {
  const Milliseconds timeout = state.options.election_timeout_ms;
  const bool is_first = is_preferred(state) && state.disk_space == DiskSpace::kEnough;
  const Milliseconds patience = is_first ? 0 : timeout / 2;
  return state.now + patience + state.random.between(timeout, 2 * timeout - 1);
}

void become_follower(State& state, Term term, std::optional<Peer> leader) {
  CHECK(term >= state.current_term(), "node {}: term falls from {} to {}", state.id(),
        state.current_term(), term);
  const auto leader_id = leader ? std::optional(leader->id) : std::nullopt;
  if (state.leader() != leader_id || term > state.current_term()) give_up_leader(state);
  if (term > state.current_term()) {
    state.hard_state = {term, std::nullopt};
    state.output.hard_state_changed = true;
  }
  const auto deadline = next_election_deadline(state);
  const auto heard_at = leader ? std::optional(state.now) : std::nullopt;
  change_role(state, FollowerState{leader, heard_at, leader.has_value(), deadline});
}

bool follow(State& state, const Peer& leader) {
  if (state.role() == Role::kLeader) {
    state.trace(TraceLevel::kWarning,
                fmt::format("node {} claims to lead term {}, which this node leads: ignored",
                            leader.id, state.current_term()));
    return false;
  }
  auto* follower = state.as<FollowerState>();
  if (follower == nullptr || follower->leader != leader) {
    become_follower(state, state.current_term(), leader);
    state.trace(TraceLevel::kInformation,
                fmt::format("follows node {} in term {}", leader.id, state.current_term()));
    on_leader_known(state);
  } else {
    follower->heard_at = state.now;
    follower->heard_since_tick = true;
    follower->election_deadline = next_election_deadline(state);
  }
  return true;
}

void become_pre_candidate(State& state) {
  give_up_leader(state);
  const auto deadline = next_election_deadline(state);
  change_role(state, PreCandidateState{{state.id()}, deadline});
}

void become_candidate(State& state) {
  if (state.role() == Role::kFollower) give_up_leader(state);
  state.hard_state = {state.current_term() + 1, state.id()};
  state.output.hard_state_changed = true;
  const auto deadline = next_election_deadline(state);
  change_role(state, CandidateState{{}, deadline});
}

void become_leader(State& state) {
  // Indices that this log does not have will be of this term, and not what was waited for.
  give_up_waiting_writes(state, state.log.last_index() + 1);
  LeaderState leader;
  leader.began_at = state.now;
  leader.log_time_ms = state.log.last_time_ms();
  leader.descriptions.emplace(state.id(), state.options.self);
  leader.next_preference_at = state.now + 4 * state.options.election_timeout_ms;
  leader.first_index_of_term = state.log.last_index() + 1;
  leader.heartbeat_due = state.now;
  leader.settled_index = state.settled_index();
  leader.unsettled_bytes =
      state.log.bytes_between(leader.settled_index + 1, state.log.last_index());
  change_role(state, std::move(leader));
  state.trace(TraceLevel::kInformation, fmt::format("leads term {}", state.current_term()));
  on_leader_known(state);
  follow_members(state);
  append_first_of_term(state);
}

}  // namespace raft
