#include "bench/traffic.h"

#include <catch2/catch.hpp>

#include "bench/plan.h"
#include "bench/stage.h"

namespace {

using bench::Clock;
using bench::Plan;
using bench::Traffic;
using bench::Work;
using std::chrono::milliseconds;

Plan plan_of(double rate, double read_share = 0) {
  return Plan{.endpoints = {},
              .any_node = false,
              .local = false,
              .read_share = read_share,
              .clients = 1,
              .in_flight = 1,
              .value_bytes = 16,
              .keys = 100,
              .distribution = bench::Distribution::kUniform,
              .retry = false,
              .requests = {},
              .rate = rate,
              .worker = 0,
              .workers = 1,
              .outage = nullptr};
}

TEST_CASE("open_loop_is_due_at_even_distances_however_late_it_is_asked") {
  const Plan plan = plan_of(100);
  Traffic traffic(plan);
  const Clock::time_point start = Clock::time_point(std::chrono::hours(1));
  REQUIRE(traffic.front(start) != nullptr);
  REQUIRE(traffic.front(start)->due == start);
  traffic.pop();
  REQUIRE(traffic.front(start) == nullptr);
  REQUIRE(traffic.next_due(start) == start + milliseconds(10));
  // Nobody asked for a second: what was due in it is all there, with the time that it was due.
  const Clock::time_point late = start + milliseconds(1000);
  for (int i = 1; i <= 100; ++i) {
    const Work* work = traffic.front(late);
    REQUIRE(work != nullptr);
    REQUIRE(work->due == start + milliseconds(10 * i));
    traffic.pop();
  }
  REQUIRE(traffic.front(late) == nullptr);
}

TEST_CASE("open_loop_does_not_drift_over_an_hour") {
  const Plan plan = plan_of(3);
  Traffic traffic(plan);
  const Clock::time_point start = Clock::time_point(std::chrono::hours(1));
  const Clock::time_point late = start + std::chrono::hours(1);
  REQUIRE(traffic.front(start)->due == start);
  std::uint64_t count = 0;
  for (; traffic.front(late) != nullptr; traffic.pop()) ++count;
  REQUIRE(count == 3 * 3600 + 1);
}

TEST_CASE("closed_loop_always_has_a_request") {
  const Plan plan = plan_of(0);
  Traffic traffic(plan);
  const Clock::time_point now = Clock::now();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(traffic.front(now) != nullptr);
    traffic.pop();
  }
  REQUIRE(!traffic.next_due(now));
}

TEST_CASE("reads_are_the_share_that_was_asked_for") {
  for (const double share : {0.0, 0.25, 1.0}) {
    const Plan plan = plan_of(0, share);
    Traffic traffic(plan);
    int reads = 0;
    for (int i = 0; i < 10'000; ++i) {
      reads += traffic.front(Clock::now())->read ? 1 : 0;
      traffic.pop();
    }
    REQUIRE(reads == Approx(10'000 * share).margin(200));
  }
}

TEST_CASE("a_request_carries_its_key_and_id") {
  const Plan plan = plan_of(0);
  Traffic traffic(plan);
  const std::string frame(traffic.frame({.read = true, .key = 42, .due = {}}, 0x0102030405060708));
  REQUIRE(frame.find("bench/00000042") != std::string::npos);
  REQUIRE(frame.find(std::string("\x01\x02\x03\x04\x05\x06\x07\x08")) != std::string::npos);
}

TEST_CASE("only_the_measured_time_is_measured") {
  bench::Stage stage;
  const Clock::time_point before = Clock::now();
  REQUIRE(!stage.measures(before));
  stage.enter(bench::Phase::kMeasure);
  const Clock::time_point within = Clock::now();
  REQUIRE(stage.measures(within));
  stage.enter(bench::Phase::kDrain);
  stage.enter(bench::Phase::kEnd);
  REQUIRE(!stage.measures(before - milliseconds(1)));
  REQUIRE(!stage.measures(Clock::now()));
}

}  // namespace
