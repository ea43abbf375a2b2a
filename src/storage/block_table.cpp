#include "storage/block_table.h"

#include <algorithm>

#include "base/little_endian.h"

namespace storage {
namespace {

constexpr std::size_t kEntryBytes = raft::SnapshotHead::kTableEntryBytes;

}  // namespace

Block block_of(std::span<const std::byte> bytes) {
  return {static_cast<std::uint32_t>(bytes.size()), base::wide_checksum(bytes)};
}

std::optional<BlockTable> BlockTable::decode(std::span<const std::byte> bytes,
                                             const raft::SnapshotHead& head) {
  if (bytes.size() != head.table_size() || base::checksum(bytes) != head.content_checksum) {
    return std::nullopt;
  }
  BlockTable table;
  for (const std::byte* at = bytes.data(); at != bytes.data() + bytes.size(); at += kEntryBytes) {
    const Block block{base::load_little_endian<std::uint32_t>(at),
                      {base::load_little_endian<std::uint64_t>(at + 8),
                       base::load_little_endian<std::uint64_t>(at + 16)}};
    const bool zero = base::load_little_endian<std::uint32_t>(at + 4) == 0;
    if (block.size == 0 || block.size > raft::SnapshotHead::kMaxBlockBytes || !zero) {
      return std::nullopt;
    }
    table.add(block);
  }
  if (table.content_size() != head.size) return std::nullopt;
  return table;
}

void BlockTable::add(const Block& block) {
  blocks_.push_back(block);
  begins_.push_back(begins_.back() + block.size);
}

std::size_t BlockTable::block_at(std::uint64_t offset) const {
  const auto behind = std::upper_bound(begins_.begin(), begins_.end(), offset);
  return static_cast<std::size_t>(behind - begins_.begin()) - 1;
}

std::vector<std::byte> BlockTable::encode(std::size_t first, std::size_t end) const {
  std::vector<std::byte> bytes((end - first) * kEntryBytes);
  std::byte* at = bytes.data();
  for (std::size_t block = first; block < end; ++block, at += kEntryBytes) {
    base::store_little_endian(at, blocks_[block].size);
    base::store_little_endian(at + 8, blocks_[block].checksum.low);
    base::store_little_endian(at + 16, blocks_[block].checksum.high);
  }
  return bytes;
}

}  // namespace storage
