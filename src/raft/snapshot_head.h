// SnapshotHead: what is known of a snapshot without its content.
#pragma once

#include <cstdint>

#include "raft/configuration.h"
#include "raft/types.h"

namespace raft {

// What a snapshot stands for: all entries up to `last`, and the configuration in force there. Its
// content is stored and sent in blocks, of which a table says length and checksum, as storage
// defines it.
struct SnapshotHead {
  LogPosition last;
  Configuration configuration;
  std::uint64_t size = 0;              // of the content, in bytes
  std::uint64_t content_checksum = 0;  // of the table; tells one content from another
  std::uint64_t blocks = 0;            // their number

  static constexpr std::uint64_t kTableEntryBytes = 24;
  static constexpr std::uint64_t kMaxBlockBytes = 1 << 20;
  // So that a table is small beside the content: of more blocks than a few, the average is no less.
  static constexpr std::uint64_t kFewBlocks = 1 << 16;
  static constexpr std::uint64_t kLeastAverageBytes = 4 << 10;
  // Keeps sums of offsets and sizes that came from outside within 64 bits.
  static constexpr std::uint64_t kMaxSize = std::uint64_t{1} << 58;

  // A block has at least one byte.
  [[nodiscard]] bool is_possible() const {
    return size <= kMaxSize && blocks <= size && blocks <= kFewBlocks + size / kLeastAverageBytes &&
           blocks >= size / kMaxBlockBytes + (size % kMaxBlockBytes != 0 ? 1 : 0);
  }
  // What travels is the table, and behind it the content. Where is_possible().
  [[nodiscard]] std::uint64_t table_size() const { return blocks * kTableEntryBytes; }
  [[nodiscard]] std::uint64_t transfer_size() const { return table_size() + size; }

  friend bool operator==(const SnapshotHead&, const SnapshotHead&) = default;
};

// What the receiver of a snapshot lacks of it; offsets are those of what travels.
struct SnapshotDemand {
  std::uint64_t next_offset = 0;  // nothing before it has to come
  std::uint64_t wanted = 0;   // so many bytes have to from there on, without a gap; 0: not known,
                              // or none
  std::uint64_t to_copy = 0;  // so many bytes it has itself and copies, some after each part

  friend bool operator==(const SnapshotDemand&, const SnapshotDemand&) = default;
};

}  // namespace raft
