// A leader's snapshot in parts (A23): any order, any repetition, several at once, any crash.
#include <algorithm>
#include <array>
#include <numeric>

#include "base/checksum.h"
#include "storage/catch.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

Sent sent_of_size(raft::Index index, std::size_t size) {
  return make_sent(index, content_of(size, index));
}

TEST_CASE("snapshot_receive_parts_in_order_are_a_snapshot", "[A23]") {
  for (const std::size_t size : {0u, 1u, 1000u, 5000u}) {
    for (const std::size_t step : {1u << 20, 700u, 50u}) {
      const Sent sent = sent_of_size(42, size);
      SimulatedDisk disk;
      base::Random random(1);
      {
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
        write(store, meta_of(7), {});
        CHECK(send_rest(store, sent, step) == sent.transfer.size());
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

TEST_CASE("snapshot_receive_table_comes_before_any_content", "[A23]") {
  const Sent sent = sent_of_size(42, 5000);
  const std::uint64_t table = sent.meta.table_size();
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, sent, table, 5000).demand == raft::SnapshotDemand{0, table, 0});
  CHECK(send(store, sent, 0, table - 1).demand == raft::SnapshotDemand{table - 1, 1, 0});
  // One part may hold its end and what follows.
  CHECK(send(store, sent, table - 1, 5001).receipt == Receipt::kComplete);
  require_newest(store, sent);
}

TEST_CASE("snapshot_receive_parts_in_every_order_are_the_same_snapshot", "[A23]") {
  const Sent sent = sent_of_size(42, 4000);
  const std::size_t step = sent.transfer.size() / 5 + 1;
  std::array<std::size_t, 5> order{};
  std::iota(order.begin(), order.end(), std::size_t{0});
  do {
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    bool complete = false;
    for (int round = 0; round < 6 && !complete; ++round) {
      for (const std::size_t part : order) {
        const Received received = send(store, sent, part * step, step);
        complete = received.receipt == Receipt::kComplete;
        if (complete) break;
        REQUIRE(received.receipt == Receipt::kMore);
        REQUIRE(received.demand.wanted > 0);
      }
    }
    REQUIRE(complete);
    require_newest(store, sent);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("snapshot_receive_any_mixture_of_parts_is_harmless", "[A23]") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    INFO("seed " << seed);
    base::Random random(seed);
    const Sent sent = sent_of_size(42, 3000 + seed);
    const Sent other = sent_of_size(41, 3000 + seed);
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    bool complete = false;
    for (int part = 0; part < 40 && !complete; ++part) {
      const auto offset = random.between(0, sent.transfer.size() - 1);
      const auto length = std::min(random.between(0, 1500), sent.transfer.size() - offset);
      auto bytes =
          std::vector(sent.transfer.begin() + static_cast<std::ptrdiff_t>(offset),
                      sent.transfer.begin() + static_cast<std::ptrdiff_t>(offset + length));
      // The table is checked as a whole: of the content alone a part may be wrong.
      if (length > 0 && offset >= sent.meta.table_size() && random.chance(1, 3)) {
        bytes[random.between(0, length - 1)] ^= std::byte{1};
      }
      complete = store.receive(sent.meta, offset, bytes).receipt == Receipt::kComplete;
      if (!complete) static_cast<void>(send(store, other, 0, 1000));
    }
    if (!complete) send_rest(store, sent, random.between(1, 1000));
    require_newest(store, sent);
  }
}

TEST_CASE("snapshot_receive_parts_that_do_not_fit_are_not_written", "[A23]") {
  const Sent sent = sent_of_size(42, 10000);
  const std::uint64_t table = sent.meta.table_size();
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  // No whole block, so that what follows it has to fit.
  const std::uint64_t next = table + 60;
  const auto demand = send(store, sent, 0, next).demand;
  CHECK(demand.next_offset == next);
  CHECK(demand.wanted == 10000 - 60);
  CHECK(send(store, sent, 0, table + 60).demand == demand);                     // a rewind
  CHECK(send(store, sent, table + 30, 31).demand == demand);                    // an overlap
  CHECK(send(store, sent, table + 61, 2).demand == demand);                     // a gap
  CHECK(send(store, sent, next, 0).demand == demand);                           // nothing
  CHECK(store.receive(sent.meta, next, content_of(9941, 1)).demand == demand);  // too much
  CHECK(store.receive(sent.meta, UINT64_MAX, content_of(9, 1)).demand == demand);
  send_rest(store, sent, 777);
  require_newest(store, sent);
  raft::SnapshotHead huge = meta_of(50);
  huge.size = UINT64_MAX;
  CHECK(store.receive(huge, 0, content_of(9, 1)).receipt == Receipt::kRefused);
  huge.size = 5;
  CHECK(store.receive(huge, 0, content_of(9, 1)).receipt == Receipt::kRefused);  // of no block
}

TEST_CASE("snapshot_receive_two_transfers_at_once_end_with_the_newer", "[A23]") {
  const Sent older = sent_of_size(42, 10000);
  const Sent newer = sent_of_size(43, 15000);
  const Sent other = make_sent(43, content_of(15000, 99));
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, older, 0, 7000).demand.next_offset == 7000);
  CHECK(send(store, newer, 7000, 7000).demand.next_offset == 0);  // its first part is to come
  CHECK(store.receiving() == newer.meta);
  CHECK(send(store, older, 7000, 7000).receipt == Receipt::kRefused);
  CHECK(send(store, newer, 0, 7000).demand.next_offset == 7000);
  CHECK(send(store, other, 7000, 7000).receipt == Receipt::kRefused);
  CHECK(send(store, other, 0, 7000).receipt == Receipt::kRefused);
  CHECK(disk.list(kSnapshots).size() == 1);
  send_rest(store, newer, 7000);
  require_newest(store, newer);
  CHECK(send(store, older, 7000, 7000).receipt == Receipt::kNotNewer);
  CHECK(send(store, other, 0, 7000).receipt == Receipt::kNotNewer);
  CHECK(disk.list(kSnapshots).size() == 1);
}

