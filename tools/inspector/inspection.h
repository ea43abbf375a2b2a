// Inspection: a whole data directory in one look, and what its parts say of each other.
#pragma once

#include <optional>
#include <vector>

#include "client/terminal.h"
#include "inspector/data_directory.h"
#include "inspector/finding.h"
#include "inspector/log_walk.h"

namespace inspector {

struct Inspection {
  Findings findings;
  Directory directory;
  HardState hard_state;
  LogSummary log;
  std::vector<Snapshot> snapshots;
  // In force at the end of the log: of `configuration_index`, an entry of the log, or else of the
  // newest snapshot.
  std::optional<raft::Configuration> configuration;
  raft::Index configuration_index = 0;
  bool configuration_in_log = false;
};

// Reads all, as often as it takes to be sure of what is found. `check_content`: of the newest
// snapshot too. Throws Unreadable.
[[nodiscard]] Inspection inspect(const Path& directory, bool check_content);

}  // namespace inspector
