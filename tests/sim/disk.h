// Disk: what one node has stored, at the level of Persist orders. Orders wait, are written in
// turn, and are on disk when the sync ends; a crash keeps everything synced and an arbitrary
// beginning of what was being written. The unit here is an order and its parts, in the sequence
// that effects.h promises; bytes and files are the matter of the storage library's own tests.
//
// Invariant: what is stored is exactly the outcome of the first so many orders, or, after a
// crash, of those and a beginning of the parts of the next.
#pragma once

#include <deque>
#include <vector>

#include "base/random.h"
#include "raft/effects.h"
#include "raft/server.h"

namespace sim {

class Disk {
 public:
  void order(raft::Persist order) { waiting_.push_back(std::move(order)); }
  [[nodiscard]] bool writing() const { return !writing_.empty(); }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }

  // Begins to write up to `count` of the waiting orders, under one sync. Not while writing.
  void begin_sync(std::size_t count);
  // The sync ended: the orders that are now on disk. Their promises may leave.
  [[nodiscard]] std::vector<raft::Persist> finish_sync();
  // Power is lost. Returns how many orders were lost, whole or in part.
  std::size_t crash(base::Random& random);

  [[nodiscard]] raft::Restored restored(raft::Index applied_index, std::size_t recent) const;
  // Consecutive from `first`; empty where that entry has been truncated away meanwhile.
  [[nodiscard]] std::vector<raft::Entry> fetch(const raft::FetchEntries& wanted) const;

  // What is on disk for sure.
  [[nodiscard]] const raft::HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] raft::Index last_index() const { return log_.size(); }
  // Whether the entry at `index` is stored, the very one with this checksum.
  [[nodiscard]] bool holds(raft::Index index, std::uint64_t checksum) const {
    return index >= 1 && index <= log_.size() && log_[index - 1].checksum() == checksum;
  }
  [[nodiscard]] const std::vector<raft::Entry>& log() const { return log_; }

 private:
  void write(const raft::Persist& order, std::size_t entries);
  void truncate_from(raft::Index index);

  raft::HardState hard_state_;
  std::vector<raft::Entry> log_;  // index 1 first
  std::deque<raft::Persist> waiting_;
  std::vector<raft::Persist> writing_;
};

}  // namespace sim
