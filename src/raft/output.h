// Output: the end of a turn. What the steps of the turn left to do becomes one batch of effects.
#pragma once

#include "raft/state.h"

namespace raft {

[[nodiscard]] Effects finish_turn(State& state);

// Committed entries that were no longer in memory came back from disk.
void on_entries_fetched_to_apply(State& state, std::vector<Entry> entries);
void on_entries_applied(State& state, Index index);

}  // namespace raft
