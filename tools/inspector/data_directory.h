// What a data directory is made of, beside the log: whose it is, term and vote, snapshots.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "inspector/file.h"
#include "inspector/finding.h"
#include "inspector/format.h"

namespace inspector {

struct Directory {
  Path path;
  std::optional<IdentityFile> identity;  // none where it is missing or does not check
  LogOwner owner;                        // without identity as the log says
  bool unfinished = false;               // its creation was cut short: it holds nothing

  [[nodiscard]] Path log_path() const { return path / "log"; }
  [[nodiscard]] Path snapshots_path() const { return path / "snapshots"; }
};

// Throws Unreadable where `path` is no data directory.
[[nodiscard]] Directory open_directory(const Path& path, Findings& findings);

struct HardState {
  std::array<std::optional<HardStateCopy>, 2> copies;  // none where it does not check
  std::array<std::string, 2> problems;                 // and then, why
  std::optional<HardStateCopy> in_force;               // none: damage
};

[[nodiscard]] HardState read_hard_state(const Directory& directory, Findings& findings);

struct Snapshot {
  Path path;
  std::uint64_t bytes = 0;  // of the file
  std::string state;  // "complete", "superseded", "being written", "being received"; "damaged"
  std::optional<SnapshotHeader> header;
};

struct SnapshotOptions {
  bool check_content = false;
  // Bytes of content that were read, and all there are; may be empty.
  std::function<void(std::uint64_t, std::uint64_t)> on_progress;
};

// Of the newest complete one, by its name.
[[nodiscard]] std::optional<raft::Index> newest_snapshot(const Directory& directory);
// By rising index; the last one that is "complete" or "damaged" is in force.
[[nodiscard]] std::vector<Snapshot> read_snapshots(const Directory& directory,
                                                   const SnapshotOptions& options,
                                                   Findings& findings);

}  // namespace inspector
