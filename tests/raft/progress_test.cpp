#include "raft/progress.h"

#include <catch2/catch.hpp>

using raft::Progress;

namespace {

constexpr raft::Milliseconds kTimeout = 300;
constexpr raft::Milliseconds kHeartbeat = 50;

// A follower that lacks entry 1, while the log begins with 11.
Progress with_snapshot() {
  Progress progress(1, 0);
  progress.begin_snapshot(10);
  return progress;
}

}  // namespace

TEST_CASE("progress_caught_up_takes_one_fast_round (4.2.1, A5)") {
  Progress progress(1, 0);
  REQUIRE_FALSE(progress.caught_up(100, 0, kTimeout));  // the first round goes to 100
  progress.on_accepted(99);
  REQUIRE_FALSE(progress.caught_up(200, 299, kTimeout));
  progress.on_accepted(100);
  REQUIRE_FALSE(progress.caught_up(200, 300, kTimeout));  // too slow; the second goes to 200
  progress.on_accepted(199);
  REQUIRE_FALSE(progress.caught_up(300, 599, kTimeout));
  progress.on_accepted(200);
  REQUIRE(progress.caught_up(300, 599, kTimeout));
}

TEST_CASE("progress_caught_up_once_and_behind_again_is_behind (4.2.1, A5)") {
  Progress progress(1, 0);
  REQUIRE_FALSE(progress.caught_up(100, 0, kTimeout));
  progress.on_accepted(100);
  REQUIRE(progress.caught_up(200, 10, kTimeout));  // others are waited for; the next goes to 200
  progress.on_accepted(150);
  REQUIRE(progress.caught_up(9000, 309, kTimeout));  // it is still in time
  REQUIRE_FALSE(progress.caught_up(9000, 310, kTimeout));
  progress.on_accepted(200);
  REQUIRE_FALSE(progress.caught_up(9000, 320, kTimeout));  // it came too late; to 9000
  progress.on_accepted(9000);
  REQUIRE(progress.caught_up(9000, 600, kTimeout));
}

TEST_CASE("progress_an_empty_learner_has_not_caught_up_with_anything (A5)") {
  Progress progress(1, 0);
  for (raft::Milliseconds now = 0; now < 10'000; now += 10) {
    REQUIRE_FALSE(progress.caught_up(5, now, kTimeout));
  }
}

TEST_CASE("progress_snapshot_parts_go_one_at_a_time (A23)") {
  Progress progress = with_snapshot();
  REQUIRE_FALSE(progress.may_send(64, 1 << 20));
  REQUIRE(progress.next_snapshot_part()->next_offset == 0);
  progress.on_snapshot_part_sent();
  REQUIRE_FALSE(progress.next_snapshot_part());
  progress.on_snapshot_part_answered(10, {4, 6, 0});
  REQUIRE(progress.next_snapshot_part()->next_offset == 4);
}

TEST_CASE("progress_an_answer_that_comes_twice_sends_one_part (A23)") {
  Progress progress = with_snapshot();
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(10, {4, 6, 0});
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(10, {4, 6, 0});
  REQUIRE_FALSE(progress.next_snapshot_part());
  // A follower that lost what it had says so, and gets it again.
  progress.on_snapshot_part_answered(10, {0, 6, 0});
  REQUIRE(progress.next_snapshot_part()->next_offset == 0);
}

TEST_CASE("progress_copies_go_on_while_they_become_fewer_and_nothing_has_to_be_sent (A23)") {
  Progress progress = with_snapshot();
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(10, {4, 6, 90});
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(10, {4, 6, 80});  // of a part that came twice
  REQUIRE_FALSE(progress.next_snapshot_part());
  for (const std::uint64_t left : {70u, 30u, 10u}) {
    progress.on_snapshot_part_answered(10, {10, 0, left});
    REQUIRE(progress.next_snapshot_part()->next_offset == 10);
    progress.on_snapshot_part_sent();
    progress.on_snapshot_part_answered(10, {10, 0, left});
    REQUIRE_FALSE(progress.next_snapshot_part());
  }
}

TEST_CASE("progress_an_answer_about_another_snapshot_is_ignored (A23)") {
  Progress progress = with_snapshot();
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(9, {4, 6, 0});
  REQUIRE_FALSE(progress.next_snapshot_part());
}

TEST_CASE("progress_a_lost_part_is_repeated_after_two_heartbeats (A23)") {
  Progress progress = with_snapshot();
  progress.on_snapshot_part_sent();
  progress.on_heartbeat_answered(0, 1000, kHeartbeat);
  REQUIRE_FALSE(progress.next_snapshot_part());
  progress.on_heartbeat_answered(0, 1020, kHeartbeat);  // of a round of reads
  REQUIRE_FALSE(progress.next_snapshot_part());
  progress.on_heartbeat_answered(0, 1050, kHeartbeat);
  REQUIRE(progress.next_snapshot_part()->next_offset == 0);
}

TEST_CASE("progress_the_same_snapshot_is_resumed_and_another_begins_anew (A23)") {
  Progress progress = with_snapshot();
  progress.on_snapshot_part_sent();
  progress.on_snapshot_part_answered(10, {4, 6, 0});
  progress.on_silence();
  REQUIRE(progress.mode() == Progress::Mode::kProbe);
  progress.begin_snapshot(10);
  REQUIRE(progress.next_snapshot_part()->next_offset == 4);
  progress.begin_snapshot(12);
  REQUIRE(progress.next_snapshot_part()->next_offset == 0);
}

TEST_CASE("progress_goes_on_behind_the_snapshot_once_it_is_whole") {
  Progress progress = with_snapshot();
  progress.on_accepted(9);
  REQUIRE(progress.mode() == Progress::Mode::kSnapshot);
  REQUIRE_FALSE(progress.on_rejected(0, 1));
  progress.on_accepted(10);
  REQUIRE(progress.mode() == Progress::Mode::kPipeline);
  REQUIRE(progress.next_index() == 11);
  REQUIRE(progress.messages_in_flight() == 0);
}
