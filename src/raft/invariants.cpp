#include "raft/invariants.h"

#include "base/check.h"

namespace raft {
namespace {

void check_rises(const State& state, const Monotone& before) {
  CHECK(state.current_term() >= before.current_term, "node {}: term falls from {} to {}",
        state.id(), before.current_term, state.current_term());
  // §5.2: one vote a term.
  CHECK(state.current_term() > before.current_term || !before.voted_for ||
            state.hard_state.voted_for == before.voted_for,
        "node {} term {}: votes a second time", state.id(), state.current_term());
  CHECK(state.commit_index >= before.commit_index, "node {} term {}: commit falls from {} to {}",
        state.id(), state.current_term(), before.commit_index, state.commit_index);
  CHECK(state.output.applied_to >= before.applied_to, "node {} term {}: apply falls from {} to {}",
        state.id(), state.current_term(), before.applied_to, state.output.applied_to);
}

void check_order(const State& state) {
  const Index last = state.log.last_index();
  CHECK(state.applied_index <= state.output.applied_to &&
            state.output.applied_to <= state.commit_index && state.commit_index <= last,
        "node {} term {}: applied {} <= handed out {} <= committed {} <= last {}", state.id(),
        state.current_term(), state.applied_index, state.output.applied_to, state.commit_index,
        last);
  CHECK(state.output.applied_to <= state.durability.durable_index(),
        "node {} term {}: handed out {}, on disk {}", state.id(), state.current_term(),
        state.output.applied_to, state.durability.durable_index());
  CHECK(state.durability.durable_index() <= last && state.output.persisted_to <= last,
        "node {} term {}: durable {}, handed out {}, last {}", state.id(), state.current_term(),
        state.durability.durable_index(), state.output.persisted_to, last);
  CHECK(state.log.last_term() <= state.current_term(), "node {} term {}: an entry of term {}",
        state.id(), state.current_term(), state.log.last_term());
}

void check_leader(const State& state, const LeaderState& leader) {
  CHECK(state.hard_state.voted_for == state.id(), "node {} leads term {} without its own vote",
        state.id(), state.current_term());
  CHECK(state.log.last_index() >= leader.first_index_of_term,
        "node {} term {}: its no-op {} is gone", state.id(), state.current_term(),
        leader.first_index_of_term);
  for (const auto& [peer, progress] : leader.peers) {
    CHECK(progress.match_index() < progress.next_index() &&
              progress.next_index() <= state.log.last_index() + 1,
          "node {} term {}: node {} matches {}, next {}, last {}", state.id(), state.current_term(),
          peer, progress.match_index(), progress.next_index(), state.log.last_index());
  }
}

}  // namespace

Monotone monotone(const State& state) {
  return {state.current_term(), state.hard_state.voted_for, state.commit_index,
          state.output.applied_to};
}

void check_invariants(const State& state, const Monotone& before) {
  check_rises(state, before);
  check_order(state);
  if (const auto* leader = state.as<LeaderState>()) check_leader(state, *leader);
  CHECK(!state.doubt || state.role() == Role::kFollower, "node {} stands in term {} in doubt",
        state.id(), state.current_term());
  CHECK(state.role() != Role::kCandidate || state.hard_state.voted_for == state.id(),
        "node {} stands in term {} without its own vote", state.id(), state.current_term());
}

}  // namespace raft
