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
constexpr std::size_t kIndexDigits = 20;
constexpr const char* kSuffix = ".segment";

template <typename Integer>
void store(HeaderBytes& bytes, std::size_t at, Integer value) {
  base::store_little_endian(bytes.data() + at, value);
}

template <typename Integer>
Integer load(std::span<const std::byte> bytes, std::size_t at) {
  return base::load_little_endian<Integer>(bytes.data() + at);
}

void add_checksum(HeaderBytes& bytes) {
  store(bytes, kChecksumOffset, base::checksum(std::span(bytes).subspan(kMagicOffset)));
}

bool checks(std::span<const std::byte> bytes) {
  return load<std::uint64_t>(bytes, kChecksumOffset) ==
         base::checksum(bytes.subspan(kMagicOffset, kHeaderSize - kMagicOffset));
}

}  // namespace

HeaderBytes encode(const SegmentHeader& header) {
  HeaderBytes bytes{};
  store(bytes, kMagicOffset, kSegmentMagic);
  store(bytes, 16, kFormatVersion);
  store(bytes, 24, header.owner);
  store(bytes, 32, header.first_index());
  store(bytes, 40, header.before.checksum);
  store(bytes, 48, header.before.term);
  store(bytes, 56, header.before.time_ms);
  add_checksum(bytes);
  return bytes;
}

HeaderBytes encode(const FrameHeader& header) {
  HeaderBytes bytes{};
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

std::optional<std::string> foreign_segment(std::span<const std::byte> bytes, std::uint64_t owner) {
  if (bytes.size() < kHeaderSize || !checks(bytes)) return std::nullopt;
  if (load<std::uint64_t>(bytes, kMagicOffset) != kSegmentMagic) return std::nullopt;
  const auto version = load<std::uint32_t>(bytes, 16);
  if (version != kFormatVersion) {
    return unknown_version("the segment", version, kFormatVersion);
  }
  if (load<std::uint64_t>(bytes, 24) == owner) return std::nullopt;
  return fmt::format(
      "the segment belongs to data directory {:016x}, this is {:016x}: put each file where it was",
      load<std::uint64_t>(bytes, 24), owner);
}

base::Result<SegmentHeader> decode_segment_header(std::span<const std::byte> bytes) {
  if (bytes.size() < kHeaderSize) {
    return base::Error{
        fmt::format("a segment header needs {} bytes, the file has {}", kHeaderSize, bytes.size())};
  }
  if (!checks(bytes) || load<std::uint64_t>(bytes, kMagicOffset) != kSegmentMagic) {
    return base::Error{"the segment header does not check"};
  }
  if (const auto foreign = foreign_segment(bytes, load<std::uint64_t>(bytes, 24))) {
    return base::Error{*foreign};
  }
  const raft::LogPosition before{load<raft::Index>(bytes, 32) - 1, load<raft::Term>(bytes, 48),
                                 load<std::uint64_t>(bytes, 40),
                                 load<raft::Milliseconds>(bytes, 56)};
  if (before.index == 0 && before != raft::LogPosition{}) {
    return base::Error{"the segment begins with entry 1 and yet follows another"};
  }
  return SegmentHeader{load<std::uint64_t>(bytes, 24), before};
}

std::optional<FrameHeader> decode_frame_header(std::span<const std::byte> bytes,
                                               std::uint64_t owner, std::uint64_t offset) {
  if (bytes.size() < kHeaderSize) return std::nullopt;
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
                        header.length <= UINT64_MAX - offset - kHeaderSize - kFrameAlignment &&
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
