#include "disk.h"

#include <algorithm>
#include <utility>

#include "bit_flip.h"
#include "report.h"

namespace sim {
namespace {

const std::filesystem::path kDirectory = "node";
const std::filesystem::path kSpare = kDirectory / "log" / "spare.segment";
// So that a block is about as long as a record, and a snapshot has some that another has too.
constexpr storage::SnapshotOptions kSnapshots{{16, 48, 200}, 100};
constexpr const char* kCluster = "simulation";
// Changes of the files that a start, or an order, makes at most as a rule.
constexpr std::uint64_t kChangesOfAStart = 12;
constexpr std::uint64_t kChangesOfARepair = 30;
constexpr std::uint64_t kChangesOfAnOrder = 4;
constexpr std::uint64_t kChangesOfASpare = 4;
constexpr std::uint64_t kReads = 10;

}  // namespace

Disk::Disk(const DiskOptions& options, std::uint64_t seed, raft::NodeId node)
    : options_(options), random_(seed), spare_random_(~seed), node_(node) {}

raft::Restored Disk::open(storage::StateMachineAtStart& machine,
                          const std::vector<raft::NodeId>& first_voters, std::size_t recent_bytes,
                          bool interrupted) {
  if (interrupted) {
    const std::uint64_t most = damaged() ? kChangesOfARepair : kChangesOfAStart;
    files_.fail_after(random_.between(0, most), storage::FaultKind::kPowerCut);
  }
  if (random_.chance(options_.read_error_per_mille, 1000)) {
    files_.fail_read_after(random_.between(0, kReads));
  }
  open_files(machine, first_voters);
  auto restored = persistence_->restored(0, recent_bytes);
  if (interrupted) throw storage::DiskFault("the start is interrupted when all is open");
  return restored;
}

void Disk::open_files(storage::StateMachineAtStart& machine,
                      const std::vector<raft::NodeId>& first_voters) {
  directory_ =
      std::make_unique<storage::DataDirectory>(files_, kDirectory, kCluster, node_, random_.next());
  require(identity_ == 0 || identity_ == directory_->id(),
          "node {} finds itself on another data directory", node_);
  identity_ = directory_->id();
  auto opened = storage::open_stored(
      files_, *directory_, {node_, options_.segment_bytes, first_voters, kSnapshots}, machine);
  snapshots_ = std::move(opened.snapshots);
  persistence_ = std::move(opened.persistence);
  findings_ = std::move(opened.findings);
  space_ = std::make_unique<storage::SpaceGuard>(files_, kDirectory, options_.reserve_bytes);
  compare_hard_state(persistence_->hard_state());
  compare_doubt();
  compare_log(persistence_->log());
  compare_snapshot();
  damaged_ = false;
}

void Disk::compare_doubt() {
  const bool found = persistence_->doubt().has_value();
  require(found || !in_doubt_ || settling_,
          "a doubt stays until it is settled: node {} forgot that its log may lack something",
          node_);
  require(damaged() || (!found && findings_.empty()),
          "a node whose disk is whole starts again: node {} has to repair: {}", node_,
          findings_.empty() ? "" : findings_.front());
  in_doubt_ = found;
  settling_ = false;
}

void Disk::compare_hard_state(const raft::HardState& found) {
  // Or the term of a leader whose snapshot came before its term did.
  const auto& newest = snapshots_->newest();
  const bool of_snapshot = newest && found == raft::HardState{newest->last.term, std::nullopt} &&
                           found.current_term > hard_state_.current_term;
  require(found == hard_state_ || found == possible_hard_state_ || of_snapshot,
          "what was synced is there after a start: node {} had term {} and vote {}, now term {} "
          "and vote {}",
          node_, hard_state_.current_term, hard_state_.voted_for.value_or(0), found.current_term,
          found.voted_for.value_or(0));
  hard_state_ = found;
  possible_hard_state_.reset();
}

void Disk::compare_snapshot() {
  const auto& newest = snapshots_->newest();
  const raft::Index index = newest ? newest->last.index : 0;
  require(index >= snapshot_index_ || in_doubt_ || shows_snapshot(persistence_->log()),
          "what was synced is there after a start: node {} had a snapshot up to {}, now up to {}",
          node_, snapshot_index_, index);
  snapshot_index_ = index;
  snapshot_checksum_ = newest ? newest->last.checksum : 0;
}

bool Disk::shows_snapshot(const storage::LogStore& log) const {
  if (snapshot_index_ == log.base().index) return log.base().checksum == snapshot_checksum_;
  if (snapshot_index_ < log.base().index || snapshot_index_ > log.last_index()) return false;
  return log.read(snapshot_index_, snapshot_index_, 1).front().checksum() == snapshot_checksum_;
}

// A leader's snapshot that the process did not live to see replaces a log that was never committed.
bool Disk::contradicts_snapshot() const {
  const auto& newest = snapshots_->newest();
  if (!newest || newest->last.index <= base_index_) return false;
  const std::size_t place = newest->last.index - base_index_ - 1;
  return place < records_.size() && records_[place].checksum != newest->last.checksum;
}

void Disk::note_lost(const storage::LogStore& log) {
  const auto& newest = snapshots_->newest();
  const raft::Index covered = newest ? newest->last.index : 0;
  if (snapshot_index_ > covered && !shows_snapshot(log)) {
    lost_snapshot_ = std::max(lost_snapshot_, snapshot_index_);
  }
  for (raft::Index index = std::max(covered, log.last_index()) + 1; index <= certain_index_;
       ++index) {
    if (index > base_index_) lost_.insert({index, records_[index - base_index_ - 1].checksum});
  }
}

void Disk::compare_log(const storage::LogStore& log) {
  const raft::Index base = log.base().index;
  const raft::Index snapshot = snapshots_->newest() ? snapshots_->newest()->last.index : 0;
  require(base <= snapshot, "node {}: its log begins after {}, its snapshot ends with {}", node_,
          base, snapshot);
  const bool replaced = persistence_->log_replaced() && contradicts_snapshot();
  require(log.last_index() >= certain_index_ || in_doubt_ || replaced,
          "what was synced is there after a start, or the node says that it is not: node {} had "
          "entries up to {}, now up to {}",
          node_, certain_index_, log.last_index());
  if (in_doubt_) note_lost(log);
  certain_index_ = std::min(certain_index_, log.last_index());
  if (persistence_->log_replaced() || base < base_index_) follow_reset(base);
  // The last certain entry shows, by the chain of checksums, that all before it are the same.
  const raft::Index first = std::max({certain_index_, base + 1, raft::Index{1}});
  std::vector<raft::Entry> entries;
  if (log.last_index() >= first) entries = log.read(first, log.last_index(), SIZE_MAX);
  const bool comparable = certain_index_ > base && certain_index_ > base_index_;
  require(!comparable ||
              records_[certain_index_ - base_index_ - 1].checksum == entries.front().checksum(),
          "what was synced is there after a start: node {} has another entry {} than before", node_,
          certain_index_);
  const raft::Index kept = std::max(certain_index_, base);
  if (base > base_index_) {
    const auto gone = std::min<std::size_t>(base - base_index_, records_.size());
    records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(gone));
    base_index_ = base;
  }
  records_.resize(kept - base_index_);
  for (const raft::Entry& entry : entries) {
    if (entry.index > kept) records_.push_back({entry.term, entry.checksum()});
  }
  certain_index_ = base_index_ + records_.size();
}

