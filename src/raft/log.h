// Log: the replicated log as the core knows it. It begins after its base, the place up to which it
// is compacted; a snapshot stands for what was before. The terms of all entries, as runs; the
// recent entries themselves, bounded in bytes. What is older is on this node's disk alone.
//
// Invariants: entries are consecutive, terms do not fall, each record names the checksum of the
// one before it.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "raft/entry.h"
#include "raft/server.h"
#include "raft/types.h"

namespace raft {

class Log {
 public:
  explicit Log(const Restored& restored);

  [[nodiscard]] const LogPosition& base() const { return base_; }
  [[nodiscard]] Index first_index() const { return base_.index + 1; }
  [[nodiscard]] Index last_index() const { return last_index_; }
  [[nodiscard]] Term last_term() const;
  [[nodiscard]] std::uint64_t last_checksum() const { return last_checksum_; }
  [[nodiscard]] Milliseconds last_time_ms() const { return last_time_ms_; }

  // The term of an entry or of the base, 0 at index 0; none where it is compacted away or beyond
  // the end. The two are told apart by first_index(), and neither ever equals a term (A20).
  [[nodiscard]] std::optional<Term> term_at(Index index) const;
  [[nodiscard]] bool matches(Index index, Term term) const { return term_at(index) == term; }

  // The largest index at or below `index` whose term is at or below `term`. Where no entry is, the
  // base or what is before it: that is committed, so the logs of all who can lead agree on it.
  [[nodiscard]] Index last_index_within(Index index, Term term) const;

  [[nodiscard]] bool in_memory(Index index) const {
    return index >= memory_first() && index <= last_index_;
  }
  [[nodiscard]] const Entry& at(Index index) const;  // in memory
  // From `first` to `last`, both in memory: at least one, then as many as max_bytes allow.
  [[nodiscard]] std::vector<Entry> slice(Index first, Index last, std::size_t max_bytes) const;
  [[nodiscard]] std::size_t memory_bytes() const { return memory_bytes_; }
  // Of the entries from `first` to `last` that are in memory.
  [[nodiscard]] std::size_t bytes_between(Index first, Index last) const;

  // From last_index() + 1 on.
  void append(std::vector<Entry> entries);
  // Removes `index`, which exists, and all after it. `index` - 1 must be in memory or before the
  // first entry, or its checksum is unknown until the next append tells it.
  void truncate_from(Index index);
  // Forgets the oldest entries up to `index`, as few as bring the memory within `max_bytes`.
  void evict(Index index, std::size_t max_bytes);
  // `index`, base().index <= index <= last_index(), becomes the base.
  void compact(Index index);
  // Nothing is left but this base.
  void reset(const LogPosition& base);

  // Whether `entry` may follow the last one: by index, term and, where known, the chain.
  [[nodiscard]] bool chains_with(const Entry& entry, Index after) const;

 private:
  [[nodiscard]] Index memory_first() const { return last_index_ + 1 - recent_.size(); }

  LogPosition base_;
  Index last_index_;
  std::uint64_t last_checksum_ = 0;  // 0 also where it is not in memory
  Milliseconds last_time_ms_ = 0;
  std::vector<TermRun> term_runs_;
  std::deque<Entry> recent_;
  std::size_t memory_bytes_ = 0;
};

}  // namespace raft
