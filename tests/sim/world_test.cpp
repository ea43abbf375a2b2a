// The core under simulated faults. A failure prints its seed and the command that repeats it.
#include "world.h"

#include <catch2/catch.hpp>

namespace {

sim::Statistics run_seeds(std::uint64_t first, std::uint64_t last) {
  sim::print_story_on_abort();
  sim::Statistics total;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const sim::RunResult result = sim::run(sim::draw_options(seed));
    INFO(result.failure);
    REQUIRE(result.failure.empty());
    total += result.statistics;
  }
  return total;
}

}  // namespace

TEST_CASE("simulation_same_seed_same_trace") {
  for (const std::uint64_t seed : {3, 14, 15}) {
    const auto options = sim::draw_options(seed);
    const auto first = sim::run(options);
    REQUIRE(first.statistics.steps > 1000);
    REQUIRE(sim::run(options).hash == first.hash);
  }
  REQUIRE(sim::run(sim::draw_options(3)).hash != sim::run(sim::draw_options(4)).hash);
}

TEST_CASE("simulation_holds_every_invariant_under_faults") {
  const sim::Statistics total = run_seeds(1, 300);
  // A simulation that meets no fault proves nothing.
  REQUIRE(total.elections_won > 500);
  REQUIRE(total.crashes > 500);
  REQUIRE(total.orders_lost > 100);
  REQUIRE(total.pauses > 100);
  REQUIRE(total.partitions > 500);
  REQUIRE(total.messages_lost > 1000);
  REQUIRE(total.messages_doubled > 1000);
  REQUIRE(total.truncations > 50);
  REQUIRE(total.fetches > 1000);
  REQUIRE(total.writes_acknowledged > 10'000);
  REQUIRE(total.reads_served > 10'000);
  REQUIRE(total.refused_no_leader > 100);
  REQUIRE(total.refused_busy > 100);
  REQUIRE(total.unknown_outcomes > 100);
}
