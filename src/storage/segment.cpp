#include "storage/segment.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace storage {

void LogContents::add_segment(const raft::LogPosition& before) {
  CHECK(segments_.empty() || before == last_, "a segment from {} behind entry {}", before.index + 1,
        last_.index);
  Segment segment;
  segment.before = before;
  segments_.push_back(std::move(segment));
  last_ = before;
}

void LogContents::add(const raft::Entry& entry, std::uint64_t offset, std::uint64_t frame_end) {
  CHECK(entry.index == last_.index + 1 && entry.term >= last_.term &&
            entry.time_ms() >= last_.time_ms,
        "entry {} of term {} at {} ms behind entry {} of term {} at {} ms", entry.index, entry.term,
        entry.time_ms(), last_.index, last_.term, last_.time_ms);
  Segment& segment = segments_.back();
  if (segment.marks.empty() || offset - segment.marks.back().offset >= kMarkSpacing) {
    // The header of a frame stands between the end of the record before and its first record.
    const bool first_of_frame = offset != segment.end;
    segment.marks.push_back(first_of_frame ? Mark{entry.index, segment.end, segment.end}
                                           : Mark{entry.index, offset, frame_end});
  }
  if (term_runs_.empty() || entry.term > last_.term) {
    term_runs_.push_back({entry.index, entry.term});
  }
  if (entry.kind == raft::EntryKind::kConfiguration) {
    auto configuration = raft::decode_configuration(entry.payload().span());
    CHECK(configuration.ok(), "entry {}: {}", entry.index, configuration.error());
    configurations_.push_back({entry.index, std::move(*configuration)});
  }
  segment.end = offset + entry.record.size();
  last_ = raft::position_of(entry);
}

void LogContents::forget_behind(const raft::LogPosition& last) {
  while (!term_runs_.empty() && term_runs_.back().first_index > last.index) term_runs_.pop_back();
  while (!configurations_.empty() && configurations_.back().index > last.index) {
    configurations_.pop_back();
  }
  last_ = last;
}

void LogContents::remove_segment() {
  CHECK(segments_.size() > 1, "the only segment, from {}, may not go",
        segments_.back().first_index());
  forget_behind(segments_.back().before);
  segments_.pop_back();
}

void LogContents::remove_first_segment() {
  CHECK(segments_.size() > 1, "the only segment, from {}, may not go",
        segments_.front().first_index());
  segments_.erase(segments_.begin());
  const raft::Index first = segments_.front().first_index();
  std::erase_if(configurations_, [&](const auto& each) { return each.index < first; });
  while (term_runs_.size() > 1 && term_runs_[1].first_index <= first) {
    term_runs_.erase(term_runs_.begin());
  }
  if (first > last_.index) {
    term_runs_.clear();
  } else {
    term_runs_.front().first_index = first;
  }
}

void LogContents::cut(const raft::LogPosition& last, std::uint64_t end, bool partial) {
  Segment& segment = segments_.back();
  CHECK(last.index >= segment.before.index && last.index < last_.index,
        "a cut behind {} outside {} to {}", last.index, segment.first_index(), last_.index);
  while (!segment.marks.empty() && segment.marks.back().index > last.index) {
    segment.marks.pop_back();
  }
  segment.end = end;
  segment.partial = partial;
  forget_behind(last);
}

std::size_t LogContents::segment_of(raft::Index index) const {
  const auto after = std::upper_bound(
      segments_.begin(), segments_.end(), index,
      [](raft::Index wanted, const Segment& each) { return wanted < each.first_index(); });
  CHECK(after != segments_.begin(), "no segment holds entry {}", index);
  return static_cast<std::size_t>(after - segments_.begin()) - 1;
}

raft::Index LogContents::last_index_of(std::size_t place) const {
  return place + 1 < segments_.size() ? segments_[place + 1].before.index : last_.index;
}

Mark LogContents::mark_before(const Segment& segment, raft::Index index) {
  const auto after =
      std::upper_bound(segment.marks.begin(), segment.marks.end(), index,
                       [](raft::Index wanted, const Mark& each) { return wanted < each.index; });
  CHECK(after != segment.marks.begin(), "no mark before entry {}", index);
  return *std::prev(after);
}

}  // namespace storage
