// A leader's snapshot in parts (A23): any order, any repetition, several at once, any crash.
#include <algorithm>
#include <array>
#include <numeric>

#include "storage/catch.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

struct Sent {
  std::vector<std::byte> content;
  raft::SnapshotHead meta;
};

Sent make_sent(raft::Index index, std::size_t size) {
  Sent sent{content_of(size, index), {}};
  sent.meta = sent_meta(index, sent.content);
  return sent;
}

Received send(SnapshotStore& store, const Sent& sent, std::uint64_t offset, std::size_t size) {
  const std::size_t length = std::min<std::size_t>(size, sent.content.size() - offset);
  return store.receive(sent.meta, offset, std::span(sent.content).subspan(offset, length));
}

// As a leader does: from where the receiver says to the end.
void send_rest(SnapshotStore& store, const Sent& sent, std::uint64_t offset, std::size_t size) {
  for (int i = 0; i < 1000; ++i) {
    const Received received = send(store, sent, offset, size);
    if (received.receipt == Receipt::kComplete) return;
    REQUIRE(received.receipt == Receipt::kMore);
    offset = received.next_offset;
  }
  FAIL("the transfer does not end");
}

void require_newest(const SnapshotStore& store, const Sent& sent) {
  REQUIRE(store.newest() == sent.meta);
  REQUIRE(read_all(store) == sent.content);
}

TEST_CASE("snapshot_receive_parts_in_order_are_a_snapshot", "[A23]") {
  for (const std::size_t size : {0u, 1u, 65536u, 200000u}) {
    for (const std::size_t step : {1u << 20, 65536u, 50000u}) {
      const Sent sent = make_sent(42, size);
      SimulatedDisk disk;
      base::Random random(1);
      {
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
        write(store, meta_of(7), {});
        send_rest(store, sent, 0, step);
        require_newest(store, sent);
        CHECK(send(store, sent, 0, step).receipt == Receipt::kNotNewer);
      }
      disk.crash("node", random);  // it is durable on return
      const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      require_newest(store, sent);
      CHECK(disk.list(kSnapshots).size() == 1);
    }
  }
}

TEST_CASE("snapshot_receive_parts_in_every_order_are_the_same_snapshot", "[A23]") {
  const std::size_t step = 30000;
  const Sent sent = make_sent(42, 5 * step - 100);
  std::array<std::size_t, 5> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  do {
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    std::uint64_t expected = 0;
    bool complete = false;
    for (int round = 0; round < 5 && !complete; ++round) {
      for (const std::size_t part : order) {
        const Received received = send(store, sent, part * step, step);
        if (expected == part * step) expected = std::min(expected + step, sent.meta.size);
        REQUIRE(received.next_offset == expected);
        complete = received.receipt == Receipt::kComplete;
        if (complete) break;
        REQUIRE(received.receipt == Receipt::kMore);
      }
    }
    REQUIRE(complete);
    require_newest(store, sent);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("snapshot_receive_parts_that_do_not_fit_are_not_written", "[A23]") {
  const Sent sent = make_sent(42, 100000);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, sent, 0, 40000).next_offset == 40000);
  CHECK(send(store, sent, 0, 40000).next_offset == 40000);                            // a rewind
  CHECK(send(store, sent, 20000, 40000).next_offset == 40000);                        // an overlap
  CHECK(send(store, sent, 50000, 40000).next_offset == 40000);                        // a gap
  CHECK(send(store, sent, 40000, 0).next_offset == 40000);                            // nothing
  CHECK(store.receive(sent.meta, 40000, content_of(60001, 1)).next_offset == 40000);  // too much
  CHECK(store.receive(sent.meta, UINT64_MAX, content_of(9, 1)).next_offset == 40000);
  send_rest(store, sent, 40000, 7777);
  require_newest(store, sent);
  raft::SnapshotHead huge = meta_of(50);
  huge.size = UINT64_MAX;
  CHECK(store.receive(huge, 0, content_of(9, 1)).receipt == Receipt::kRefused);
}

TEST_CASE("snapshot_receive_two_transfers_at_once_end_with_the_newer", "[A23]") {
  const Sent older = make_sent(42, 100000);
  const Sent newer = make_sent(43, 150000);
  Sent other = make_sent(43, 150000);
  other.content = content_of(150000, 99);
  other.meta = sent_meta(43, other.content);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, older, 0, 70000).next_offset == 70000);
  CHECK(send(store, newer, 70000, 70000).next_offset == 0);  // its first part is still to come
  CHECK(store.receiving() == newer.meta);
  CHECK(send(store, older, 70000, 70000).receipt == Receipt::kRefused);
  CHECK(send(store, newer, 0, 70000).next_offset == 70000);
  CHECK(send(store, other, 70000, 70000).receipt == Receipt::kRefused);
  CHECK(send(store, other, 0, 70000).receipt == Receipt::kRefused);
  CHECK(disk.list(kSnapshots).size() == 1);
  send_rest(store, newer, 70000, 70000);
  require_newest(store, newer);
  CHECK(send(store, older, 70000, 70000).receipt == Receipt::kNotNewer);
  CHECK(send(store, other, 0, 70000).receipt == Receipt::kNotNewer);
  CHECK(disk.list(kSnapshots).size() == 1);
}

