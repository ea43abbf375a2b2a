#include "storage/segment.h"

#include <algorithm>

#include "base/check.h"

namespace storage {

void LogContents::add_segment(raft::Index first_index) {
  CHECK(first_index == last_index_ + 1, "a segment from {} behind entry {}", first_index,
        last_index_);
  Segment segment;
  segment.first_index = first_index;
  segment.previous_checksum = last_checksum_;
  segments_.push_back(std::move(segment));
}

void LogContents::add(const raft::Entry& entry, std::uint64_t offset, std::uint64_t frame_end) {
  CHECK(entry.index == last_index_ + 1, "entry {} behind entry {}", entry.index, last_index_);
  CHECK(entry.term >= last_term(), "entry {} of term {} behind term {}", entry.index, entry.term,
        last_term());
  Segment& segment = segments_.back();
  if (segment.marks.empty() || offset - segment.marks.back().offset >= kMarkSpacing) {
    // The header of a frame stands between the end of the record before and its first record.
    const bool first_of_frame = offset != segment.end;
    segment.marks.push_back(first_of_frame ? Mark{entry.index, segment.end, segment.end}
                                           : Mark{entry.index, offset, frame_end});
  }
  if (entry.term > last_term()) term_runs_.push_back({entry.index, entry.term});
  segment.end = offset + entry.record.size();
  last_index_ = entry.index;
  last_checksum_ = entry.checksum();
}

void LogContents::forget_from(raft::Index index, std::uint64_t previous_checksum) {
  while (!term_runs_.empty() && term_runs_.back().first_index >= index) term_runs_.pop_back();
  last_index_ = index - 1;
  last_checksum_ = previous_checksum;
}

void LogContents::remove_segment() {
  CHECK(segments_.size() > 1, "the only segment, from {}, may not go",
        segments_.back().first_index);
  forget_from(segments_.back().first_index, segments_.back().previous_checksum);
  segments_.pop_back();
}

void LogContents::cut(raft::Index index, std::uint64_t previous_checksum, std::uint64_t end,
                      bool partial) {
  Segment& segment = segments_.back();
  CHECK(index >= segment.first_index && index <= last_index_, "a cut at {} outside {} to {}", index,
        segment.first_index, last_index_);
  while (!segment.marks.empty() && segment.marks.back().index >= index) segment.marks.pop_back();
  segment.end = end;
  segment.partial = partial;
  forget_from(index, previous_checksum);
}

std::size_t LogContents::segment_of(raft::Index index) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), index,
      [](raft::Index wanted, const Segment& each) { return wanted < each.first_index; });
  CHECK(after != segments_.begin(), "no segment holds entry {}", index);
  return static_cast<std::size_t>(after - segments_.begin()) - 1;
}

raft::Index LogContents::last_index_of(std::size_t place) const {
  return place + 1 < segments_.size() ? segments_[place + 1].first_index - 1 : last_index_;
}

Mark LogContents::mark_before(const Segment& segment, raft::Index index) {
  const auto after =
      std::upper_bound(segment.marks.begin(), segment.marks.end(), index,
                       [](raft::Index wanted, const Mark& each) { return wanted < each.index; });
  CHECK(after != segment.marks.begin(), "no mark before entry {}", index);
  return *std::prev(after);
}

raft::Term LogContents::last_term() const {
  return term_runs_.empty() ? 0 : term_runs_.back().term;
}

}  // namespace storage
