// The core under simulated faults. A failure prints its seed and the command that repeats it.
#include "world.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>

namespace {

// Shorter than a seed would have it: what matters happens in a few seconds, too.
sim::RunOptions short_run(std::uint64_t seed, const sim::FaultSet& faults = sim::FaultSet::all()) {
  sim::RunOptions options = sim::draw_options(seed, faults);
  options.milliseconds = 8000;
  options.client.operations /= 4;
  for (std::uint64_t* interval_ms :
       {&options.network.partition_interval_ms, &options.node.kill_interval_ms,
        &options.node.power_cut_interval_ms, &options.node.pause_interval_ms,
        &options.node.clock_jump_interval_ms}) {
    *interval_ms = *interval_ms == 0 ? 0 : 1 + *interval_ms / 5;
  }
  return options;
}

sim::Statistics run_seeds(std::uint64_t first, std::uint64_t last) {
  sim::print_story_on_abort();
  sim::Statistics total;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    const sim::RunResult result = sim::run(short_run(seed));
    INFO(result.failure);
    REQUIRE(result.failure.empty());
    total += result.statistics;
  }
  return total;
}

}  // namespace

TEST_CASE("simulation_same_seed_same_trace") {
  for (const std::uint64_t seed : {3, 14, 15}) {
    const auto options = short_run(seed);
    const auto first = sim::run(options);
    REQUIRE(first.statistics.steps > 1000);
    REQUIRE(sim::run(options).hash == first.hash);
  }
  REQUIRE(sim::run(short_run(3)).hash != sim::run(short_run(4)).hash);
}

TEST_CASE("simulation_leaves_faults_out_and_nothing_else") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto all = sim::draw_options(seed);
    const auto some = sim::draw_options(seed, *sim::parse_faults("loss,kills"));
    REQUIRE(some.nodes == all.nodes);
    REQUIRE(some.network.loss_per_mille == all.network.loss_per_mille);
    REQUIRE(some.network.delay_max_us == all.network.delay_max_us);
    REQUIRE(some.node.kill_interval_ms == all.node.kill_interval_ms);
    REQUIRE(some.client.operations == all.client.operations);
    REQUIRE(some.network.partition_interval_ms == 0);
    REQUIRE(some.network.in_order);
    REQUIRE(some.node.power_cut_interval_ms == 0);
    REQUIRE(some.disk.bit_flip_per_mille == 0);
    REQUIRE(some.core.max_append_bytes == raft::Options{}.max_append_bytes);
  }
  const auto quiet = sim::run(short_run(5, *sim::parse_faults("none")));
  REQUIRE(quiet.failure.empty());
  REQUIRE(quiet.statistics.messages_lost + quiet.statistics.messages_doubled +
              quiet.statistics.kills + quiet.statistics.power_cuts + quiet.statistics.pauses +
              quiet.statistics.partitions + quiet.statistics.unknown_outcomes ==
          0);
  REQUIRE(quiet.statistics.elections_won == 1);
  REQUIRE_FALSE(sim::parse_faults("loss,nonsense").ok());
  for (const auto& each : sim::fault_descriptions()) {
    const auto parsed = sim::parse_faults(each.name);
    REQUIRE((parsed.ok() && parsed->has(each.fault) && describe(*parsed) == each.name));
  }
}

// Each broke an invariant of the core, the storage or the simulator itself, as it was then.
TEST_CASE("simulation_seeds_that_once_broke") {
  sim::print_story_on_abort();
  for (const std::uint64_t seed :
       {2,          7,          8,          19,         39,         42,        43,
        59,         60,         78,         84,         126,        317,       1070,
        1231,       1325,       1389,       1523,       1545,       1763,      2059,
        2133,       2211,       2235,       2247,       2414,       10'144,    10'509,
        10'950,     103'932,    510'609,    511'381,    521'509,    602'315,   606'760,
        710'294,    711'167,    712'308,    716'323,    723'072,    2'006'262, 3'020'333,
        4'004'170,  5'044'675,  6'049'094,  7'032'529,  7'039'747,  7'053'688, 10'000'435,
        11'000'561, 13'004'471, 13'005'446, 13'013'775, 15'009'708, 17'002'511}) {
    const sim::RunResult result = sim::run(sim::draw_options(seed));
    INFO(result.failure);
    REQUIRE(result.failure.empty());
  }
}

TEST_CASE("simulation_holds_every_invariant_under_faults") {
  const sim::Statistics total = run_seeds(1, 150);
  // A simulation that meets no fault proves nothing.
  const std::pair<std::uint64_t sim::Statistics::*, std::uint64_t> least[] = {
      {&sim::Statistics::elections_won, 500},
      {&sim::Statistics::kills, 300},
      {&sim::Statistics::power_cuts, 300},
      {&sim::Statistics::orders_lost, 100},
      {&sim::Statistics::disk_faults, 50},
      {&sim::Statistics::starts_failed, 50},
      {&sim::Statistics::bit_flips, 5},
      {&sim::Statistics::repairs, 2},
      {&sim::Statistics::pauses, 50},
      {&sim::Statistics::clock_jumps, 50},
      {&sim::Statistics::partitions, 200},
      {&sim::Statistics::stalls, 20},
      {&sim::Statistics::wipes, 20},
      {&sim::Statistics::flaps, 20},
      {&sim::Statistics::full_disks, 50},
      {&sim::Statistics::changes_committed, 100},
      {&sim::Statistics::requests_completed, 100},
      {&sim::Statistics::snapshots_received, 50},
      {&sim::Statistics::publications, 200},
      {&sim::Statistics::sessions_opened, 50},
      {&sim::Statistics::sessions_expired, 20},
      {&sim::Statistics::session_writes_repeated, 50},
      {&sim::Statistics::replacements, 10},
      {&sim::Statistics::messages_lost, 1000},
      {&sim::Statistics::messages_doubled, 1000},
      {&sim::Statistics::messages_late, 100},
      {&sim::Statistics::truncations, 20},
      {&sim::Statistics::fetches, 1000},
      {&sim::Statistics::snapshots_reused, 20},
      {&sim::Statistics::spares_used, 100},
      {&sim::Statistics::writes_acknowledged, 5000},
      {&sim::Statistics::reads_served, 5000},
      {&sim::Statistics::refused_no_leader, 100},
      {&sim::Statistics::refused_busy, 100},
      {&sim::Statistics::unknown_outcomes, 100}};
  for (const auto& [counter, minimum] : least) {
    const auto field =
        std::find_if(sim::kStatistics.begin(), sim::kStatistics.end(),
                     [&, which = counter](const auto& f) { return f.value == which; });
    INFO(field->name << ": " << total.*counter);
    CHECK(total.*counter > minimum);
  }
  REQUIRE(total.histories_undecided == 0);
}
