// SnapshotHead: what is known of a snapshot without its content.
#pragma once

#include <cstdint>

#include "raft/configuration.h"
#include "raft/types.h"

namespace raft {

// What a snapshot stands for: all entries up to `last`, and the configuration in force there.
struct SnapshotHead {
  LogPosition last;
  Configuration configuration;
  std::uint64_t size = 0;              // of the content, in bytes
  std::uint64_t content_checksum = 0;  // as storage defines it; tells one content from another

  static constexpr std::uint64_t kMaxBlockBytes = 1 << 20;

  friend bool operator==(const SnapshotHead&, const SnapshotHead&) = default;
};

}  // namespace raft
