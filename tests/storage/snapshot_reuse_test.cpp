// What a node has of a leader's snapshot in its own newest one is copied, and not asked for.
#include <algorithm>

#include "storage/catch.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

// The same content with a few bytes changed, some put in and some taken out.
std::vector<std::byte> changed(std::vector<std::byte> content, std::uint64_t seed) {
  base::Random random(seed);
  for (int change = 0; change < 3; ++change) {
    const auto at =
        content.begin() + static_cast<std::ptrdiff_t>(random.between(0, content.size() - 100));
    const auto bytes = content_of(random.between(1, 40), seed + static_cast<std::uint64_t>(change));
    if (random.chance(1, 3)) {
      content.erase(at, at + static_cast<std::ptrdiff_t>(bytes.size()));
    } else if (random.chance(1, 2)) {
      content.insert(at, bytes.begin(), bytes.end());
    } else {
      std::copy(bytes.begin(), bytes.end(), at);
    }
  }
  return content;
}

struct Bench {
  explicit Bench(std::span<const std::byte> own) { write(store, meta_of(7), own); }

  [[nodiscard]] static std::string file_of(raft::Index index) {
    return kSnapshots + "/" + snapshot_name(index, SnapshotState::kComplete);
  }

  SimulatedDisk disk;
  SnapshotStore store{disk, kSnapshots, kSnapshotOwner, kSmallBlocks};
};

TEST_CASE("snapshot_reuse_only_what_differs_is_asked_for") {
  std::uint64_t sent_bytes = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const auto own = content_of(20'000, seed);
    const Sent sent = make_sent(42, changed(own, seed));
    Bench bench(own);
    std::uint64_t copied = 0;
    const auto bytes = send_rest(bench.store, sent, 1000,
                                 [&](const Received& received) { copied = received.copied; });
    require_newest(bench.store, sent);
    // Nothing twice: what was not copied was sent.
    REQUIRE(bytes + copied == sent.transfer.size());
    sent_bytes += bytes - sent.meta.table_size();
  }
  CHECK(sent_bytes / 100 < 3'000);  // three changes touch few blocks of about 256 bytes
}

TEST_CASE("snapshot_reuse_of_an_equal_content_sends_the_table_alone") {
  const auto content = content_of(20'000, 1);
  const Sent sent = make_sent(42, content);
  Bench bench(content);
  CHECK(send_rest(bench.store, sent, 1000) == sent.meta.table_size());
  require_newest(bench.store, sent);
}

TEST_CASE("snapshot_reuse_copies_a_portion_with_each_part") {
  const auto content = content_of(20'000, 1);
  const Sent sent = make_sent(42, content);
  Bench bench(content);
  auto demand = send(bench.store, sent, 0, sent.meta.table_size()).demand;
  CHECK(demand.next_offset == sent.meta.transfer_size());
  CHECK(demand.wanted == 0);
  int parts = 0;
  for (;;) {
    const Received received = send(bench.store, sent, sent.meta.transfer_size(), 0);
    if (received.receipt == Receipt::kComplete) break;
    REQUIRE(received.demand.to_copy < demand.to_copy);
    REQUIRE(received.demand.to_copy + kSmallBlocks.copy_bytes + kSmallBlocks.blocks.most >=
            demand.to_copy);
    demand = received.demand;
    ++parts;
  }
  CHECK(parts > 10);
  require_newest(bench.store, sent);
}

TEST_CASE("snapshot_reuse_own_block_that_does_not_check_is_asked_for") {
  const auto content = content_of(20'000, 1);
  const Sent sent = make_sent(42, content);
  Tally tally("bits flipped in the own snapshot", {"cost one block"});
  for (std::size_t at = 0; at < content.size(); at += 61) {
    Bench bench(content);
    const auto file = Bench::file_of(7);
    const auto begin = bench.disk.content(file).size() - sent.transfer.size();
    bench.disk.flip_bit(file, (begin + at) * 8);
    const auto bytes = send_rest(bench.store, sent, 300) - sent.meta.table_size();
    REQUIRE(bytes > 0);
    REQUIRE(bytes <= kSmallBlocks.blocks.most);
    require_newest(bench.store, sent);
    tally.add("cost one block");
  }
}

TEST_CASE("snapshot_reuse_goes_on_with_an_own_snapshot_that_is_taken_meanwhile") {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    base::Random random(seed);
    const auto own = content_of(20'000, seed);
    const Sent sent = make_sent(42, changed(own, seed));
    Bench bench(own);
    auto left = random.between(0, 30);
    const auto replace = [&](const Received&) {
      if (left-- != 0) return;
      // Of the same blocks, of some of them, or of none.
      auto next = random.chance(1, 2) ? changed(own, seed + 1) : content_of(9'000, seed + 2);
      if (random.chance(1, 4)) next.clear();
      write(bench.store, meta_of(8), next);
    };
    send_rest(bench.store, sent, random.between(1, 2000), replace);
    require_newest(bench.store, sent);
    REQUIRE(bench.disk.list(kSnapshots).size() == 1);
  }
}

TEST_CASE("snapshot_reuse_goes_on_after_a_restart") {
  const auto own = content_of(20'000, 1);
  const Sent sent = make_sent(42, changed(own, 1));
  for (int parts = 0;; ++parts) {
    SimulatedDisk disk;
    bool complete = false;
    {
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
      write(store, meta_of(7), own);
      auto received = send(store, sent, 0, sent.meta.table_size());
      for (int part = 0; part < parts && received.receipt != Receipt::kComplete; ++part) {
        received = send(store, sent, received.demand.next_offset, received.demand.wanted);
      }
      complete = received.receipt == Receipt::kComplete;
    }
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
    if (!complete) {
      REQUIRE(store.receiving() == sent.meta);
      REQUIRE(send_rest(store, sent, 1000) < 4'000);
    }
    require_newest(store, sent);
    if (complete) return;
  }
}

}  // namespace
}  // namespace storage