void Disk::follow_reset(raft::Index index) {
  base_index_ = index;
  records_.clear();
  certain_index_ = index;
}

storage::Received Disk::receive(const raft::StoreSnapshotChunk& part) {
  const auto& newest = snapshots_->newest();
  if (newest && random_.chance(options_.bit_flip_per_mille, 1000)) {
    files_.garble_read_of(
        kDirectory / "snapshots" /
        storage::snapshot_name(newest->last.index, storage::SnapshotState::kComplete));
  }
  const auto received = snapshots_->receive(part.head, part.offset, part.bytes.span());
  files_.garble_read_of({});
  return received;
}

std::string Disk::snapshot_content() const {
  std::string content;
  const raft::SnapshotHead& head = *snapshots_->newest();
  while (content.size() < head.size) {
    const auto bytes = snapshots_->read(head.last.index, content.size(), SIZE_MAX);
    require(bytes && !bytes->empty(), "node {}: its snapshot of {} bytes ends at {}", node_,
            head.size, content.size());
    content += bytes->view();
  }
  return content;
}

void Disk::note_snapshot() {
  const raft::Index index = snapshots_->newest() ? snapshots_->newest()->last.index : 0;
  require(index >= snapshot_index_, "node {}: its newest snapshot goes back from {} to {}", node_,
          snapshot_index_, index);
  snapshot_index_ = index;
  snapshot_checksum_ = snapshots_->newest() ? snapshots_->newest()->last.checksum : 0;
}

