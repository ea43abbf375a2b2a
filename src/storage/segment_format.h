// The fixed-size headers of a segment file, to and from bytes. docs/log-format.md is their
// specification; the records between them are those of raft/entry.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/entry.h"
#include "raft/types.h"

namespace storage {

inline constexpr std::uint32_t kFormatVersion = 3;
inline constexpr std::size_t kSegmentHeaderSize = 80;
inline constexpr std::size_t kMostHeaderSize = 256;  // of a segment, in any version
inline constexpr std::size_t kFrameHeaderSize = 64;
inline constexpr std::uint64_t kFrameAlignment = 8;  // frames begin at multiples of it

using SegmentHeaderBytes = std::array<std::byte, kSegmentHeaderSize>;
using FrameHeaderBytes = std::array<std::byte, kFrameHeaderSize>;

// Whose a log is. The directory alone would tell: node and cluster are for whoever finds a file
// without its directory.
struct LogOwner {
  raft::Identity directory = 0;
  raft::NodeId node = 0;
  std::uint64_t cluster = 0;  // the checksum of its name

  friend bool operator==(const LogOwner&, const LogOwner&) = default;
};

// At the start of each segment file.
struct SegmentHeader {
  LogOwner owner;
  raft::LogPosition before;  // the entry before the first record, which is there already or to come

  [[nodiscard]] raft::Index first_index() const { return before.index + 1; }
};

// In front of the records of one write. A seal is one without records: it says that all before it
// is on disk, and gives way to the next write, which begins at the same place.
struct FrameHeader {
  raft::Identity owner = 0;     // the directory
  std::uint64_t offset = 0;     // of this header in its file
  std::uint64_t synced = 0;     // all bytes of the file before this offset were on disk by then
  raft::Index first_index = 0;  // of the first record
  std::uint64_t length = 0;     // of all records, in bytes
  std::uint32_t count = 0;      // of records; 0 in a seal

  [[nodiscard]] bool is_seal() const { return count == 0; }
};

[[nodiscard]] SegmentHeaderBytes encode(const SegmentHeader& header);
[[nodiscard]] FrameHeaderBytes encode(const FrameHeader& header);
[[nodiscard]] base::Result<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes);
// Why a segment whose header checks is none of this program or this directory; that is no damage.
[[nodiscard]] std::optional<std::string> foreign_segment(std::span<const std::byte> bytes,
                                                         const LogOwner& owner);
// None where the bytes are not a frame header of this owner that belongs at this offset.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes,
                                                             raft::Identity owner,
                                                             std::uint64_t offset);

// The bytes of a frame, as few runs of memory: its header, and the records behind it.
[[nodiscard]] std::vector<std::span<const std::byte>> frame_parts(
    std::span<const std::byte> header, std::span<const raft::Entry> entries);

[[nodiscard]] constexpr std::uint64_t frame_aligned(std::uint64_t offset) {
  return (offset + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

// "00000000000000000001.segment", and back; none for other names.
[[nodiscard]] std::string segment_name(raft::Index first_index);
[[nodiscard]] std::optional<raft::Index> index_of_segment(const std::string& name);

}  // namespace storage
