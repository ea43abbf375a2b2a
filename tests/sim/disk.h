// Disk: the data directory of one node. The storage of the product does all the work, on a
// simulated file system that fails as the options say; beside it stands a model of what is on
// disk for sure, and every start is compared with it: what was synced is there, to the entry.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "faulty_disk.h"
#include "options.h"
#include "raft/effects.h"
#include "raft/server.h"
#include "storage/data_directory.h"
#include "storage/opening.h"
#include "storage/persistence.h"
#include "storage/snapshot_store.h"
#include "storage/space_guard.h"

namespace sim {

// How the process that uses the directory ends.
enum class End : std::uint8_t {
  kKill,      // what it wrote stays in the page cache
  kPowerCut,  // what was not synced is lost, in part or as a whole
};

class Disk {
 public:
  struct Record {
    raft::Term term;
    std::uint64_t checksum;
  };

  Disk(const DiskOptions& options, std::uint64_t seed, raft::NodeId node);

  // A start. Throws DiskFault, after which it may be tried again, or Damage or Refused.
  // `interrupted`: it ends in the middle, and throws DiskFault. The applied index is left open.
  [[nodiscard]] raft::Restored open(storage::StateMachineAtStart& machine,
                                    const std::vector<raft::NodeId>& first_voters,
                                    std::size_t recent_bytes, bool interrupted);
  // Of the last open: what was damaged, and what came of it.
  [[nodiscard]] const std::vector<std::string>& findings() const { return findings_; }
  // The process ends, in the middle of carrying out `group`.
  void close(End end, std::span<const raft::Persist> group);

  // Between open() and close(). Each may throw DiskFault: then nothing may be promised any more.
  // How many of the group are on disk; the others found no room, and are to be handed in again.
  [[nodiscard]] std::size_t persist(std::span<raft::Persist> group);
  // Looks at the room there is. `refused`: orders wait for some.
  [[nodiscard]] raft::DiskSpace look(bool refused);
  // Perhaps a part of the next segment.
  void prepare_ahead();
  // How many segments were prepared and used since the last call.
  [[nodiscard]] std::uint64_t take_spares_used() { return std::exchange(spares_used_, 0); }
  [[nodiscard]] std::vector<raft::EntriesFetched> fetch(std::span<const raft::FetchEntries> wanted);
  void seal() { persistence_->seal(); }

  // Snapshots. Each may throw DiskFault.
  [[nodiscard]] storage::SnapshotStore& snapshots() { return *snapshots_; }
  // A part of a leader's; perhaps what is read of the newest meanwhile is not what is on disk.
  [[nodiscard]] storage::Received receive(const raft::StoreSnapshotChunk& part);
  // The whole content of the newest.
  [[nodiscard]] std::string snapshot_content() const;
  // Whatever was just done made this the newest, on disk.
  void note_snapshot();

  // While closed: everything is lost. The next start finds an empty disk.
  void wipe();
  [[nodiscard]] raft::Identity identity() const { return identity_; }  // 0: never opened
  // While closed: perhaps one bit of what is stored changes. Whether it did.
  bool flip_bit();
  // It may lack what it once had, or will be found to.
  [[nodiscard]] bool damaged() const { return damaged_ || in_doubt_; }
  [[nodiscard]] bool in_doubt() const { return in_doubt_; }
  // Of all that was damaged, nothing is beyond repair.
  [[nodiscard]] bool repairable() const { return repairable_; }
  // It vouches for itself again since the last call of forget_lost().
  [[nodiscard]] bool vouches_again() const {
    return !in_doubt_ && !(lost_.empty() && lost_snapshot_ == 0);
  }
  // What it had and lost: entries, by index and checksum, and all up to the end of a snapshot.
  [[nodiscard]] const std::set<std::pair<raft::Index, std::uint64_t>>& lost() const {
    return lost_;
  }
  [[nodiscard]] raft::Index lost_snapshot() const { return lost_snapshot_; }
  void forget_lost() {
    lost_.clear();
    lost_snapshot_ = 0;
  }
  void stop_faults();
  // From now on there is room for so many more bytes; or for all, where none is said.
  void leave_room(std::optional<std::uint64_t> bytes);