void Disk::wipe() {
  files_.wipe(kDirectory);
  wiped_[identity_] = {base_index_, std::move(records_), std::max(snapshot_index_, lost_snapshot_),
                       std::move(lost_)};
  damaged_ = in_doubt_ = settling_ = false;
  repairable_ = true;
  forget_lost();
  identity_ = 0;
  hard_state_ = {};
  possible_hard_state_.reset();
  records_.clear();
  base_index_ = certain_index_ = snapshot_index_ = snapshot_checksum_ = 0;
}

bool Disk::wiped_directory_held(raft::Identity directory, raft::Index index,
                                std::uint64_t checksum) const {
  const auto found = wiped_.find(directory);
  if (found == wiped_.end()) return false;
  const Wiped& wiped = found->second;
  if (index <= wiped.snapshot_index || wiped.lost.contains({index, checksum})) return true;
  return index > wiped.base_index && index - wiped.base_index <= wiped.records.size() &&
         wiped.records[index - wiped.base_index - 1].checksum == checksum;
}

void Disk::expect_part_of(std::span<const raft::Persist> group) {
  for (const raft::Persist& order : group) {
    settling_ = settling_ || order.settles_doubt;
    if (order.hard_state) possible_hard_state_ = order.hard_state;
    if (order.truncate_from) certain_index_ = std::min(certain_index_, *order.truncate_from - 1);
    if (order.reset_to) certain_index_ = std::min(certain_index_, order.reset_to->index);
  }
}

void Disk::close(End end, std::span<const raft::Persist> group) {
  if (persistence_ != nullptr) end_in_the_middle(group);
  persistence_.reset();
  space_.reset();
  snapshots_.reset();
  directory_.reset();
  files_.heal();
  files_.heal_reads();
  fault_due_ = 0;
  if (end == End::kPowerCut) files_.crash(kDirectory, random_);
}

void Disk::end_in_the_middle(std::span<const raft::Persist> group) {
  expect_part_of(group);
  fault_due_ = 0;  // this end takes its place
  const std::uint64_t passing = group.empty()
                                    ? spare_random_.between(0, kChangesOfASpare)
                                    : random_.between(0, group.size() * kChangesOfAnOrder);
  files_.fail_after(passing, storage::FaultKind::kPowerCut);
  try {
    std::vector<raft::Persist> orders(group.begin(), group.end());
    const std::size_t done = persistence_->persist(orders);
    persistence_->trim_to(storage::Persistence::compact_to(group.first(done)));
    for (std::uint64_t part = 0; part < kChangesOfASpare; ++part) prepare_ahead();
  } catch (const storage::DiskFault&) {
    // Here it ended.
  }
}

raft::DiskSpace Disk::look(bool refused) {
  const bool has_room = space_->has_room_beside(persistence_->log().room_for_spare());
  persistence_->allow_spare(!refused && has_room);
  return space_->look(refused);
}

void Disk::prepare_ahead() {
  // Now and then, so that it is often incomplete when it is wanted.
  if (!spare_random_.chance(1, 4)) return;
  persistence_->prepare_ahead(spare_random_.between(1, options_.segment_bytes / 3));
  require_fault_was_final();
}

