// Persistence: term, vote and log of one node, and the one sequence in which the core's orders
// about them are carried out. The owner calls it from one thread; a DiskFault out of it ends the
// node, and nothing is promised after it (A15, A16).
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "raft/effects.h"
#include "raft/events.h"
#include "raft/server.h"
#include "storage/doubt.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"

namespace storage {

class Persistence {
 public:
  // Brings term, log and the newest snapshot together, which a crash may have left apart (A19).
  // Throws Damage, which names `directory`, where they cannot be.
  Persistence(std::filesystem::path directory, std::unique_ptr<HardStateStore> hard_state,
              std::unique_ptr<LogStore> log, std::optional<raft::SnapshotHead> newest,
              std::unique_ptr<DoubtFile> doubt);

  // Whether the log was replaced by an empty one behind the snapshot.
  [[nodiscard]] bool log_replaced() const { return log_replaced_; }
  // Why this directory cannot vouch for its log; none where it can.
  [[nodiscard]] const std::optional<Doubt>& doubt() const { return doubt_->current(); }
  void mark_doubt(Doubt doubt) { doubt_->mark(std::move(doubt)); }

  // What the core starts from. `recent_bytes`: of the end of the log, to be held in memory.
  [[nodiscard]] raft::Restored restored(raft::Index applied_index, std::size_t recent_bytes) const;

  // Carries out the orders in their sequence, with one sync for all. Returns how many are on disk;
  // their promises may leave. Fewer than all where the disk is full: the others, which stand where
  // they stood, are to be handed in again, before any that come after them. Their newest term and
  // vote are on disk too: those need no room.
  [[nodiscard]] std::size_t persist(std::span<raft::Persist> group);
  // Lets go of what orders for which there was no room will let go of: a snapshot on disk stands
  // for it. No promise waits for it.
  void make_room(std::span<const raft::Persist> group);
  // What the orders let go of the log: up to here; 0: nothing. To be done after the promises have
  // left, for which it does not matter.
  [[nodiscard]] static raft::Index compact_to(std::span<const raft::Persist> group);
  // False: there is more to be done, after so many segments.
  bool trim_to(raft::Index index, std::size_t max_segments = SIZE_MAX) {
    return log_->trim_to(index, max_segments);
  }
  // A segment that is prepared ahead of its use (log_store.h).
  void allow_spare(bool allowed) { log_->allow_spare(allowed); }
  void prepare_ahead(std::uint64_t bytes) { log_->prepare_ahead(bytes); }
  // When no order waits; and at the orderly end.
  void seal() { log_->seal(); }
  void close() { log_->close(); }

  // Answers in the order of the questions. Without entries where they were truncated meanwhile, or
  // where a snapshot stands for them.
  [[nodiscard]] std::vector<raft::EntriesFetched> fetch(
      std::span<const raft::FetchEntries> wanted) const;

  [[nodiscard]] const raft::HardState& hard_state() const { return hard_state_->current(); }
  [[nodiscard]] const LogStore& log() const { return *log_; }

 private:
  [[nodiscard]] bool carry_out(raft::Persist& order);

  std::filesystem::path directory_;
  std::unique_ptr<HardStateStore> hard_state_;
  std::unique_ptr<LogStore> log_;
  std::unique_ptr<DoubtFile> doubt_;
  std::optional<raft::SnapshotHead> newest_;  // as it was at the start
  bool log_replaced_ = false;
};

}  // namespace storage
