// Where snapshot and log meet. The snapshot becomes durable first and the log follows it, so a
// crash may leave them apart (A19): at every start, and whenever a leader's snapshot has become
// the newest, they are brought together.
#pragma once

#include <optional>

#include "storage/log_store.h"
#include "storage/snapshot_format.h"

namespace storage {

// Whether the log holds this very entry, or begins right behind it. Throws Damage.
[[nodiscard]] bool holds(const LogStore& log, const raft::LogPosition& point);

// Replaces the log by an empty one behind the snapshot where it does not hold the snapshot's last
// entry (§7); else leaves it as it is. True where it was replaced. Throws Damage where entries
// between the two are missing.
[[nodiscard]] bool join_log_to_snapshot(LogStore& log,
                                        const std::optional<raft::SnapshotHead>& newest);

// The last entry that both together hold: what the log ends with once it is joined.
[[nodiscard]] raft::LogPosition last_of_both(const LogStore& log,
                                             const std::optional<raft::SnapshotHead>& newest);

}  // namespace storage
