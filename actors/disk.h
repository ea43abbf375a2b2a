// Disk: what a node has on disk, opened at the start and made to agree by storage::open_stored:
// log, snapshot and state machine may lie apart after a crash (A19), or be damaged (A17). Throws
// storage::Damage where they cannot be brought together. The parts move to the actors that own
// them; the directory stays, as it is the lock.
#pragma once

#include <memory>
#include <optional>

#include "actors/clock.h"
#include "actors/logging.h"
#include "actors/progress_log.h"
#include "database/database.h"
#include "raft/server.h"
#include "settings/settings.h"
#include "storage/data_directory.h"
#include "storage/file_system.h"
#include "storage/persistence.h"
#include "storage/snapshot_store.h"
#include "storage/space_guard.h"

namespace actors {

[[nodiscard]] ::database::Options database_options(const settings::Settings& settings);

struct Disk {
  Disk(storage::FileSystem& file_system, const settings::Settings& settings, const ActorLog& log,
       const Now& now = monotonic_now);

  [[nodiscard]] raft::Restored restored(std::size_t log_memory_bytes) const;
  // The configuration in force; none: this node has not been part of a cluster yet.
  [[nodiscard]] std::optional<raft::Configuration> configuration() const;

  storage::DataDirectory directory;
  std::unique_ptr<storage::SpaceGuard> space;  // a disk that is full now has given its reserve up
  std::unique_ptr<storage::SnapshotStore> snapshots;
  std::unique_ptr<storage::Persistence> persistence;
  std::unique_ptr<::database::Database> state_machine;

 private:
  void load_snapshot(const ActorLog& log, ProgressLog& progress);
};

}  // namespace actors