TEST_CASE("snapshot_receive_of_a_leader_that_is_gone_can_be_forgotten") {
  const Sent newer = sent_of_size(43, 15000);
  const Sent older = sent_of_size(42, 10000);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, newer, 0, 7000).demand.next_offset == 7000);
  CHECK(send(store, older, 0, 7000).receipt == Receipt::kRefused);
  store.forget_receiving();
  CHECK_FALSE(store.receiving().has_value());
  send_rest(store, older, 7000);
  require_newest(store, older);
}

TEST_CASE("snapshot_receive_own_one_that_is_newer_ends_a_transfer") {
  const Sent sent = sent_of_size(42, 10000);
  SimulatedDisk disk;
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK(send(store, sent, 0, 7000).demand.next_offset == 7000);
  SECTION("newer") {
    write(store, meta_of(42), {});
    CHECK_FALSE(store.receiving().has_value());
    CHECK(send(store, sent, 7000, 7000).receipt == Receipt::kNotNewer);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
  SECTION("older") {
    write(store, meta_of(41), {});
    CHECK(store.receiving() == sent.meta);
    store.begin(meta_of(42));
    send_rest(store, sent, 7000);
    CHECK_FALSE(store.finish());
    require_newest(store, sent);
    CHECK(disk.list(kSnapshots).size() == 1);
  }
}

TEST_CASE("snapshot_receive_table_that_does_not_check_is_thrown_away", "[A23]") {
  const Sent good = sent_of_size(42, 10000);
  const std::uint64_t table = good.meta.table_size();
  for (std::size_t at = 0; at < table; ++at) {
    Sent sent = good;
    sent.transfer[at] ^= std::byte{1};
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    write(store, meta_of(7), {});
    CHECK(send(store, sent, 0, table - 1).receipt == Receipt::kMore);
    const Received received = send(store, sent, table - 1, 100);
    REQUIRE(received.receipt == Receipt::kDamaged);
    REQUIRE(received.demand == raft::SnapshotDemand{});
    REQUIRE(disk.list(kSnapshots).size() == 1);
    send_rest(store, good, 6000);
    require_newest(store, good);
  }
}

// With a checksum that fits: whoever made it meant it so, and it cannot be used all the same.
TEST_CASE("snapshot_receive_table_whose_lengths_do_not_fit_is_thrown_away", "[A23]") {
  const Sent good = sent_of_size(42, 10000);
  for (const auto& [at, byte] :
       {std::pair{0, std::byte{1}}, std::pair{2, std::byte{0x20}}, std::pair{4, std::byte{1}}}) {
    Sent sent = good;
    sent.transfer[static_cast<std::size_t>(at)] ^= byte;
    sent.meta.content_checksum =
        base::checksum(std::span(sent.transfer).first(sent.meta.table_size()));
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    CHECK(send(store, sent, 0, 20000).receipt == Receipt::kDamaged);
    CHECK(disk.list(kSnapshots).empty());
  }
}

TEST_CASE("snapshot_receive_block_that_does_not_check_is_asked_for_again_alone", "[A23]") {
  const Sent good = sent_of_size(42, 10000);
  const std::uint64_t table = good.meta.table_size();
  for (std::size_t at = 0; at < 10000; at += 97) {
    Sent sent = good;
    sent.transfer[table + at] ^= std::byte{1};
    SimulatedDisk disk;
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    const auto demand = send(store, sent, 0, 20000).demand;
    REQUIRE(demand.next_offset <= table + at);
    REQUIRE(demand.next_offset + demand.wanted > table + at);
    REQUIRE(demand.wanted <= kSmallBlocks.blocks.most);
    REQUIRE(send(store, good, demand.next_offset, demand.wanted).receipt == Receipt::kComplete);
    require_newest(store, good);
  }
}

TEST_CASE("snapshot_receive_goes_on_after_a_restart", "[A23]") {
  const Sent sent = sent_of_size(42, 30000);
  const std::uint64_t table = sent.meta.table_size();
  SimulatedDisk disk;
  std::uint64_t before = 0;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    before = send(store, sent, 0, table + 20000).demand.next_offset;
    // Of a later place: it counts as well.
    static_cast<void>(send(store, sent, table + 25000, 5000));
  }
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  REQUIRE(store.receiving() == sent.meta);
  const auto demand = send(store, sent, 0, 0).demand;
  CHECK(demand.next_offset > before - kSmallBlocks.blocks.most);  // whole blocks are kept
  CHECK(demand.next_offset + demand.wanted < table + 25000 + kSmallBlocks.blocks.most);
  send_rest(store, sent, 1000);
  require_newest(store, sent);
}

