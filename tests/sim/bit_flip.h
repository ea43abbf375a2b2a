// Where a bit of a data directory may change so that the storage can tell: everywhere but in a
// last write that no seal stands behind, which looks as a torn one does.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "../storage/simulated_disk.h"

namespace sim {

struct Range {
  std::filesystem::path file;
  std::uint64_t bytes;  // from its start on
  bool repairable;      // a node that has peers comes back from damage there
};
// Of the directory of a node that does not run.
[[nodiscard]] std::vector<Range> detectable_ranges(const storage::SimulatedDisk& disk,
                                                   const std::filesystem::path& directory);

}  // namespace sim