  // What is on disk for sure; while closed, what was there before.
  [[nodiscard]] const raft::HardState& hard_state() const { return hard_state_; }
  [[nodiscard]] raft::Index last_index() const {
    return std::max(base_index_ + records_.size(), snapshot_index_);
  }
  // Whether the entry at `index` is stored, the very one with this checksum, or a snapshot that
  // stands for it: snapshots are compared by what they make of a state machine.
  [[nodiscard]] bool holds(raft::Index index, std::uint64_t checksum) const {
    if (index <= snapshot_index_) return true;
    return index > base_index_ && index - base_index_ <= records_.size() &&
           records_[index - base_index_ - 1].checksum == checksum;
  }
  // Or held it before it was damaged: whoever counts on that counts on what was true.
  [[nodiscard]] bool held(raft::Index index, std::uint64_t checksum) const {
    return holds(index, checksum) || index <= lost_snapshot_ || lost_.contains({index, checksum});
  }
  // The same of a directory of this node that was wiped, when that happened.
  [[nodiscard]] bool wiped_directory_held(raft::Identity directory, raft::Index index,
                                          std::uint64_t checksum) const;
  // From base_index() + 1 on.
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }
  [[nodiscard]] raft::Index base_index() const { return base_index_; }

 private:
  void open_files(storage::StateMachineAtStart& machine,
                  const std::vector<raft::NodeId>& first_voters);
  void compare_hard_state(const raft::HardState& found);
  void compare_doubt();
  void compare_snapshot();
  void compare_log(const storage::LogStore& log);
  void note_lost(const storage::LogStore& log);
  // Whether what the newest snapshot stood for before is in the log.
  [[nodiscard]] bool shows_snapshot(const storage::LogStore& log) const;
  [[nodiscard]] bool contradicts_snapshot() const;
  void follow_reset(raft::Index index);
  // A part of `group` may be on disk, and may be found there at the next start.
  void expect_part_of(std::span<const raft::Persist> group);
  void end_in_the_middle(std::span<const raft::Persist> group);
  void draw_faults(std::size_t orders);
  void require_fault_was_final() const;
  void follow(std::span<const raft::Persist> given, std::span<const raft::Persist> left);

  DiskOptions options_;
  base::Random random_;
  base::Random spare_random_;  // of its own: the spare changes no other draw
  raft::NodeId node_;
  FaultyDisk files_;
  std::unique_ptr<storage::DataDirectory> directory_;
  std::unique_ptr<storage::SnapshotStore> snapshots_;
  std::unique_ptr<storage::Persistence> persistence_;
  std::unique_ptr<storage::SpaceGuard> space_;
  raft::Identity identity_ = 0;
  std::uint64_t spares_used_ = 0;
  std::uint64_t fault_due_ = 0;  // at this change of the files, and it is final; 0: none is
  bool damaged_ = false;         // since it was opened last
  bool repairable_ = true;
  bool in_doubt_ = false;
  bool settling_ = false;  // whether it still is, an end in the middle left open
  std::vector<std::string> findings_;
  std::set<std::pair<raft::Index, std::uint64_t>> lost_;
  raft::Index lost_snapshot_ = 0;
  struct Wiped {
    raft::Index base_index;
    std::vector<Record> records;
    raft::Index snapshot_index;
    std::set<std::pair<raft::Index, std::uint64_t>> lost;
  };
  std::map<raft::Identity, Wiped> wiped_;

  // The model. Where an order was under way when the process ended, a part of it may be there.
  raft::HardState hard_state_;
  std::optional<raft::HardState> possible_hard_state_;
  raft::Index base_index_ = 0;  // records_ begins after it
  std::vector<Record> records_;
  raft::Index certain_index_ = 0;        // up to here records_ is what is stored; all, while open
  raft::Index snapshot_index_ = 0;       // of the newest snapshot
  std::uint64_t snapshot_checksum_ = 0;  // of its last entry
};

}  // namespace sim