TEST_CASE("snapshot_receive_of_a_leader_that_is_gone_can_be_forgotten") {
  const Sent newer = make_sent(43, 150000);
  const Sent older = make_sent(42, 100000);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, newer, 0, 70000).next_offset == 70000);
  CHECK(send(store, older, 0, 70000).receipt == Receipt::kRefused);
  store.forget_receiving();
  CHECK_FALSE(store.receiving().has_value());
  send_rest(store, older, 0, 70000);
  require_newest(store, older);
}

TEST_CASE("snapshot_receive_own_one_that_is_newer_ends_a_transfer") {
  const Sent sent = make_sent(42, 100000);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, sent, 0, 70000).next_offset == 70000);
  SECTION("newer") {
    write(store, meta_of(42), {});
    CHECK_FALSE(store.receiving().has_value());
    CHECK(send(store, sent, 70000, 70000).receipt == Receipt::kNotNewer);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
  SECTION("older") {
    write(store, meta_of(41), {});
    CHECK(store.receiving() == sent.meta);
    store.begin(meta_of(42));
    send_rest(store, sent, 70000, 70000);
    CHECK_FALSE(store.finish());
    require_newest(store, sent);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
}

TEST_CASE("snapshot_receive_content_that_does_not_check_is_thrown_away", "[A23]") {
  Sent sent = make_sent(42, 100000);
  const Sent good = sent;
  for (const std::size_t at : {0u, 65535u, 65536u, 99999u}) {
    sent = good;
    sent.content[at] ^= std::byte{1};
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(7), {});
    CHECK(send(store, sent, 0, 60000).receipt == Receipt::kMore);
    const Received received = send(store, sent, 60000, 60000);
    CHECK(received.receipt == Receipt::kDamaged);
    CHECK(received.next_offset == 0);
    CHECK(store.newest()->last.index == 7);
    CHECK(disk.list(kSnapshots).size() == 1);
    send_rest(store, good, 0, 60000);
    require_newest(store, good);
  }
}

TEST_CASE("snapshot_receive_goes_on_after_a_restart", "[A23]") {
  const Sent sent = make_sent(42, 300000);
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    CHECK(send(store, sent, 0, 200000).next_offset == 200000);
  }
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  REQUIRE(store.receiving() == sent.meta);
  CHECK(send(store, sent, 200000, 1000).next_offset == 3 * kBlockBytes);  // whole blocks are kept
  send_rest(store, sent, 3 * kBlockBytes, 100000);
  require_newest(store, sent);
}

TEST_CASE("snapshot_receive_crash_after_any_change_leaves_the_old_or_the_new", "[A19][A23]") {
  const Sent old = make_sent(7, 1000);
  const Sent sent = make_sent(42, 150000);
  Tally tally("transfers with a power cut", {"left the old", "left the new"});
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    bool finished = false;
    for (std::uint64_t passing = 0; !finished; ++passing) {
      INFO("power cut after " << passing << ", seed " << seed);
      SimulatedDisk disk;
      base::Random random(seed * 1000 + passing);
      {
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
        write(store, meta_of(7), old.content);
        disk.fail_after(passing, FaultKind::kPowerCut);
        try {
          send_rest(store, sent, 0, 40000);
          finished = true;
        } catch (const DiskFault&) {
        }
      }
      disk.heal();
      for (int restart = 0; restart < 3; ++restart) {
        if (random.chance(2, 3)) disk.crash("node", random);
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
        if (store.newest()->last.index == 42) break;
        REQUIRE_FALSE(finished);
        require_newest(store, old);
        const Received found = store.receive(sent.meta, UINT64_MAX, {});
        if (found.receipt == Receipt::kComplete) break;
        REQUIRE(found.next_offset % kBlockBytes == 0);
        static_cast<void>(send(store, sent, found.next_offset, 20000));
      }
      disk.crash("node", random);
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      const bool is_old = store.newest()->last.index != 42;
      tally.add(is_old ? "left the old" : "left the new");
      if (is_old) {
        require_newest(store, old);
        send_rest(store, sent, 0, 40000);
      }
      require_newest(store, sent);
      REQUIRE(disk.list(kSnapshots).size() == 1);
    }
  }
}

TEST_CASE("snapshot_receive_pages_dropped_by_a_failed_sync_are_written_again", "[A16]") {
  const Sent sent = make_sent(42, 150000);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    {
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      write(store, meta_of(7), {});
      disk.fail_after(0, FaultKind::kSync);
      CHECK_THROWS_AS(send(store, sent, 0, 150000), DiskFault);
    }
    {
      // The process was started again, the machine was not: it reads what is not on disk.
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      REQUIRE(send(store, sent, 150000, 0).receipt == Receipt::kComplete);
    }
    disk.crash("node", random);
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    require_newest(store, sent);
  }
}

}  // namespace
}  // namespace storage
