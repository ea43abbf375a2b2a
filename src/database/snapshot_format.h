// The bytes of a snapshot. Private to src/database. Integers are little-endian, checksums XXH3,
// 64 bits, over all that follows in their structure.
//
//   offset  size  field of the header
//        0     8  checksum
//        8     8  magic, the bytes `raftsnap`
//       16     4  format version, 1
//       20     4  zero
//       24     8  applied index
//       32     8  time of the log in milliseconds
//
// Blocks follow, without gaps:
//
//        0     8  checksum
//        8     8  previous: the checksum of the block before, of the header for the first
//       16     4  length of the content, at most 64 KiB
//       20     4  1 in the last block, which ends the snapshot, else 0
//       24     …  content
//
// So the last checksum covers everything. All contents in a row are records; only the last block
// is shorter than 64 KiB:
//
//        0     1  kind: 1 key, 2 channel, 3 session, 4 end
//        1     4  size of the name
//        5     4  size of the value
//        9     …  name, value
//
// Names rise within a kind, and kinds rise. Name and value of kinds 1 to 3 are those of the store
// (store.h, sessions.h); slots that count as empty are left out. The end has no
// name, its value is the number of records before it, 8 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "database/store.h"

namespace database {

inline constexpr std::string_view kSnapshotMagic = "raftsnap";
inline constexpr std::uint32_t kSnapshotVersion = 1;
inline constexpr std::size_t kSnapshotHeaderSize = 40;
inline constexpr std::size_t kBlockHeaderSize = 24;
inline constexpr std::size_t kBlockContentSize = 64 << 10;
inline constexpr std::size_t kSnapshotRecordHeaderSize = 9;

enum class RecordKind : std::uint8_t { kKey = 1, kChannel = 2, kSession = 3, kEnd = 4 };

// Only of a kind that the store has records of.
[[nodiscard]] constexpr Family family_of(RecordKind kind) {
  if (kind == RecordKind::kKey) return Family::kKeys;
  return kind == RecordKind::kChannel ? Family::kChannels : Family::kSessions;
}

template <typename Integer>
void append_integer(std::string& bytes, Integer value) {
  const std::size_t end = bytes.size();
  bytes.resize(end + sizeof value);
  base::store_little_endian(reinterpret_cast<std::byte*>(bytes.data() + end), value);
}

template <typename Integer>
[[nodiscard]] Integer load_integer(std::string_view bytes, std::size_t offset) {
  return base::load_little_endian<Integer>(
      reinterpret_cast<const std::byte*>(bytes.data() + offset));
}

[[nodiscard]] inline std::uint64_t checksum_of(std::string_view bytes) {
  return base::checksum(std::as_bytes(std::span<const char>(bytes)));
}

}  // namespace database
