// Snapshots for tests: content that names its place, and stores that are written at one go.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "storage/simulated_disk.h"
#include "storage/snapshot_store.h"

namespace storage {

inline constexpr std::uint64_t kSnapshotOwner = 77;
inline const std::string kSnapshots = "node/snapshots";

inline std::vector<std::byte> content_of(std::size_t size, std::uint64_t seed) {
  base::Random random(seed);
  std::vector<std::byte> bytes(size);
  for (std::size_t at = 0; at < size; at += sizeof(std::uint64_t)) {
    const std::uint64_t drawn = random.next();
    std::memcpy(&bytes[at], &drawn, std::min(sizeof drawn, size - at));
  }
  return bytes;
}

inline raft::SnapshotHead meta_of(raft::Index index, raft::NodeId members = 3) {
  raft::SnapshotHead meta;
  if (index > 0) meta.last = {index, 1 + index / 10, index * 31, index * 1000};
  for (raft::NodeId node = 1; node <= members; ++node) {
    meta.configuration.members.push_back({node, node * 100, 0, "tcp://p", "tcp://c", "tcp://b"});
    meta.configuration.voters.push_back(node);
  }
  return meta;
}

inline void write(SnapshotStore& store, const raft::SnapshotHead& meta,
                  std::span<const std::byte> content) {
  store.begin(meta);
  store.append(content);
  static_cast<void>(store.finish());
}

// The whole content of the newest snapshot, as many bytes at a time.
inline std::vector<std::byte> read_all(const SnapshotStore& store, std::uint64_t step = 1 << 20) {
  std::vector<std::byte> bytes;
  const raft::Index index = store.newest()->last.index;
  for (;;) {
    const auto part = store.read(index, bytes.size(), step);
    if (!part || part->empty()) return bytes;
    bytes.insert(bytes.end(), part->data(), part->data() + part->size());
  }
}

// The meta that a leader has of this content.
inline raft::SnapshotHead sent_meta(raft::Index index, std::span<const std::byte> content) {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  write(store, meta_of(index), content);
  return *store.newest();
}

}  // namespace storage
