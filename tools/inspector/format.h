// The structures of docs/log-format.md, from bytes. Written from that page and from nothing else:
// what a node reads and what this reads are two readings of one page.
//
// Each decode says what is wrong as an Error. What checks and has a version that is not known is
// Unreadable: the page promises that checksum, magic and version stand where they stood.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "inspector/file.h"
#include "raft/configuration.h"
#include "raft/types.h"

namespace inspector {

using Bytes = std::span<const std::byte>;

// No other version is read.
inline constexpr std::uint32_t kFormatVersion = 2;  // of identity, and of term and vote
inline constexpr std::uint32_t kSegmentVersion = 3;
inline constexpr std::uint32_t kSnapshotVersion = 2;

inline constexpr std::uint64_t kSegmentHeaderBytes = 80;
inline constexpr std::uint64_t kLeastSegmentHeaderBytes = 64;  // in any version
inline constexpr std::uint64_t kMostSegmentHeaderBytes = 256;
inline constexpr std::uint64_t kFrameHeaderBytes = 64;
inline constexpr std::uint64_t kRecordHeaderBytes = 48;
inline constexpr std::uint64_t kFrameAlignment = 8;
inline constexpr std::uint64_t kHardStateBytes = 64;
inline constexpr std::uint64_t kSnapshotHeaderBytes = 88;  // before the configuration
inline constexpr std::uint64_t kBlockEntryBytes = 24;      // in the table of a snapshot's blocks
inline constexpr std::uint64_t kMostBlockBytes = 1 << 20;

inline constexpr std::uint8_t kNoOperation = 1;
inline constexpr std::uint8_t kCommand = 2;
inline constexpr std::uint8_t kConfiguration = 3;

// Whose a log is.
struct LogOwner {
  std::uint64_t directory = 0;
  raft::NodeId node = 0;
  std::uint64_t cluster = 0;  // the checksum of its name

  friend bool operator==(const LogOwner&, const LogOwner&) = default;
};

struct SegmentHeader {
  LogOwner owner;
  raft::Index first_index = 0;
  raft::LogPosition before;  // the entry before the first
};

struct FrameHeader {
  std::uint64_t owner = 0;
  std::uint64_t offset = 0;
  std::uint64_t synced = 0;
  raft::Index first_index = 0;
  std::uint64_t length = 0;
  std::uint32_t count = 0;
};

struct RecordHeader {
  std::uint64_t checksum = 0;
  std::uint64_t previous = 0;
  raft::Index index = 0;
  raft::Term term = 0;
  raft::Milliseconds time_ms = 0;
  std::uint32_t length = 0;
  std::uint8_t kind = 0;
  std::uint32_t zero = 0;

  [[nodiscard]] raft::LogPosition position() const { return {index, term, checksum, time_ms}; }
};

struct HardStateCopy {
  std::uint64_t sequence = 0;
  raft::Term term = 0;
  raft::NodeId voted_for = 0;  // 0: none

  friend bool operator==(const HardStateCopy&, const HardStateCopy&) = default;
};

struct IdentityFile {
  std::string cluster;
  raft::NodeId node = 0;
  std::uint64_t directory_id = 0;
  std::uint64_t starts = 0;
};

struct SnapshotHeader {
  std::uint64_t owner = 0;
  raft::LogPosition last;
  std::uint64_t content_bytes = 0;
  std::uint64_t content_checksum = 0;
  std::uint64_t blocks = 0;
  std::uint64_t content_offset = 0;
  raft::Configuration configuration;
};

// `path` names the file in what is thrown.
[[nodiscard]] base::Result<SegmentHeader> decode_segment_header(const Path& path, Bytes bytes);
[[nodiscard]] std::string describe(const LogOwner& owner);
// None where this is no frame header of `owner` that belongs at `offset`.
[[nodiscard]] std::optional<FrameHeader> decode_frame_header(Bytes bytes, std::uint64_t owner,
                                                             std::uint64_t offset);
// Why a frame header that checks cannot be one; empty where it can.
[[nodiscard]] std::string impossible(const FrameHeader& frame);
// Of at least kRecordHeaderBytes; nothing is checked.
[[nodiscard]] RecordHeader load_record_header(Bytes bytes);
// The whole record: its checksum.
[[nodiscard]] std::uint64_t record_checksum(Bytes record);
[[nodiscard]] std::string kind_name(std::uint8_t kind);

[[nodiscard]] base::Result<HardStateCopy> decode_hard_state(const Path& path, Bytes bytes,
                                                            std::uint32_t which);
[[nodiscard]] base::Result<IdentityFile> decode_identity(const Path& path, Bytes bytes);
[[nodiscard]] base::Result<SnapshotHeader> read_snapshot_header(const File& file);

// "00000000000000000042" + suffix, as 42; none for any other name.
[[nodiscard]] std::optional<raft::Index> index_in_name(const std::string& name,
                                                       const std::string& suffix);

}  // namespace inspector