TEST_CASE("snapshot_receive_looks_at_what_is_there_in_portions_after_a_restart", "[A23]") {
  const Sent sent = sent_of_size(42, 30000);
  const std::uint64_t table = sent.meta.table_size();
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
    static_cast<void>(send(store, sent, 0, table + 20000));
  }
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
  // Anything may be there, so nothing is asked for yet.
  auto demand = send(store, sent, table, 0).demand;
  CHECK(demand.next_offset > table + 20000);
  CHECK(demand.to_copy > sent.meta.size - 2 * kSmallBlocks.copy_bytes);
  for (int portions = 0; demand.to_copy > 0; ++portions) {
    REQUIRE(portions < 1000);
    const std::uint64_t before = demand.to_copy;
    demand = send(store, sent, sent.meta.transfer_size(), 0).demand;
    REQUIRE(demand.to_copy < before);
    REQUIRE(demand.to_copy + kSmallBlocks.copy_bytes + kSmallBlocks.blocks.most >= before);
  }
  CHECK(demand.next_offset > table + 20000 - kSmallBlocks.blocks.most);
  CHECK(demand.next_offset + demand.wanted == sent.meta.transfer_size());
  send_rest(store, sent, 1000);
  require_newest(store, sent);
}

TEST_CASE("snapshot_receive_begins_anew_after_a_restart_without_a_whole_table", "[A23]") {
  const Sent sent = sent_of_size(42, 30000);
  SimulatedDisk disk;
  {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    static_cast<void>(send(store, sent, 0, sent.meta.table_size() - 1));
  }
  SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
  CHECK_FALSE(store.receiving());
  CHECK(disk.list(kSnapshots).empty());
  CHECK(send(store, sent, 0, 0).demand.next_offset == 0);
}

