// Persistence: term, vote and log of one node, and the one sequence in which the core's orders
// about them are carried out. The owner calls it from one thread; a DiskFault out of it ends the
// node, and nothing is promised after it (A15, A16).
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "raft/effects.h"
#include "raft/events.h"
#include "raft/server.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"

namespace storage {

class Persistence {
 public:
  // Throws Damage, which names `directory`, where the two do not fit together.
  Persistence(const std::filesystem::path& directory, std::unique_ptr<HardStateStore> hard_state,
              std::unique_ptr<LogStore> log);

  // What the core starts from, but for the snapshot. `recent_bytes`: of the end of the log, to be
  // held in memory.
  [[nodiscard]] raft::Restored restored(raft::Index applied_index, std::size_t recent_bytes) const;

  // Carries out the orders in their sequence, with one sync for all. On return they are on disk,
  // and their promises may leave.
  void persist(std::span<const raft::Persist> group);

  // Answers in the order of the questions. None for a peer whose entries were truncated meanwhile:
  // a node that truncates leads no peer, and nobody needs them then.
  [[nodiscard]] std::vector<raft::EntriesFetched> fetch(
      std::span<const raft::FetchEntries> wanted) const;

  [[nodiscard]] const raft::HardState& hard_state() const { return hard_state_->current(); }
  [[nodiscard]] const LogStore& log() const { return *log_; }

 private:
  std::unique_ptr<HardStateStore> hard_state_;
  std::unique_ptr<LogStore> log_;
};

}  // namespace storage