void Disk::require_fault_was_final() const {
  require(fault_due_ == 0 || files_.operations() < fault_due_,
          "a failed write or sync ends the node (A16): node {} went on", node_);
}

void Disk::draw_faults(std::size_t orders) {
  const bool write_error = random_.chance(options_.write_error_per_mille, 1000);
  const bool no_space = random_.chance(options_.no_space_per_mille, 1000);
  const std::uint64_t passing = random_.between(0, orders * kChangesOfAnOrder);
  if (random_.chance(options_.read_error_per_mille, 1000)) {
    files_.fail_read_after(random_.between(0, kReads));
  }
  if (fault_due_ != 0 || !(write_error || no_space)) return;
  files_.fail_after(passing,
                    write_error ? storage::FaultKind::kInputOutput : storage::FaultKind::kNoSpace);
  // Where room is being made, want of it is no fault.
  if (write_error) fault_due_ = files_.operations() + passing + 1;
}

std::size_t Disk::persist(std::span<raft::Persist> group) {
  draw_faults(group.size());
  const std::vector<raft::Persist> given(group.begin(), group.end());
  std::size_t done = 0;
  const bool had_spare = files_.exists(kSpare);
  try {
    done = persistence_->persist(group);
    if (done < given.size()) persistence_->make_room(group.subspan(done));
    persistence_->trim_to(storage::Persistence::compact_to(std::span(given).first(done)));
  } catch (const storage::DiskFault&) {
    expect_part_of(given);
    throw;
  }
  require_fault_was_final();
  if (had_spare && done == given.size() && !files_.exists(kSpare)) ++spares_used_;
  follow(given, group.subspan(done));
  return done;
}

// What is `left` found no room, but its term and vote, and what it does not ask for any more.
void Disk::follow(std::span<const raft::Persist> given, std::span<const raft::Persist> left) {
  const std::size_t done = given.size() - left.size();
  for (std::size_t place = 0; place < given.size(); ++place) {
    const raft::Persist& order = given[place];
    if (order.settles_doubt && place < done) in_doubt_ = false;
    if (order.hard_state) hard_state_ = *order.hard_state;
    if (place > done) continue;
    const bool cut = place < done || (order.truncate_from && !left.front().truncate_from);
    const bool begun_anew = place < done || (order.reset_to && !left.front().reset_to);
    if (order.reset_to && begun_anew) follow_reset(order.reset_to->index);
    if (order.truncate_from && cut) records_.resize(*order.truncate_from - 1 - base_index_);
    if (place == done) continue;
    for (const raft::Entry& entry : order.entries) {
      records_.push_back({entry.term, entry.checksum()});
    }
  }
  certain_index_ = base_index_ + records_.size();
}

void Disk::leave_room(std::optional<std::uint64_t> bytes) {
  files_.limit(bytes ? std::optional(files_.used() + *bytes) : std::nullopt);
}

std::vector<raft::EntriesFetched> Disk::fetch(std::span<const raft::FetchEntries> wanted) {
  return persistence_->fetch(wanted);
}

bool Disk::flip_bit() {
  if (!random_.chance(options_.bit_flip_per_mille, 1000)) return false;
  const auto ranges = detectable_ranges(files_, kDirectory);
  if (ranges.empty()) return false;
  const Range& range = ranges[random_.between(0, ranges.size() - 1)];
  std::vector<std::byte> bytes = files_.content(range.file);
  bytes[random_.between(0, range.bytes - 1)] ^= std::byte{1} << random_.between(0, 7);
  files_.set_content(range.file, std::move(bytes));
  damaged_ = true;
  repairable_ = repairable_ && range.repairable;
  return true;
}

void Disk::stop_faults() {
  options_.write_error_per_mille = options_.no_space_per_mille = 0;
  options_.read_error_per_mille = options_.bit_flip_per_mille = 0;
  files_.limit(std::nullopt);
  files_.heal();
  files_.heal_reads();
  fault_due_ = 0;
}

}  // namespace sim
