// A data directory that is looked at and not changed, while no node runs on it: how far it is, to
// find out which of those that are left knows most (§5.4.1).
#pragma once

#include <filesystem>
#include <memory>

#include "raft/types.h"
#include "storage/file_system.h"
#include "storage/identity.h"

namespace storage {

struct Survivor {
  std::filesystem::path path;
  DirectoryIdentity identity;
  raft::LogPosition last;  // of log and snapshot together
};

// Throws Refused where there is no such directory or a node runs on it, Damage where it does not
// check.
[[nodiscard]] Survivor inspect_survivor(FileSystem& file_system, const std::filesystem::path& path);

// As in an election (§5.4.1): a later last term, or the same and a longer log.
[[nodiscard]] bool more_up_to_date(const raft::LogPosition& one, const raft::LogPosition& other);

// Reads go through, changes do nothing, so that what opens a log or a snapshot with a repair at
// hand can open what must stay as it is.
[[nodiscard]] std::unique_ptr<FileSystem> read_only(FileSystem& file_system);

}  // namespace storage
