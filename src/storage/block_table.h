// BlockTable: what is known of the blocks of a snapshot's content: their lengths and checksums, in
// order. docs/log-format.md specifies its bytes.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/checksum.h"
#include "raft/snapshot_head.h"

namespace storage {

struct Block {
  std::uint32_t size = 0;  // in bytes
  base::WideChecksum checksum;

  friend auto operator<=>(const Block&, const Block&) = default;
};

[[nodiscard]] Block block_of(std::span<const std::byte> bytes);

class BlockTable {
 public:
  BlockTable() = default;
  // None where these bytes are not the table that the head speaks of.
  [[nodiscard]] static std::optional<BlockTable> decode(std::span<const std::byte> bytes,
                                                        const raft::SnapshotHead& head);

  void add(const Block& block);

  [[nodiscard]] std::size_t count() const { return blocks_.size(); }
  [[nodiscard]] const Block& operator[](std::size_t block) const { return blocks_[block]; }
  [[nodiscard]] std::uint64_t content_size() const { return begins_.back(); }
  // Where a block begins in the content; of count(): where the content ends.
  [[nodiscard]] std::uint64_t begin_of(std::size_t block) const { return begins_[block]; }
  // Which block holds the byte at this offset of the content, which is inside of it.
  [[nodiscard]] std::size_t block_at(std::uint64_t offset) const;

  [[nodiscard]] std::vector<std::byte> encode() const { return encode(0, count()); }
  // The entries from `first` up to, not including, `end`.
  [[nodiscard]] std::vector<std::byte> encode(std::size_t first, std::size_t end) const;
  // What a head says of it.
  [[nodiscard]] std::uint64_t checksum() const { return base::checksum(encode()); }

 private:
  std::vector<Block> blocks_;
  std::vector<std::uint64_t> begins_ = {0};
};

}  // namespace storage
