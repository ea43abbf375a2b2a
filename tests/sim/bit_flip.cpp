#include "bit_flip.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/segment_format.h"
#include "storage/snapshot_format.h"

namespace sim {
namespace {

constexpr std::size_t kSequenceOffset = 24;  // in a copy of the hard state

// Everything before this was synced, as a later frame says.
std::uint64_t proven_end(std::span<const std::byte> segment) {
  const auto header = storage::decode_segment_header(segment);
  if (!header) return 0;
  std::uint64_t proven = storage::kSegmentHeaderSize;
  for (std::uint64_t at = storage::kSegmentHeaderSize; at < segment.size();) {
    const auto frame =
        storage::decode_frame_header(segment.subspan(at), header->owner.directory, at);
    if (!frame) break;
    proven = std::max(proven, frame->synced);  // of a seal too, behind the last one
    at = storage::frame_aligned(at + storage::kFrameHeaderSize + frame->length);
  }
  return proven;
}

bool checks(std::span<const std::byte> copy) {
  return base::load_little_endian<std::uint64_t>(copy.data()) ==
         base::checksum(copy.subspan(sizeof(std::uint64_t)));
}

}  // namespace

std::vector<Range> detectable_ranges(const storage::SimulatedDisk& disk,
                                     const std::filesystem::path& directory) {
  std::vector<Range> ranges;
  bool repairable = false;
  const auto add = [&](const std::filesystem::path& file, std::uint64_t bytes) {
    if (bytes > 0) ranges.push_back({file, bytes, repairable});
  };
  const auto log = directory / "log";
  if (!disk.exists(directory / "identity") || !disk.exists(log)) return ranges;
  add(directory / "identity", disk.content(directory / "identity").size());
  repairable = true;
  std::filesystem::path last_segment;
  for (const auto& name : disk.list(log)) {
    if (!storage::index_of_segment(name)) continue;
    if (!last_segment.empty()) add(last_segment, disk.content(last_segment).size());
    last_segment = log / name;
  }
  if (!last_segment.empty()) add(last_segment, proven_end(disk.content(last_segment)));
  const auto snapshots = directory / "snapshots";
  for (const auto& name : disk.list(snapshots)) {
    if (!storage::index_of_snapshot(name, storage::SnapshotState::kComplete)) continue;
    add(snapshots / name, disk.content(snapshots / name).size());
  }
  const std::array copies{directory / "hard_state.0", directory / "hard_state.1"};
  if (!disk.exists(copies[0]) || !disk.exists(copies[1])) return ranges;
  std::array<std::uint64_t, 2> sequences{};
  for (std::size_t i = 0; i < copies.size(); ++i) {
    const auto bytes = disk.content(copies[i]);
    // Where one was damaged before, the promise stands in the other alone.
    if (bytes.size() < kSequenceOffset + sizeof(std::uint64_t) || !checks(bytes)) return ranges;
    sequences[i] = base::load_little_endian<std::uint64_t>(bytes.data() + kSequenceOffset);
  }
  const auto& older = copies[sequences[0] < sequences[1] ? 0 : 1];
  add(older, disk.content(older).size());
  return ranges;
}

}  // namespace sim
