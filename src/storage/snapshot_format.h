// The bytes of a snapshot file around its content. docs/log-format.md is their specification.
//
//   header, configuration     checksummed together
//   content                   opaque, in blocks (block_cutter.h)
//   table of the blocks       over it, the content checksum of the header (block_table.h)
//
// So a part of a large content can be verified without reading the rest, and a reader finds out
// which block is damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "raft/snapshot_head.h"

namespace storage {

// In all versions; these say how long the whole head is.
inline constexpr std::size_t kSnapshotHeaderSize = 80;

// Header and configuration as they stand at the start of a file.
[[nodiscard]] std::vector<std::byte> encode_snapshot_head(const raft::SnapshotHead& meta,
                                                          std::uint64_t owner);

struct SnapshotFileHead {
  raft::SnapshotHead meta;
  std::uint64_t content_offset = 0;
};
// From the first bytes of a file, snapshot_head_size() of them.
[[nodiscard]] base::Result<SnapshotFileHead> decode_snapshot_head(std::span<const std::byte> bytes,
                                                                  std::uint64_t owner);
// Whose snapshot these first kSnapshotHeaderSize bytes say it is, before anything is verified.
[[nodiscard]] std::uint64_t snapshot_owner(std::span<const std::byte> header);
// Why a whole head that checks is none of this program or this directory; that is no damage.
[[nodiscard]] std::optional<std::string> foreign_snapshot(std::span<const std::byte> bytes,
                                                          std::uint64_t owner);
// How many bytes the head has by its first kSnapshotHeaderSize; an error where it cannot be one.
[[nodiscard]] base::Result<std::uint64_t> snapshot_head_size(std::span<const std::byte> header);

enum class SnapshotState : std::uint8_t {
  kComplete,   // "….snapshot"
  kWriting,    // "….writing": this node's own, not finished
  kReceiving,  // "….receiving": a leader's, in part
};

// "00000000000000000042.snapshot", and back; none for other names.
[[nodiscard]] std::string snapshot_name(raft::Index index, SnapshotState state);
[[nodiscard]] std::optional<raft::Index> index_of_snapshot(const std::string& name,
                                                           SnapshotState state);

}  // namespace storage
