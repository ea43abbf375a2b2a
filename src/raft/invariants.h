// Invariants: what holds after every step of one server, in every build. What holds across
// servers is checked where all of them can be seen: in the simulator.
#pragma once

#include "raft/state.h"

namespace raft {

// The values that may only rise, as they were before a step.
struct Monotone {
  Term current_term;
  std::optional<NodeId> voted_for;
  Index commit_index;
  Index applied_to;
};

[[nodiscard]] Monotone monotone(const State& state);
// Aborts with node, term and values where one is broken. Cheap: no walk over the log.
void check_invariants(const State& state, const Monotone& before);

}  // namespace raft
