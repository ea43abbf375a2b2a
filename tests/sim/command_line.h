// CommandLine: what raft-simulate was asked to do.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "options.h"

namespace sim {

struct CommandLine {
  std::uint64_t first_seed = 1;
  std::uint64_t last_seed = 300;
  // Instead of what a seed draws.
  std::optional<std::uint64_t> nodes;
  std::optional<std::uint64_t> seconds;
  std::optional<std::uint64_t> operations;
  FaultSet faults = FaultSet::all();
  std::uint64_t jobs = 1;
  std::optional<std::uint64_t> minutes;  // no seed begins after these
  bool trace = false;                    // one seed only
  bool json = false;
  bool keep_going = false;
  bool quiet = false;
  // Planted bugs: how many seeds each takes to be found, of `mutation_names` or all.
  bool mutations = false;
  std::vector<std::string> mutation_names;
  bool recorded = false;  // the seed that found it once goes first
  std::string mutation;   // planted while seeds are run as ever

  [[nodiscard]] bool one_seed() const { return first_seed == last_seed; }
  [[nodiscard]] RunOptions options_of(std::uint64_t seed) const;
};

// None where there is nothing to do but to end with `exit_code`: help was asked for, or the usage
// is wrong, and that has been said.
[[nodiscard]] std::optional<CommandLine> parse_command_line(int count, char** values,
                                                            int& exit_code);

}  // namespace sim
