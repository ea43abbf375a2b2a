#include "storage/segment_format.h"

#include <algorithm>
#include <charconv>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "raft/entry.h"
#include "storage/damage.h"

namespace storage {
namespace {

constexpr std::uint64_t kSegmentMagic = 0x676f6c2d74666172;  // "raft-log"
constexpr std::uint64_t kFrameMagic = 0x6d6172662d676f6c;    // "log-fram"
constexpr std::size_t kChecksumOffset = 0;
constexpr std::size_t kMagicOffset = 8;
constexpr std::size_t kVersionOffset = 16;
constexpr std::size_t kSizeOffset = 20;
constexpr std::size_t kLeastHeaderSize = 64;
constexpr std::size_t kIndexDigits = 20;
constexpr const char* kSuffix = ".segment";

template <typename Integer>
void store(std::span<std::byte> bytes, std::size_t at, Integer value) {
  base::store_little_endian(bytes.data() + at, value);
}

template <typename Integer>
Integer load(std::span<const std::byte> bytes, std::size_t at) {
  return base::load_little_endian<Integer>(bytes.data() + at);
}

void add_checksum(std::span<std::byte> bytes) {
  store(bytes, kChecksumOffset, base::checksum(bytes.subspan(kMagicOffset)));
}

bool checks(std::span<const std::byte> header) {
  return load<std::uint64_t>(header, kChecksumOffset) ==
         base::checksum(header.subspan(kMagicOffset));
}

// Of a segment, as long as it says, which another version may say otherwise; empty where it does
// not check. Version 2 did not say it.
std::span<const std::byte> whole_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kLeastHeaderSize) return {};
  const auto size =
      std::max<std::size_t>(load<std::uint32_t>(bytes, kSizeOffset), kLeastHeaderSize);
  if (size > bytes.size() || load<std::uint64_t>(bytes, kMagicOffset) != kSegmentMagic) return {};
  return checks(bytes.first(size)) ? bytes.first(size) : std::span<const std::byte>{};
}

LogOwner load_owner(std::span<const std::byte> header) {
  return {load<raft::Identity>(header, 24), load<raft::NodeId>(header, 64),
          load<std::uint64_t>(header, 72)};
}

std::string describe(const LogOwner& owner) {
  return fmt::format("data directory {:016x} of node {}", owner.directory, owner.node);
}

}  // namespace

SegmentHeaderBytes encode(const SegmentHeader& header) {
  SegmentHeaderBytes bytes{};
  store(bytes, kMagicOffset, kSegmentMagic);
  store(bytes, kVersionOffset, kFormatVersion);
  store(bytes, kSizeOffset, static_cast<std::uint32_t>(kSegmentHeaderSize));
  store(bytes, 24, header.owner.directory);
  store(bytes, 32, header.first_index());
  store(bytes, 40, header.before.checksum);
  store(bytes, 48, header.before.term);
  store(bytes, 56, header.before.time_ms);
  store(bytes, 64, header.owner.node);
  store(bytes, 72, header.owner.cluster);
  add_checksum(bytes);
  return bytes;
}

FrameHeaderBytes encode(const FrameHeader& header) {
  FrameHeaderBytes bytes{};
  store(bytes, kMagicOffset, kFrameMagic);
  store(bytes, 16, header.owner);
  store(bytes, 24, header.offset);
  store(bytes, 32, header.synced);
  store(bytes, 40, header.first_index);
  store(bytes, 48, header.length);
  store(bytes, 56, header.count);
  add_checksum(bytes);
  return bytes;
}

std::optional<std::string> foreign_segment(std::span<const std::byte> bytes,
                                           const LogOwner& owner) {
  const auto header = whole_header(bytes);
  if (header.empty()) return std::nullopt;
  const auto version = load<std::uint32_t>(header, kVersionOffset);
  if (version != kFormatVersion) return unknown_version("the segment", version, kFormatVersion);
  if (header.size() != kSegmentHeaderSize) return std::nullopt;
  const LogOwner found = load_owner(header);
  if (found == owner) return std::nullopt;
  return fmt::format("the segment belongs to {}{}, this is {}: put each file where it was",
                     describe(found), found.cluster == owner.cluster ? "" : " in another cluster",
                     describe(owner));
}

base::Result<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kSegmentHeaderSize) {
    return base::Error{fmt::format("a segment header needs {} bytes, the file has {}",
                                   kSegmentHeaderSize, bytes.size())};
  }
  const auto header = whole_header(bytes);
  if (header.size() != kSegmentHeaderSize) return base::Error{"the segment header does not check"};
  const LogOwner owner = load_owner(header);
  if (const auto foreign = foreign_segment(header, owner)) return base::Error{*foreign};
  const raft::LogPosition before{load<raft::Index>(header, 32) - 1, load<raft::Term>(header, 48),
                                 load<std::uint64_t>(header, 40),
                                 load<raft::Milliseconds>(header, 56)};
  if (before.index == 0 && before != raft::LogPosition{}) {
    return base::Error{"the segment begins with entry 1 and yet follows another"};
  }
  return SegmentHeader{owner, before};
}

std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes,
                                               raft::Identity owner, std::uint64_t offset) {
  if (bytes.size() < kFrameHeaderSize) return std::nullopt;
  bytes = bytes.first(kFrameHeaderSize);
  if (load<std::uint64_t>(bytes, kMagicOffset) != kFrameMagic || !checks(bytes)) {
    return std::nullopt;
  }
  FrameHeader header;
  header.owner = load<std::uint64_t>(bytes, 16);
  header.offset = load<std::uint64_t>(bytes, 24);
  header.synced = load<std::uint64_t>(bytes, 32);
  header.first_index = load<raft::Index>(bytes, 40);
  header.length = load<std::uint64_t>(bytes, 48);
  header.count = load<std::uint32_t>(bytes, 56);
  const bool here = header.owner == owner && header.offset == offset && header.synced <= offset;
  const bool possible = header.length / raft::kRecordHeaderSize >= header.count &&
                        header.length <= UINT64_MAX - offset - kFrameHeaderSize - kFrameAlignment &&
                        (!header.is_seal() || header.length == 0);
  if (!here || !possible) return std::nullopt;
  return header;
}

std::vector<std::span<const std::byte>> frame_parts(std::span<const std::byte> header,
                                                    std::span<const raft::Entry> entries) {
  std::vector<std::span<const std::byte>> parts{header};
  const base::SharedBytes* before = nullptr;
  for (const auto& entry : entries) {
    if (before != nullptr && before->continues_with(entry.record)) {
      parts.back() = {parts.back().data(), parts.back().size() + entry.record.size()};
    } else {
      parts.push_back(entry.record.span());
    }
    before = &entry.record;
  }
  return parts;
}

std::string segment_name(raft::Index first_index) {
  return fmt::format("{:020}{}", first_index, kSuffix);
}

std::optional<raft::Index> index_of_segment(const std::string& name) {
  if (name.size() <= kIndexDigits || name.substr(kIndexDigits) != kSuffix) return std::nullopt;
  raft::Index index = 0;
  const char* end = name.data() + kIndexDigits;
  const auto parsed = std::from_chars(name.data(), end, index);
  if (parsed.ec != std::errc{} || parsed.ptr != end || index == 0) return std::nullopt;
  return index;
}

}  // namespace storage
