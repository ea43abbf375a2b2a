#include "bench/histogram.h"

#include <catch2/catch.hpp>

namespace {

using bench::Histogram;

TEST_CASE("histogram_empty_has_no_latency") {
  const Histogram histogram;
  REQUIRE(histogram.count() == 0);
  REQUIRE(histogram.at(0.5) == 0);
}

TEST_CASE("histogram_percentiles_are_exact_to_a_hundredth") {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1'000'000; ++value) histogram.add(value);
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    REQUIRE(static_cast<double>(histogram.at(quantile)) == Approx(quantile * 1e6).epsilon(0.01));
  }
  REQUIRE(histogram.at(1) == 1'000'000);
  REQUIRE(histogram.max() == 1'000'000);
}

TEST_CASE("histogram_small_values_are_exact") {
  Histogram histogram;
  for (std::uint64_t value = 0; value < 100; ++value) histogram.add(value);
  REQUIRE(histogram.at(0.5) == 49);
  REQUIRE(histogram.at(0.01) == 0);
}

TEST_CASE("histogram_percentile_is_the_value_of_its_rank") {
  // 0.07 * 100 is a little more than 7 in floating point, and the seventh value is meant.
  for (const int count : {10, 100, 700, 1000, 3000}) {
    Histogram histogram;
    for (int value = 1; value <= count; ++value) histogram.add(value <= count / 2 ? 1 : 100);
    REQUIRE(histogram.at(0.5) == 1);
  }
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 100; ++value) histogram.add(value);
  REQUIRE(histogram.at(0.07) == 7);
  REQUIRE(histogram.at(0.14) == 14);
  REQUIRE(histogram.at(0.141) == 15);
}

TEST_CASE("histogram_never_tells_a_latency_shorter_than_it_was") {
  for (std::uint64_t value = 1; value < std::uint64_t{1} << 43; value = value * 9 / 8 + 1) {
    Histogram histogram;
    histogram.add(value);
    histogram.add(UINT64_MAX);
    REQUIRE(histogram.at(0.5) >= value);
    REQUIRE(static_cast<double>(histogram.at(0.5)) <= static_cast<double>(value) * (1 + 1.0 / 128));
  }
}

TEST_CASE("histogram_takes_the_longest_time") {
  Histogram histogram;
  histogram.add(UINT64_MAX);
  REQUIRE(histogram.count() == 1);
  REQUIRE(histogram.max() == UINT64_MAX);
}

TEST_CASE("histogram_merge_adds_counts") {
  Histogram low;
  Histogram high;
  for (int i = 0; i < 90; ++i) low.add(10);
  for (int i = 0; i < 10; ++i) high.add(100);
  low.merge(high);
  REQUIRE(low.count() == 100);
  REQUIRE(low.at(0.9) == 10);
  REQUIRE(low.at(0.91) == 100);
}

}  // namespace
