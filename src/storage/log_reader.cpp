#include "storage/log_reader.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "storage/damage.h"
#include "storage/record_cursor.h"
#include "storage/segment_format.h"

namespace storage {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

}  // namespace

std::uint64_t bytes_of(std::span<const raft::Entry> entries) {
  std::uint64_t bytes = 0;
  for (const auto& entry : entries) bytes += entry.record.size();
  return bytes;
}

std::vector<raft::Entry> LogReader::read(raft::Index first, raft::Index last,
                                         std::size_t max_bytes) const {
  std::vector<raft::Entry> entries;
  std::size_t bytes = 0;
  for (raft::Index index = first; index <= last;) {
    const std::size_t place = contents_.segment_of(index);
    const Segment& segment = contents_.segments()[place];
    const auto path = directory_ / segment_name(segment.first_index());
    const bool is_active = active_ != nullptr && place + 1 == contents_.segments().size();
    const auto opened =
        is_active ? nullptr : file_system_.open(path, FileSystem::OpenMode::kReadOnly);
    const std::size_t chunk = std::min(max_bytes, kChunkBytes - kMarkSpacing) + kMarkSpacing;
    RecordCursor cursor(is_active ? *active_ : *opened, owner_,
                        LogContents::mark_before(segment, index), std::nullopt, chunk);
    const raft::Index end = std::min(last, contents_.last_index_of(place));
    while (index <= end) {
      auto entry = cursor.next();
      if (!entry) throw Damage(path, cursor.stop().offset, cursor.stop().reason);
      if (entry->index < index) continue;
      if (!entries.empty() && bytes + entry->record.size() > max_bytes) return entries;
      bytes += entry->record.size();
      entries.push_back(std::move(*entry));
      ++index;
    }
  }
  return entries;
}

std::vector<raft::Entry> LogReader::tail(std::size_t max_bytes) const {
  std::vector<raft::Entry> entries;
  std::uint64_t bytes = 0;
  raft::Index start = contents_.last().index + 1;
  while (start > contents_.base().index + 1 && (entries.empty() || bytes < max_bytes)) {
    const raft::Index before = std::exchange(
        start, step_back(start, max_bytes - std::min<std::uint64_t>(bytes, max_bytes)));
    auto earlier = read(start, before - 1, SIZE_MAX);
    bytes += bytes_of(earlier);
    entries.insert(entries.begin(), std::make_move_iterator(earlier.begin()),
                   std::make_move_iterator(earlier.end()));
  }
  std::size_t dropped = 0;
  while (bytes > max_bytes && dropped + 1 < entries.size()) {
    bytes -= entries[dropped++].record.size();
  }
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(dropped));
  return entries;
}

// A marked entry before `end` with at least `wanted` bytes of file from it to `end`, which is
// marked too or behind the last entry; the first entry where there are fewer.
raft::Index LogReader::step_back(raft::Index end, std::uint64_t wanted) const {
  std::uint64_t bytes = 0;
  const auto& segments = contents_.segments();
  for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
    std::uint64_t upper = segment->end;
    for (auto mark = segment->marks.rbegin(); mark != segment->marks.rend(); ++mark) {
      if (mark->index < end) bytes += upper - mark->offset;
      upper = mark->offset;
      if (mark->index < end && bytes >= wanted) return mark->index;
    }
  }
  return segments.front().first_index();
}

}  // namespace storage
