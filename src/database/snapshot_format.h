// The bytes of a snapshot. Private to src/database. Integers are little-endian, checksums XXH3,
// 64 bits.
//
//   offset  size  field of the header
//        0     8  checksum, over all that follows in the header
//        8     8  magic, the bytes `raftsnap`
//       16     4  format version, 2
//       20     4  zero
//       24     8  applied index
//       32     8  time of the log in milliseconds
//
// Records follow, without gaps:
//
//        0     1  kind: 1 key, 2 channel, 3 session, 4 end
//        1     4  size of the name
//        5     4  size of the value
//        9     …  name, value
//
// Names rise within a kind, and kinds rise. Name and value of kinds 1 to 3 are those of the store
// (store.h, sessions.h); slots that count as empty are left out. The end is the last record: it has
// no name, its value is the number of records before it, 8 bytes, and a checksum over all bytes
// before it, the header too, 8 bytes.
//
// No other record says anything of those around it, so that a key that changes changes its own
// bytes and the two ends: what stores or sends the bytes block by block has little that is new.
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
inline constexpr std::uint32_t kSnapshotVersion = 2;
inline constexpr std::size_t kSnapshotHeaderSize = 40;
inline constexpr std::size_t kSnapshotRecordHeaderSize = 9;

enum class RecordKind : std::uint8_t { kKey = 1, kChannel = 2, kSession = 3, kEnd = 4 };

// The most that name and value of a record may have. A loader looks before it waits for the bytes:
// a damaged size must not gather the rest of a snapshot in memory. Keys and channels come from
// requests, which have at most 64 MiB, and much less of a name.
struct RecordLimits {
  std::size_t name;
  std::size_t value;
};
[[nodiscard]] constexpr RecordLimits limits_of(RecordKind kind) {
  constexpr std::size_t kName = 64 << 10;
  switch (kind) {
    case RecordKind::kKey:
      return {kName, std::size_t{65} << 20};
    case RecordKind::kChannel:
      return {kName, 8};
    case RecordKind::kSession:
      return {64, 64};
    case RecordKind::kEnd:
      return {0, 16};
  }
  return {0, 0};
}

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

[[nodiscard]] inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span<const char>(text));
}

[[nodiscard]] inline std::uint64_t checksum_of(std::string_view bytes) {
  return base::checksum(bytes_of(bytes));
}

}  // namespace database
