// What a LogStore remembers of its segments: where entries lie, sparsely, the terms of all, and
// the configurations among them. No file is touched here. Used by src/storage alone.
#pragma once

#include <cstdint>
#include <vector>

#include "raft/configuration.h"
#include "raft/entry.h"
#include "raft/server.h"
#include "storage/record_cursor.h"

namespace storage {

// Marks are at least this far apart, so that the marks of a segment stay few.
inline constexpr std::uint64_t kMarkSpacing = 64 << 10;

struct Segment {
  raft::LogPosition before;                // the entry before its first
  std::uint64_t end = kSegmentHeaderSize;  // of its last record
  bool partial = false;                    // its last frame has lost records: nothing may follow
  std::vector<Mark> marks;                 // rising; none where it holds no entry

  [[nodiscard]] raft::Index first_index() const { return before.index + 1; }
};

// Invariant: at least one segment, once the first is added; each follows the one before without
// gap, the first one the base of the log.
class LogContents {
 public:
  // The first one may follow any entry, a further one follows last().
  void add_segment(const raft::LogPosition& before);
  // The next entry, whose record begins at `offset`, in the last segment.
  void add(const raft::Entry& entry, std::uint64_t offset, std::uint64_t frame_end);
  // Forgets the last segment, which is not the only one, and its entries.
  void remove_segment();
  // Forgets the first segment, which is not the only one, and its entries.
  void remove_first_segment();
  // Forgets all entries behind `last`, of which the last segment holds at least one.
  void cut(const raft::LogPosition& last, std::uint64_t end, bool partial);

  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }
  [[nodiscard]] Segment& last_segment() { return segments_.back(); }
  [[nodiscard]] const Segment& last_segment() const { return segments_.back(); }
  // The place in segments() of the segment that holds `index`.
  [[nodiscard]] std::size_t segment_of(raft::Index index) const;
  // The last entry of the segment at `place`.
  [[nodiscard]] raft::Index last_index_of(std::size_t place) const;
  // The mark at or before `index` in its segment.
  [[nodiscard]] static Mark mark_before(const Segment& segment, raft::Index index);

  [[nodiscard]] const std::vector<raft::TermRun>& term_runs() const { return term_runs_; }
  [[nodiscard]] const std::vector<raft::ConfigurationEntry>& configurations() const {
    return configurations_;
  }
  [[nodiscard]] const raft::LogPosition& base() const { return segments_.front().before; }
  // The last entry, or the base where there is none.
  [[nodiscard]] const raft::LogPosition& last() const { return last_; }

 private:
  void forget_behind(const raft::LogPosition& last);

  std::vector<Segment> segments_;
  std::vector<raft::TermRun> term_runs_;
  std::vector<raft::ConfigurationEntry> configurations_;  // by rising index
  raft::LogPosition last_;
};

}  // namespace storage
