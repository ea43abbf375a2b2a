// Opening: what a directory holds, opened at the start and made to agree. Log, snapshot and state
// machine may lie apart after a crash (A19), and any of them may be damaged (A17): what can be
// rebuilt from the rest is rebuilt; what cannot is cut off, marked in DIR/doubt beforehand, and
// fetched from the peers later. Throws Damage, before anything was changed, where that is no way:
// term and vote are lost, or this node is the only voter. docs/log-format.md has the rules.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "storage/data_directory.h"
#include "storage/opening_progress.h"
#include "storage/persistence.h"
#include "storage/snapshot_store.h"

namespace storage {

// What an opening needs of the state machine. It is derived: it can always be made anew.
class StateMachineAtStart {
 public:
  virtual ~StateMachineAtStart() = default;
  [[nodiscard]] virtual raft::Index applied_index() const = 0;
  // As if nothing had ever been applied; durable on return.
  virtual void clear() = 0;
  // Its content as a snapshot: each call gives the next slice, an empty one at the end. Throws
  // Damage where it cannot be read.
  [[nodiscard]] virtual std::function<base::SharedBytes()> read_snapshot() = 0;
};

struct OpeningOptions {
  raft::NodeId node = 0;
  std::uint64_t segment_bytes = 0;
  std::vector<raft::NodeId> first_voters;  // who votes where nothing stored says it
  SnapshotOptions snapshots = {};
  OpeningObserver observer = {};
};

struct Opened {
  std::unique_ptr<SnapshotStore> snapshots;
  std::unique_ptr<Persistence> persistence;
  std::vector<std::string> findings;  // what was damaged and what came of it, for people
};

[[nodiscard]] Opened open_stored(FileSystem& file_system, const DataDirectory& directory,
                                 const OpeningOptions& options, StateMachineAtStart& machine);

}  // namespace storage
