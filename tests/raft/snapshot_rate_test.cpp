#include "raft/snapshot_rate.h"

#include <catch2/catch.hpp>

using raft::SnapshotRate;

namespace {

constexpr raft::Milliseconds kTickMs = 10;
constexpr raft::Milliseconds kLongestMs = 50;

// Sends parts as long as it may; the bytes.
std::uint64_t send_all(SnapshotRate& rate, std::uint64_t part) {
  std::uint64_t sent = 0;
  while (rate.may_send()) {
    rate.on_sent(part);
    sent += part;
  }
  return sent;
}

}  // namespace

TEST_CASE("snapshot_rate_is_kept_over_time_whatever_the_size_of_a_part") {
  for (const std::uint64_t bytes_per_second : {1u, 999u, 64u << 10, 64u << 20}) {
    for (const std::uint64_t part : {1u, 700u, 1u << 20}) {
      INFO(bytes_per_second << " bytes a second, parts of " << part);
      SnapshotRate rate(bytes_per_second, kLongestMs);
      std::uint64_t sent = 0;
      const raft::Milliseconds seconds = 100;
      for (raft::Milliseconds now = 1; now <= 1000 * seconds; now += kTickMs) {
        rate.on_tick(now);
        if (part > 1 || bytes_per_second < 1000) sent += send_all(rate, part);
      }
      CHECK(sent <= bytes_per_second * seconds + part);
      if (part > 1 && bytes_per_second > 999) CHECK(sent >= bytes_per_second * seconds * 99 / 100);
    }
  }
}

TEST_CASE("snapshot_rate_allows_a_tick_no_more_than_its_share_and_one_part") {
  SnapshotRate rate(100'000, kLongestMs);
  for (raft::Milliseconds now = 1; now <= 10'000; now += kTickMs) {
    rate.on_tick(now);
    // Nobody wants a part for a while: that is not made up for.
    if (now % 1000 < 500) continue;
    CHECK(send_all(rate, 300) <= 100'000 * kTickMs / 1000 + 300);
  }
}

// As where each turn looks at the clock for a lease, beside the ticks.
TEST_CASE("snapshot_rate_a_second_look_at_one_moment_takes_nothing_away") {
  SnapshotRate rate(100'000, kLongestMs);
  rate.on_tick(10);
  rate.on_tick(10);
  REQUIRE(send_all(rate, 300) >= 1000);
  rate.on_tick(10);
  REQUIRE_FALSE(rate.may_send());
}

TEST_CASE("snapshot_rate_makes_no_burst_of_a_pause") {
  SnapshotRate rate(100'000, kLongestMs);
  rate.on_tick(1'000'000);  // the clock of a machine that has run for long
  CHECK(send_all(rate, 300) <= 100'000 * kLongestMs / 1000 + 300);
  rate.on_tick(1'060'000);
  CHECK(send_all(rate, 300) <= 100'000 * kLongestMs / 1000 + 300);
}

TEST_CASE("snapshot_rate_of_a_part_that_is_larger_than_a_share_is_paid_by_later_ticks") {
  SnapshotRate rate(10'000, kLongestMs);  // 100 bytes a tick
  rate.on_tick(1);
  rate.on_tick(11);
  REQUIRE(send_all(rate, 1000) == 1000);
  for (raft::Milliseconds now = 21; now <= 101; now += kTickMs) {
    rate.on_tick(now);
    CHECK_FALSE(rate.may_send());
  }
  rate.on_tick(111);
  CHECK(rate.may_send());
}

TEST_CASE("snapshot_rate_of_none_is_no_limit") {
  SnapshotRate rate(0, kLongestMs);
  for (int parts = 0; parts < 100; ++parts) {
    REQUIRE(rate.may_send());
    rate.on_sent(64 << 20);
  }
}
