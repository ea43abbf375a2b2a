// raft-simulate: what is asked of planted bugs is asked of raft-simulate-mutated.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <string>

#include "mutation_runs.h"

namespace sim {

std::optional<int> run_mutations(const CommandLine& line, char** values) {
  if (!line.mutations && line.mutation.empty()) return std::nullopt;
  const std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe");
  const std::string mutated = self.parent_path() / "raft-simulate-mutated";
  execv(mutated.c_str(), values);
  fmt::print(stderr, "raft-simulate: cannot run {}: {}\n", mutated, std::strerror(errno));
  return 1;
}

}  // namespace sim
