// SnapshotStore: the newest snapshot of one node, and up to two on their way to replace it: one
// that this node writes, one that a leader sends. docs/log-format.md specifies files and order.
// One owner, one thread. A snapshot is complete and durable or it is not there; the one before it
// goes only then. After a DiskFault of a change, every further change throws DiskFault. DiskFull is
// none: what was under way is given up, its file is gone, and all may go on.
//
// The content is opaque and may be empty. A fresh cluster's configuration is a snapshot of index
// 0, before the first entry, so that a node which belongs to a cluster always has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "storage/block_cutter.h"
#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/snapshot_format.h"

namespace storage {

enum class Receipt : std::uint8_t {
  kMore,      // go on at next_offset
  kComplete,  // with these bytes it became the newest snapshot, durably
  kNotNewer,  // the newest snapshot is of its index or a later one: nothing to do
  kRefused,   // another transfer, of the same or a later index, is under way: nothing was written
  kDamaged,   // the table came and is not what the meta says: all was thrown away
};

struct Received {
  Receipt receipt = Receipt::kMore;
  raft::SnapshotDemand demand;
  std::uint64_t copied = 0;  // with kComplete: bytes from the snapshot before it, since the start
};

struct SnapshotOptions {
  BlockSizes blocks = {};
  std::uint64_t copy_bytes = 4 << 20;  // copied in one call, and a block at most
};

class SnapshotStore {
 public:
  // Creates `directory` if need be, removes what is left of unfinished snapshots, save one that
  // is being received: it can go on. Throws Damage where the newest snapshot does not check,
  // rather than fall back to an older one. `owner` as in LogStore.
  SnapshotStore(FileSystem& file_system, std::filesystem::path directory, std::uint64_t owner,
                const SnapshotOptions& options = {});
  ~SnapshotStore();

  // The newest complete snapshot.
  [[nodiscard]] const std::optional<raft::SnapshotHead>& newest() const;
  // The first bytes of the file of the newest snapshot, which is there: header and configuration.
  [[nodiscard]] std::vector<std::byte> head() const;
  // The content of the newest snapshot from `offset`: at most `max_bytes`, fewer only at its end;
  // none where the newest is not of `index` (any more). What is returned was verified; throws
  // Damage.
  [[nodiscard]] std::optional<base::SharedBytes> read(raft::Index index, std::uint64_t offset,
                                                      std::uint64_t max_bytes) const;
  // The same of what travels: the table of the blocks, and behind it the content. A part is of one
  // of the two.
  [[nodiscard]] std::optional<base::SharedBytes> read_transfer(raft::Index index,
                                                               std::uint64_t offset,
                                                               std::uint64_t max_bytes) const;

  // This node's own: begin, append any number of times, finish or abandon. A begin abandons what
  // was begun before. Of `meta`, what it says of the content is found out, not taken.
  void begin(raft::SnapshotHead meta);
  void append(std::span<const std::byte> bytes);
  // True where it is the newest now, durably; false where a newer one, or one of the same index,
  // was received meanwhile: then it is dropped. Index 0 replaces index 0.
  [[nodiscard]] bool finish();
  void abandon();
  [[nodiscard]] bool writing() const;
  // The configuration that a cluster begins with, as the snapshot of index 0. Nothing is done where
  // there is a snapshot of the log, or one is being written: it says more.
  void keep_first(const raft::Configuration& configuration);

  // A part of a leader's snapshot, as read_transfer gives it. A newer snapshot replaces one that is
  // here in part; any order, repetition or mixture of parts is harmless (A23). Once the table is
  // here, what is here in part survives a crash as far as whole blocks had been written.
  [[nodiscard]] Received receive(const raft::SnapshotHead& meta, std::uint64_t offset,
                                 std::span<const std::byte> bytes);
  // What is being received, if anything is.
  [[nodiscard]] std::optional<raft::SnapshotHead> receiving() const;
  // Forgets it: a new leader has another snapshot to offer, which may be of the same or an
  // earlier index.
  void forget_receiving();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace storage
