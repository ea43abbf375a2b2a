// Snapshots for tests: content that names its place, and stores that are written at one go.
#pragma once

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "storage/catch.h"
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

// So that a few thousand bytes are many blocks.
inline constexpr SnapshotOptions kSmallBlocks{{64, 256, 1024}, 700};

// A snapshot as a leader has it, and what of it travels.
struct Sent {
  raft::SnapshotHead meta;
  std::vector<std::byte> content;
  std::vector<std::byte> transfer;
};

inline Sent make_sent(raft::Index index, std::vector<std::byte> content,
                      const SnapshotOptions& options = kSmallBlocks) {
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner, options);
  write(store, meta_of(index), content);
  Sent sent{*store.newest(), std::move(content), {}};
  for (;;) {
    const auto part = store.read_transfer(index, sent.transfer.size(), 1000);
    if (part->empty()) return sent;
    sent.transfer.insert(sent.transfer.end(), part->data(), part->data() + part->size());
  }
}

inline Received send(SnapshotStore& store, const Sent& sent, std::uint64_t offset,
                     std::size_t size) {
  const std::size_t length = std::min<std::size_t>(size, sent.transfer.size() - offset);
  return store.receive(sent.meta, offset, std::span(sent.transfer).subspan(offset, length));
}

// As a leader does, in parts of at most `size` bytes: what the receiver says that it lacks. So many
// bytes it took; `each` is told of each answer.
inline std::uint64_t send_rest(
    SnapshotStore& store, const Sent& sent, std::size_t size,
    const std::function<void(const Received&)>& each = [](const Received&) {}) {
  std::uint64_t bytes = 0;
  Received received = send(store, sent, 0, 0);
  for (int i = 0; i < 10'000; ++i) {
    each(received);
    if (received.receipt == Receipt::kComplete) return bytes;
    REQUIRE(received.receipt == Receipt::kMore);
    const auto& demand = received.demand;
    const auto length = std::min<std::uint64_t>(demand.wanted, size);
    const bool at_end = demand.next_offset == sent.meta.transfer_size();
    REQUIRE((length > 0 || (at_end && demand.to_copy > 0)));
    bytes += length;
    received = send(store, sent, demand.next_offset, length);
  }
  FAIL("the transfer does not end");
  return bytes;
}

inline void require_newest(const SnapshotStore& store, const Sent& sent) {
  REQUIRE(store.newest() == sent.meta);
  REQUIRE(read_all(store) == sent.content);
}

}  // namespace storage
