#include "base/random.h"

#include <catch2/catch.hpp>

TEST_CASE("random_same_seed_same_numbers") {
  base::Random one(7);
  base::Random other(7);
  for (int i = 0; i < 1000; ++i) REQUIRE(one.next() == other.next());
  REQUIRE(base::Random(7).next() != base::Random(8).next());
}

TEST_CASE("random_between_includes_both_ends") {
  base::Random random(1);
  bool low = false;
  bool high = false;
  for (int i = 0; i < 1000; ++i) {
    const auto number = random.between(3, 5);
    REQUIRE(number >= 3);
    REQUIRE(number <= 5);
    low = low || number == 3;
    high = high || number == 5;
  }
  REQUIRE(low);
  REQUIRE(high);
}
