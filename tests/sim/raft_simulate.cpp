// raft-simulate: runs the simulation for a seed or a range of seeds and stops at the first that
// breaks an invariant. Exit code 0: all held; 1: one broke; 2: wrong usage.
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>

#include "world.h"

namespace {

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t last = 300;
  std::uint64_t nodes = 0;    // 0: as the seed says
  std::uint64_t seconds = 0;  // 0: as the seed says
  bool keep_going = false;
  bool quiet = false;
};

bool parse_range(const std::string& text, Arguments& arguments) {
  unsigned long long first = 0;
  unsigned long long last = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%llu..%llu%c", &first, &last, &rest) != 2) return false;
  arguments.first = first;
  arguments.last = last;
  return first <= last;
}

int simulate(const Arguments& arguments) {
  sim::Statistics total;
  std::uint64_t failures = 0;
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t seed = arguments.first; seed <= arguments.last; ++seed) {
    sim::RunOptions options = sim::draw_options(seed);
    if (arguments.nodes != 0) options.nodes = arguments.nodes;
    if (arguments.seconds != 0) options.milliseconds = arguments.seconds * 1000;
    const sim::RunResult result = sim::run(options);
    total += result.statistics;
    if (arguments.first == arguments.last) fmt::print("trace hash {:016x}\n", result.hash);
    if (result.failure.empty()) continue;
    ++failures;
    const auto line = result.failure.substr(0, result.failure.find('\n'));
    fmt::print("seed {}: {}\n", seed, arguments.quiet ? line : result.failure);
    std::fflush(stdout);
    if (!arguments.keep_going) break;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  fmt::print("{}\n{:.1f} s, {} seeds broke an invariant\n", sim::describe(total), took.count(),
             failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
  Arguments arguments;
  std::string range;
  std::uint64_t seed = 0;
  CLI::App app{"Runs the Raft core in a simulated world, where a seed decides everything."};
  auto* one = app.add_option("--seed", seed, "run this seed alone");
  auto* many = app.add_option("--seeds", range, "run the seeds A..B (default 1..300)");
  one->excludes(many);
  app.add_option("--nodes", arguments.nodes, "size of the cluster, instead of what a seed draws")
      ->check(CLI::Range(1, 9));
  app.add_option("--seconds", arguments.seconds, "virtual seconds of faults, instead of 60");
  app.add_flag("--keep-going", arguments.keep_going, "do not stop at the first broken seed");
  app.add_flag("--quiet", arguments.quiet, "one line for a broken seed");
  try {
    app.parse(count, values);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (one->count() > 0) arguments.first = arguments.last = seed;
  if (many->count() > 0 && !parse_range(range, arguments)) {
    fmt::print(stderr, "--seeds {}: expected two numbers A..B, A not above B\n", range);
    return 2;
  }
  // Run after run takes and gives back the same memory: that of the system is asked once.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  sim::print_story_on_abort();
  return simulate(arguments);
}
