#include "inspector/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string_view>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "inspector/finding.h"

namespace inspector {
namespace {

constexpr std::size_t kMagicOffset = 8;
constexpr std::size_t kVersionOffset = 16;
constexpr std::size_t kIdentityFixedBytes = 48;
constexpr std::size_t kIndexDigits = 20;
// A list of 64 members with the longest endpoints is shorter.
constexpr std::uint32_t kMostRestBytes = 1 << 20;
constexpr std::size_t kSnapshotCountedFrom = 80;  // by the length that the header names
constexpr std::uint64_t kMostContentBytes = std::uint64_t{1} << 58;
constexpr std::uint64_t kFewBlocks = 1 << 16;
constexpr std::uint64_t kLeastAverageBlockBytes = 4 << 10;

template <typename Integer>
Integer load(Bytes bytes, std::size_t offset) {
  return base::load_little_endian<Integer>(bytes.data() + offset);
}

std::uint64_t load64(Bytes bytes, std::size_t offset) { return load<std::uint64_t>(bytes, offset); }

bool has_magic(Bytes bytes, std::string_view magic) {
  return std::memcmp(bytes.data() + kMagicOffset, magic.data(), magic.size()) == 0;
}

bool checks(Bytes bytes) { return load64(bytes, 0) == base::checksum(bytes.subspan(kMagicOffset)); }

// What is wrong with checksum, magic or version of a structure of at least 24 bytes; empty where
// nothing is. One of another version may be of another size, and then does not check as a whole.
std::string check_start(const Path& path, Bytes bytes, std::string_view magic,
                        std::uint32_t known) {
  const auto version = load<std::uint32_t>(bytes, kVersionOffset);
  if (checks(bytes) && has_magic(bytes, magic)) {
    if (version == known) return {};
    throw Unreadable(fmt::format(
        "{}, offset {}: the format version is {}, and this program knows version {}: use the "
        "raft-log of the release that wrote it",
        path.string(), kVersionOffset, version, known));
  }
  if (!has_magic(bytes, magic)) return fmt::format("the magic is not `{}`", magic);
  std::string problem = fmt::format("the checksum is {:016x}, the bytes give {:016x}",
                                    load64(bytes, 0), base::checksum(bytes.subspan(kMagicOffset)));
  if (version != known) {
    problem += fmt::format(" (the version says {}, this program knows {})", version, known);
  }
  return problem;
}

// Of a segment of another version it is as it says; version 2 did not say it, and had the least.
std::size_t segment_header_length(Bytes bytes) {
  if (bytes.size() < kLeastSegmentHeaderBytes ||
      load<std::uint32_t>(bytes, kVersionOffset) == kSegmentVersion) {
    return kSegmentHeaderBytes;
  }
  return std::clamp<std::size_t>(load<std::uint32_t>(bytes, 20), kLeastSegmentHeaderBytes,
                                 kMostSegmentHeaderBytes);
}

base::Error too_short(const char* what, std::uint64_t needed, std::size_t there) {
  return {fmt::format("{} needs {} bytes, the file has {}", what, needed, there)};
}

}  // namespace

base::Result<SegmentHeader> decode_segment_header(const Path& path, Bytes bytes) {
  const std::size_t length = segment_header_length(bytes);
  if (bytes.size() < length) return too_short("a segment header", length, bytes.size());
  const auto problem = check_start(path, bytes.first(length), "raft-log", kSegmentVersion);
  if (!problem.empty()) return base::Error{"the segment header does not check: " + problem};
  SegmentHeader header;
  header.owner = {load64(bytes, 24), load64(bytes, 64), load64(bytes, 72)};
  header.first_index = load64(bytes, 32);
  if (header.first_index == 0) return base::Error{"the segment says that it begins with entry 0"};
  header.before = {header.first_index - 1, load64(bytes, 48), load64(bytes, 40), load64(bytes, 56)};
  if (header.first_index == 1 && header.before != raft::LogPosition{}) {
    return base::Error{"the segment begins with entry 1 and yet follows another"};
  }
  return header;
}

std::string describe(const LogOwner& owner) {
  return fmt::format("data directory {:016x} of node {}", owner.directory, owner.node);
}

std::optional<FrameHeader> decode_frame_header(Bytes bytes, std::uint64_t owner,
                                               std::uint64_t offset) {
  if (bytes.size() < kFrameHeaderBytes) return std::nullopt;
  bytes = bytes.first(kFrameHeaderBytes);
  if (!has_magic(bytes, "log-fram") || !checks(bytes)) return std::nullopt;
  const FrameHeader frame{load64(bytes, 16), load64(bytes, 24), load64(bytes, 32),
                          load64(bytes, 40), load64(bytes, 48), load<std::uint32_t>(bytes, 56)};
  if (frame.owner != owner || frame.offset != offset) return std::nullopt;
  return frame;
}

std::string impossible(const FrameHeader& frame) {
  if (frame.count == 0 && frame.length > 0) return "a frame of no record";
  if (frame.synced > frame.offset) {
    return fmt::format("a frame at {} that says bytes up to {} were on disk before it",
                       frame.offset, frame.synced);
  }
  const bool fits = frame.length / kRecordHeaderBytes >= frame.count &&
                    frame.length <= UINT64_MAX - frame.offset - 2 * kFrameHeaderBytes;
  if (!fits) return fmt::format("a frame of {} records in {} bytes", frame.count, frame.length);
  return {};
}

RecordHeader load_record_header(Bytes bytes) {
  RecordHeader record;
  record.checksum = load64(bytes, 0);
  record.previous = load64(bytes, 8);
  record.index = load64(bytes, 16);
  record.term = load64(bytes, 24);
  record.time_ms = load64(bytes, 32);
  record.length = load<std::uint32_t>(bytes, 40);
  record.kind = load<std::uint8_t>(bytes, 44);
  record.zero = load<std::uint32_t>(bytes, 44) >> 8;
  return record;
}

std::uint64_t record_checksum(Bytes record) { return base::checksum(record.subspan(8)); }

std::string kind_name(std::uint8_t kind) {
  switch (kind) {
    case kNoOperation:
      return "no_operation";
    case kCommand:
      return "command";
    case kConfiguration:
      return "configuration";
    default:
      return fmt::format("unknown_{}", kind);
  }
}

base::Result<HardStateCopy> decode_hard_state(const Path& path, Bytes bytes, std::uint32_t which) {
  if (bytes.size() < kHardStateBytes) {
    return too_short("term and vote", kHardStateBytes, bytes.size());
  }
  bytes = bytes.first(kHardStateBytes);
  const auto problem = check_start(path, bytes, "fhard-st", kFormatVersion);
  if (!problem.empty()) return base::Error{"term and vote do not check: " + problem};
  const auto copy = load<std::uint32_t>(bytes, 20);
  if (copy != which) {
    return base::Error{fmt::format("this is copy {} in the file of copy {}", copy, which)};
  }
  return HardStateCopy{load64(bytes, 24), load64(bytes, 32), load64(bytes, 40)};
}

base::Result<IdentityFile> decode_identity(const Path& path, Bytes bytes) {
  if (bytes.size() < kIdentityFixedBytes) {
    return too_short("an identity", kIdentityFixedBytes, bytes.size());
  }
  const auto problem = check_start(path, bytes, "rftident", kFormatVersion);
  if (!problem.empty()) return base::Error{"the identity does not check: " + problem};
  const auto name = bytes.subspan(kIdentityFixedBytes);
  if (load<std::uint32_t>(bytes, 20) != name.size()) {
    return base::Error{fmt::format("the cluster name has {} bytes, the identity says {}",
                                   name.size(), load<std::uint32_t>(bytes, 20))};
  }
  return IdentityFile{{reinterpret_cast<const char*>(name.data()), name.size()},
                      load64(bytes, 24),
                      load64(bytes, 32),
                      load64(bytes, 40)};
}

base::Result<SnapshotHeader> read_snapshot_header(const File& file) {
  std::vector<std::byte> buffer(kSnapshotCountedFrom);
  Bytes bytes = file.read(0, buffer);
  if (bytes.size() < kSnapshotCountedFrom) {
    return too_short("a snapshot header", kSnapshotHeaderBytes, bytes.size());
  }
  const auto length = load<std::uint32_t>(bytes, 20);
  if (length > kMostRestBytes || kSnapshotCountedFrom + length > file.size()) {
    return base::Error{
        fmt::format("the rest of the snapshot's header has {} bytes, it says", length)};
  }
  buffer.resize(kSnapshotCountedFrom + length);
  bytes = file.read(0, buffer);
  if (bytes.size() < buffer.size()) return too_short("a snapshot", buffer.size(), bytes.size());
  const auto problem = check_start(file.path(), bytes, "raftsnap", kSnapshotVersion);
  if (!problem.empty()) return base::Error{"the snapshot's header does not check: " + problem};
  if (bytes.size() < kSnapshotHeaderBytes) {
    return too_short("a snapshot header", kSnapshotHeaderBytes, bytes.size());
  }
  auto configuration = raft::decode_configuration(bytes.subspan(kSnapshotHeaderBytes));
  if (!configuration) return base::Error{configuration.error()};
  SnapshotHeader header;
  header.owner = load64(bytes, 24);
  header.last = {load64(bytes, 32), load64(bytes, 40), load64(bytes, 48), load64(bytes, 56)};
  header.content_bytes = load64(bytes, 64);
  header.content_checksum = load64(bytes, 72);
  header.content_offset = buffer.size();
  header.configuration = std::move(*configuration);
  header.blocks = load64(bytes, 80);
  const std::uint64_t fewest = (header.content_bytes + kMostBlockBytes - 1) / kMostBlockBytes;
  if (header.content_bytes > kMostContentBytes || header.blocks > header.content_bytes ||
      header.blocks > kFewBlocks + header.content_bytes / kLeastAverageBlockBytes ||
      header.blocks < fewest) {
    return base::Error{
        fmt::format("a content of {} bytes in {} blocks", header.content_bytes, header.blocks)};
  }
  return header;
}

std::optional<raft::Index> index_in_name(const std::string& name, const std::string& suffix) {
  if (name.size() <= kIndexDigits || name.substr(kIndexDigits) != suffix) return std::nullopt;
  raft::Index index = 0;
  const char* end = name.data() + kIndexDigits;
  const auto parsed = std::from_chars(name.data(), end, index);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return index;
}

}  // namespace inspector
