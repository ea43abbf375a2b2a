// What a LogStore remembers of its segments: where entries lie, sparsely, and the terms of all.
// No file is touched here. Used by src/storage alone.
#pragma once

#include <cstdint>
#include <vector>

#include "raft/entry.h"
#include "raft/server.h"
#include "storage/record_cursor.h"

namespace storage {

// Marks are at least this far apart, so that the marks of a segment stay few.
inline constexpr std::uint64_t kMarkSpacing = 64 << 10;

struct Segment {
  raft::Index first_index = 1;
  std::uint64_t previous_checksum = 0;  // of the entry before the first
  std::uint64_t end = kHeaderSize;      // of its last record
  bool partial = false;                 // its last frame has lost records: nothing may follow
  std::vector<Mark> marks;              // rising; none where it holds no entry
};

// Invariant: at least one segment; they follow each other without gap from index 1 on.
class LogContents {
 public:
  void add_segment(raft::Index first_index);
  // The next entry, whose record begins at `offset`, in the last segment.
  void add(const raft::Entry& entry, std::uint64_t offset, std::uint64_t frame_end);
  // Forgets the last segment, which is not the only one, and its entries.
  void remove_segment();
  // Forgets `index`, which the last segment holds, and all after it.
  void cut(raft::Index index, std::uint64_t previous_checksum, std::uint64_t end, bool partial);

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
  [[nodiscard]] raft::Index last_index() const { return last_index_; }
  [[nodiscard]] raft::Term last_term() const;
  [[nodiscard]] std::uint64_t last_checksum() const { return last_checksum_; }

 private:
  void forget_from(raft::Index index, std::uint64_t previous_checksum);

  std::vector<Segment> segments_;
  std::vector<raft::TermRun> term_runs_;
  raft::Index last_index_ = 0;
  std::uint64_t last_checksum_ = 0;
};

}  // namespace storage