// It can be had again. What makes it unusable is no reason not to start.
TEST_CASE("snapshot_receive_part_that_cannot_go_on_is_dropped_at_a_start") {
  const Sent sent = sent_of_size(42, 30000);
  const std::string path = kSnapshots + "/" + snapshot_name(42, SnapshotState::kReceiving);
  SimulatedDisk disk;
  const auto part_is_there = [&] {
    SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    REQUIRE(send(store, sent, 0, sent.meta.table_size() + 20000).receipt == Receipt::kMore);
  };
  SECTION("of another directory") {
    part_is_there();
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner + 1);
    CHECK_FALSE(store.receiving());
    CHECK(disk.list(kSnapshots).empty());
  }
  SECTION("longer than its head says") {
    part_is_there();
    auto longer = disk.content(path);
    longer.push_back(std::byte{});
    disk.set_content(path, std::move(longer));
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    CHECK_FALSE(store.receiving());
  }
  SECTION("without room to write it once more") {
    { const SnapshotStore made(disk, kSnapshots, kSnapshotOwner); }
    const std::uint64_t made_by = disk.operations();
    { const SnapshotStore empty(disk, kSnapshots, kSnapshotOwner); }
    const std::uint64_t before_the_part = disk.operations() - made_by;
    part_is_there();
    for (std::uint64_t passing = before_the_part; true; ++passing) {
      disk.fail_after(passing, FaultKind::kNoSpace);
      const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      disk.heal();
      if (store.receiving()) {
        CHECK(passing == before_the_part + 2);  // head and table
        break;
      }
      CHECK(disk.list(kSnapshots).empty());
      part_is_there();
    }
  }
}

TEST_CASE("snapshot_receive_crash_after_any_change_leaves_the_old_or_the_new", "[A19][A23]") {
  // With blocks in common, so that some are copied.
  const Sent old = sent_of_size(7, 1000);
  auto content = content_of(3000, 42);
  std::copy_n(old.content.begin(), 1000, content.begin() + 1000);
  const Sent sent = make_sent(42, content);
  Tally tally("transfers with a power cut", {"left the old", "left the new"});
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    bool finished = false;
    for (std::uint64_t passing = 0; !finished; ++passing) {
      INFO("power cut after " << passing << ", seed " << seed);
      SimulatedDisk disk;
      base::Random random(seed * 1000 + passing);
      {
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
        write(store, meta_of(7), old.content);
        disk.fail_after(passing, FaultKind::kPowerCut);
        try {
          send_rest(store, sent, 500);
          finished = true;
        } catch (const DiskFault&) {
        }
      }
      disk.heal();
      for (int restart = 0; restart < 3; ++restart) {
        if (random.chance(2, 3)) disk.crash("node", random);
        SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
        if (store.newest()->last.index == 42) break;
        REQUIRE_FALSE(finished);
        require_newest(store, old);
        const Received found = store.receive(sent.meta, UINT64_MAX, {});
        if (found.receipt == Receipt::kComplete) break;
        static_cast<void>(send(store, sent, found.demand.next_offset, 700));
      }
      disk.crash("node", random);
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner, kSmallBlocks);
      const bool is_old = store.newest()->last.index != 42;
      tally.add(is_old ? "left the old" : "left the new");
      if (is_old) {
        require_newest(store, old);
        send_rest(store, sent, 500);
      }
      require_newest(store, sent);
      REQUIRE(disk.list(kSnapshots).size() == 1);
    }
  }
}

TEST_CASE("snapshot_receive_pages_dropped_by_a_failed_sync_are_written_again", "[A16]") {
  const Sent sent = sent_of_size(42, 15000);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    SimulatedDisk disk;
    base::Random random(seed);
    {
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      write(store, meta_of(7), {});
      disk.fail_after(0, FaultKind::kSync);
      CHECK_THROWS_AS(send(store, sent, 0, 20000), DiskFault);
    }
    {
      // The process was started again, the machine was not: it reads what is not on disk.
      SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
      REQUIRE(send(store, sent, 0, 0).receipt == Receipt::kComplete);
    }
    disk.crash("node", random);
    const SnapshotStore store(disk, kSnapshots, kSnapshotOwner);
    require_newest(store, sent);
  }
}

}  // namespace
}  // namespace storage
