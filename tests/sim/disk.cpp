#include "disk.h"

#include <algorithm>

#include "report.h"

namespace sim {

void Disk::begin_sync(std::size_t count) {
  while (count-- > 0 && !waiting_.empty()) {
    writing_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

std::vector<raft::Persist> Disk::finish_sync() {
  for (const raft::Persist& order : writing_) write(order, order.entries.size());
  return std::exchange(writing_, {});
}

void Disk::truncate_from(raft::Index index) {
  require(index >= 1 && index <= log_.size(), "a truncation from {} of a stored log to {}", index,
          log_.size());
  log_.resize(index - 1);
}

void Disk::write(const raft::Persist& order, std::size_t entries) {
  if (order.hard_state) hard_state_ = *order.hard_state;
  if (order.truncate_from) truncate_from(*order.truncate_from);
  for (std::size_t i = 0; i < entries; ++i) {
    const raft::Entry& entry = order.entries[i];
    const std::uint64_t previous = log_.empty() ? 0 : log_.back().checksum();
    require(entry.index == log_.size() + 1 && entry.previous_checksum() == previous,
            "entry {} does not follow the stored log to {}", entry.index, log_.size());
    log_.push_back(entry);
  }
}

std::size_t Disk::crash(base::Random& random) {
  const std::size_t whole = random.between(0, writing_.size());
  for (std::size_t i = 0; i < whole; ++i) write(writing_[i], writing_[i].entries.size());
  if (whole < writing_.size()) {
    // One order is caught half-way: the hard state first, then the truncation, then entries.
    raft::Persist torn = writing_[whole];
    const std::uint64_t parts = random.between(0, 3);
    if (parts < 1) torn.hard_state.reset();
    if (parts < 2) torn.truncate_from.reset();
    write(torn, parts < 3 ? 0 : random.between(0, torn.entries.size()));
  }
  const std::size_t lost = writing_.size() - whole + waiting_.size();
  writing_.clear();
  waiting_.clear();
  return lost;
}

raft::Restored Disk::restored(raft::Index applied_index, std::size_t recent) const {
  raft::Restored restored;
  restored.hard_state = hard_state_;
  restored.applied_index = applied_index;
  restored.last_index = log_.size();
  for (const raft::Entry& entry : log_) {
    if (restored.term_runs.empty() || restored.term_runs.back().term != entry.term) {
      restored.term_runs.push_back({entry.index, entry.term});
    }
  }
  const std::size_t count = std::min(recent, log_.size());
  restored.recent.assign(log_.end() - static_cast<std::ptrdiff_t>(count), log_.end());
  return restored;
}

std::vector<raft::Entry> Disk::fetch(const raft::FetchEntries& wanted) const {
  std::vector<raft::Entry> entries;
  std::size_t bytes = 0;
  const raft::Index last = std::min<raft::Index>(wanted.last_index, log_.size());
  for (raft::Index index = wanted.first_index; index <= last; ++index) {
    bytes += log_[index - 1].record.size();
    if (!entries.empty() && bytes > wanted.max_bytes) break;
    entries.push_back(log_[index - 1]);
  }
  return entries;
}

}  // namespace sim
