#include "raft/log.h"

#include <algorithm>

#include "base/check.h"

namespace raft {

Log::Log(const Restored& restored)
    : base_(restored.base),
      last_index_(restored.last_index),
      last_checksum_(restored.last_checksum),
      last_time_ms_(restored.last_time_ms),
      term_runs_(restored.term_runs) {
  CHECK(base_.index <= last_index_, "log after {} to {}", base_.index, last_index_);
  CHECK(term_runs_.empty() == (last_index_ == base_.index), "log to {} with {} term runs",
        last_index_, term_runs_.size());
  for (const Entry& entry : restored.recent) {
    memory_bytes_ += entry.record.size();
    recent_.push_back(entry);
  }
  if (!recent_.empty()) {
    CHECK(recent_.back().index == last_index_, "the tail ends at {}, the log at {}",
          recent_.back().index, last_index_);
    last_checksum_ = recent_.back().checksum();
    last_time_ms_ = recent_.back().time_ms();
  }
}

Term Log::last_term() const { return term_runs_.empty() ? base_.term : term_runs_.back().term; }

std::optional<Term> Log::term_at(Index index) const {
  if (index == base_.index) return base_.term;
  if (index < base_.index || index > last_index_) return std::nullopt;
  const auto after =
      std::upper_bound(term_runs_.begin(), term_runs_.end(), index,
                       [](Index wanted, const TermRun& run) { return wanted < run.first_index; });
  return std::prev(after)->term;
}

Index Log::last_index_within(Index index, Term term) const {
  Index last = std::min(index, last_index_);
  for (auto run = term_runs_.rbegin(); run != term_runs_.rend(); ++run) {
    if (run->first_index > last) continue;
    if (run->term <= term) return last;
    last = run->first_index - 1;
  }
  return last;
}

const Entry& Log::at(Index index) const {
  CHECK(in_memory(index), "entry {} is not in memory ({} to {})", index, memory_first(),
        last_index_);
  return recent_[index - memory_first()];
}

std::vector<Entry> Log::slice(Index first, Index last, std::size_t max_bytes) const {
  CHECK(in_memory(first) && in_memory(last) && first <= last,
        "entries {} to {} are not in memory ({} to {})", first, last, memory_first(), last_index_);
  const auto begin = recent_.begin() + static_cast<std::ptrdiff_t>(first - memory_first());
  const auto all = begin + static_cast<std::ptrdiff_t>(last + 1 - first);
  auto end = begin;
  for (std::size_t bytes = 0; end != all; ++end) {
    bytes += end->record.size();
    if (end != begin && bytes > max_bytes) break;
  }
  return {begin, end};
}

std::size_t Log::bytes_between(Index first, Index last) const {
  std::size_t bytes = 0;
  for (Index each = std::max(first, memory_first()); each <= last; ++each) {
    bytes += at(each).record.size();
  }
  return bytes;
}

bool Log::chains_with(const Entry& entry, Index after) const {
  const std::optional<Term> term = term_at(after);
  if (entry.index != after + 1 || !term || entry.term < *term) return false;
  if (in_memory(after)) {
    return entry.previous_checksum() == at(after).checksum() &&
           entry.time_ms() >= at(after).time_ms();
  }
  if (after == base_.index && (after == 0 || base_.checksum != 0)) {
    return entry.previous_checksum() == base_.checksum;
  }
  return true;
}

void Log::append(std::vector<Entry> entries) {
  for (Entry& entry : entries) {
    CHECK(entry.index == last_index_ + 1 && entry.term >= last_term(),
          "entry {} of term {} after entry {} of term {}", entry.index, entry.term, last_index_,
          last_term());
    if (term_runs_.empty() || term_runs_.back().term != entry.term) {
      term_runs_.push_back({entry.index, entry.term});
    }
    last_index_ = entry.index;
    last_checksum_ = entry.checksum();
    last_time_ms_ = std::max(last_time_ms_, entry.time_ms());
    memory_bytes_ += entry.record.size();
    recent_.push_back(std::move(entry));
  }
}

void Log::truncate_from(Index index) {
  CHECK(index >= first_index() && index <= last_index_, "truncation from {} in a log of {} to {}",
        index, first_index(), last_index_);
  while (last_index_ >= index) {
    if (!recent_.empty()) {
      memory_bytes_ -= recent_.back().record.size();
      recent_.pop_back();
    }
    --last_index_;
  }
  while (!term_runs_.empty() && term_runs_.back().first_index > last_index_) {
    term_runs_.pop_back();
  }
  last_checksum_ = 0;
  if (!recent_.empty()) {
    last_checksum_ = recent_.back().checksum();
    last_time_ms_ = recent_.back().time_ms();
  } else if (last_index_ == base_.index) {
    last_checksum_ = base_.checksum;
    last_time_ms_ = base_.time_ms;
  }
}

void Log::compact(Index index) {
  CHECK(index >= base_.index && index <= last_index_, "compaction to {} in a log of {} to {}",
        index, base_.index, last_index_);
  LogPosition base{index, *term_at(index), 0, base_.time_ms};
  if (index == base_.index) return;
  if (in_memory(index)) {
    base.checksum = at(index).checksum();
    base.time_ms = at(index).time_ms();
  } else if (index == last_index_) {
    base.checksum = last_checksum_;
    base.time_ms = last_time_ms_;
  }
  while (!recent_.empty() && recent_.front().index <= index) {
    memory_bytes_ -= recent_.front().record.size();
    recent_.pop_front();
  }
  const auto kept = std::find_if(term_runs_.begin(), term_runs_.end(),
                                 [&](const TermRun& run) { return run.first_index > index + 1; });
  if (kept != term_runs_.begin()) {
    term_runs_.erase(term_runs_.begin(), std::prev(kept));
    term_runs_.front().first_index = index + 1;
  }
  if (index == last_index_) term_runs_.clear();
  base_ = base;
}

void Log::reset(const LogPosition& base) {
  base_ = base;
  last_index_ = base.index;
  last_checksum_ = base.checksum;
  last_time_ms_ = base.time_ms;
  term_runs_.clear();
  recent_.clear();
  memory_bytes_ = 0;
}

void Log::evict(Index index, std::size_t max_bytes) {
  while (memory_bytes_ > max_bytes && recent_.size() > 1 && recent_.front().index <= index) {
    memory_bytes_ -= recent_.front().record.size();
    recent_.pop_front();
  }
}

}  // namespace raft
