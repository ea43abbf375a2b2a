// Mutation runs: the planted bugs, one after the other, each until a seed breaks.
#pragma once

#include <optional>

#include "command_line.h"

namespace sim {

// The exit code of what --mutations or --mutation ask for; none where seeds are to be run as ever,
// perhaps with a planted bug. raft-simulate has none and lets raft-simulate-mutated, which stands
// beside it, do the work.
[[nodiscard]] std::optional<int> run_mutations(const CommandLine& line, char** values);

}  // namespace sim
