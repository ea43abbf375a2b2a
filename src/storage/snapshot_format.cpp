#include "storage/snapshot_format.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/damage.h"

namespace storage {
namespace {

constexpr std::uint64_t kMagic = 0x70616e7374666172;  // "raftsnap"
constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kChecksummedFrom = 8;
constexpr std::size_t kLengthOffset = 20;
constexpr std::size_t kOwnerOffset = 24;
constexpr std::size_t kBlocksOffset = 80;
constexpr std::size_t kConfigurationOffset = 88;
constexpr std::size_t kIndexDigits = 20;
// More than kMaxMembers with the longest endpoints need.
constexpr std::size_t kMaxRestBytes = 1 << 20;

std::string_view suffix_of(SnapshotState state) {
  switch (state) {
    case SnapshotState::kComplete:
      return ".snapshot";
    case SnapshotState::kWriting:
      return ".writing";
    case SnapshotState::kReceiving:
      return ".receiving";
  }
  return "";
}

template <typename Integer>
Integer load(std::span<const std::byte> bytes, std::size_t at) {
  return base::load_little_endian<Integer>(bytes.data() + at);
}

bool checks(std::span<const std::byte> head) {
  return head.size() >= kSnapshotHeaderSize &&
         load<std::uint64_t>(head, 0) == base::checksum(head.subspan(kChecksummedFrom)) &&
         load<std::uint64_t>(head, 8) == kMagic;
}

}  // namespace

std::vector<std::byte> encode_snapshot_head(const raft::SnapshotHead& meta, std::uint64_t owner) {
  const auto configuration = raft::encode_configuration(meta.configuration);
  std::vector<std::byte> bytes(kConfigurationOffset + configuration.size());
  std::byte* at = bytes.data();
  base::store_little_endian(at + 8, kMagic);
  base::store_little_endian(at + 16, kVersion);
  base::store_little_endian(at + kLengthOffset,
                            static_cast<std::uint32_t>(bytes.size() - kSnapshotHeaderSize));
  base::store_little_endian(at + kOwnerOffset, owner);
  base::store_little_endian(at + 32, meta.last.index);
  base::store_little_endian(at + 40, meta.last.term);
  base::store_little_endian(at + 48, meta.last.checksum);
  base::store_little_endian(at + 56, meta.last.time_ms);
  base::store_little_endian(at + 64, meta.size);
  base::store_little_endian(at + 72, meta.content_checksum);
  base::store_little_endian(at + kBlocksOffset, meta.blocks);
  std::copy_n(configuration.data(), configuration.size(), bytes.begin() + kConfigurationOffset);
  base::store_little_endian(at, base::checksum(std::span(bytes).subspan(kChecksummedFrom)));
  return bytes;
}

std::uint64_t snapshot_owner(std::span<const std::byte> header) {
  return header.size() < kSnapshotHeaderSize ? 0 : load<std::uint64_t>(header, kOwnerOffset);
}

base::Result<std::uint64_t> snapshot_head_size(std::span<const std::byte> header) {
  if (header.size() < kSnapshotHeaderSize) {
    return base::Error{fmt::format("a snapshot's header needs {} bytes, the file has {}",
                                   kSnapshotHeaderSize, header.size())};
  }
  const auto length = load<std::uint32_t>(header, kLengthOffset);
  if (length > kMaxRestBytes) {
    return base::Error{"the snapshot's header does not check"};
  }
  return kSnapshotHeaderSize + std::uint64_t{length};
}

std::optional<std::string> foreign_snapshot(std::span<const std::byte> bytes, std::uint64_t owner) {
  if (!checks(bytes)) return std::nullopt;
  const auto version = load<std::uint32_t>(bytes, 16);
  if (version != kVersion) {
    return unknown_version("the snapshot", version, kVersion);
  }
  if (load<std::uint64_t>(bytes, 24) == owner) return std::nullopt;
  return fmt::format("the snapshot belongs to data directory {:016x}, this is {:016x}",
                     load<std::uint64_t>(bytes, 24), owner);
}

base::Result<SnapshotFileHead> decode_snapshot_head(std::span<const std::byte> bytes,
                                                    std::uint64_t owner) {
  const auto size = snapshot_head_size(bytes.first(std::min(bytes.size(), kSnapshotHeaderSize)));
  if (!size) return base::Error{size.error()};
  if (bytes.size() != *size || !checks(bytes)) {
    return base::Error{"the snapshot's header does not check"};
  }
  if (const auto foreign = foreign_snapshot(bytes, owner)) return base::Error{*foreign};
  if (bytes.size() < kConfigurationOffset) return base::Error{"the snapshot's header is cut short"};
  auto configuration = raft::decode_configuration(bytes.subspan(kConfigurationOffset));
  if (!configuration) return base::Error{configuration.error()};
  SnapshotFileHead head;
  head.meta.last = {load<raft::Index>(bytes, 32), load<raft::Term>(bytes, 40),
                    load<std::uint64_t>(bytes, 48), load<raft::Milliseconds>(bytes, 56)};
  head.meta.configuration = std::move(*configuration);
  head.meta.size = load<std::uint64_t>(bytes, 64);
  head.meta.content_checksum = load<std::uint64_t>(bytes, 72);
  head.meta.blocks = load<std::uint64_t>(bytes, kBlocksOffset);
  head.content_offset = *size;
  if (!head.meta.is_possible()) {
    return base::Error{
        fmt::format("a content of {} bytes in {} blocks", head.meta.size, head.meta.blocks)};
  }
  return head;
}

std::string snapshot_name(raft::Index index, SnapshotState state) {
  return fmt::format("{:020}{}", index, suffix_of(state));
}

std::optional<raft::Index> index_of_snapshot(const std::string& name, SnapshotState state) {
  if (name.size() <= kIndexDigits ||
      std::string_view(name).substr(kIndexDigits) != suffix_of(state)) {
    return std::nullopt;
  }
  raft::Index index = 0;
  const char* end = name.data() + kIndexDigits;
  const auto parsed = std::from_chars(name.data(), end, index);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return index;
}

}  // namespace storage
