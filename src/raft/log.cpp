#include "raft/log.h"

#include <algorithm>

#include "base/check.h"

namespace raft {

Log::Log(const Restored& restored)
    : first_index_(restored.first_index),
      last_index_(restored.last_index),
      term_runs_(restored.term_runs) {
  CHECK(first_index_ >= 1 && first_index_ <= last_index_ + 1, "log from {} to {}", first_index_,
        last_index_);
  CHECK(term_runs_.empty() == (last_index_ < first_index_), "log to {} with {} term runs",
        last_index_, term_runs_.size());
  for (const Entry& entry : restored.recent) {
    memory_bytes_ += entry.record.size();
    recent_.push_back(entry);
  }
  if (!recent_.empty()) {
    CHECK(recent_.back().index == last_index_, "the tail ends at {}, the log at {}",
          recent_.back().index, last_index_);
    last_checksum_ = recent_.back().checksum();
  }
}

Term Log::last_term() const { return term_runs_.empty() ? 0 : term_runs_.back().term; }

std::optional<Term> Log::term_at(Index index) const {
  if (index == 0) return 0;
  if (index < first_index_ || index > last_index_) return std::nullopt;
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
  return 0;
}

const Entry& Log::at(Index index) const {
  CHECK(in_memory(index), "entry {} is not in memory ({} to {})", index, memory_first(),
        last_index_);
  return recent_[index - memory_first()];
}

std::vector<Entry> Log::slice(Index first, Index last, std::size_t max_bytes) const {
  std::vector<Entry> entries;
  std::size_t bytes = 0;
  for (Index index = first; index <= last; ++index) {
    const Entry& entry = at(index);
    bytes += entry.record.size();
    if (!entries.empty() && bytes > max_bytes) break;
    entries.push_back(entry);
  }
  return entries;
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
  if (after == 0) return entry.previous_checksum() == 0;
  return !in_memory(after) || entry.previous_checksum() == at(after).checksum();
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
    memory_bytes_ += entry.record.size();
    recent_.push_back(std::move(entry));
  }
}

void Log::truncate_from(Index index) {
  CHECK(index >= first_index_ && index <= last_index_, "truncation from {} in a log of {} to {}",
        index, first_index_, last_index_);
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
  last_checksum_ = recent_.empty() ? 0 : recent_.back().checksum();
}

void Log::evict(Index index, std::size_t max_bytes) {
  while (memory_bytes_ > max_bytes && recent_.size() > 1 && recent_.front().index <= index) {
    memory_bytes_ -= recent_.front().record.size();
    recent_.pop_front();
  }
}

}  // namespace raft
