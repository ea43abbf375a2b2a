#include "bench/index_set.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/random.h"

namespace {

using bench::IndexSet;

TEST_CASE("index_set_counts_each_index_once_as_a_set_does") {
  base::Random random(1);
  IndexSet indices;
  std::set<std::uint64_t> expected;
  for (int i = 0; i < 200'000; ++i) {
    const std::uint64_t index = random.between(1, 100'000);
    indices.insert(index);
    expected.insert(index);
  }
  REQUIRE(indices.size() == expected.size());
  REQUIRE(indices.highest() == *expected.rbegin());
}

TEST_CASE("index_set_takes_again_what_is_in_a_full_stretch") {
  IndexSet indices;
  for (int round = 0; round < 2; ++round) {
    for (std::uint64_t index = 0; index < 100'000; ++index) indices.insert(index);
  }
  REQUIRE(indices.size() == 100'000);
}

TEST_CASE("index_set_merges_what_overlaps") {
  IndexSet whole;
  IndexSet odd;
  for (std::uint64_t index = 1; index <= 70'000; ++index) whole.insert(index);
  for (std::uint64_t index = 1; index <= 140'001; index += 2) odd.insert(index);
  IndexSet merged;
  merged.merge(odd);
  merged.merge(whole);
  REQUIRE(merged.size() == 70'000 + 35'001);
  REQUIRE(merged.highest() == 140'001);
}

TEST_CASE("index_set_bears_a_wild_index") {
  IndexSet indices;
  indices.insert(~std::uint64_t{0});
  indices.insert(0);
  REQUIRE(indices.size() == 2);
}

}  // namespace
