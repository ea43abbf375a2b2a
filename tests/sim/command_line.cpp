#include "command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "report.h"

namespace sim {
namespace {

constexpr int kUsage = 2;
constexpr std::uint64_t kMaxJobs = 256;
constexpr std::uint64_t kSeedsOfAMutation = 20'000;

bool parse_range(const std::string& text, CommandLine& line) {
  unsigned long long first = 0;
  unsigned long long last = 0;
  char rest = 0;
  if (std::sscanf(text.c_str(), "%llu..%llu%c", &first, &last, &rest) != 2) return false;
  line.first_seed = first;
  line.last_seed = last;
  return first <= last;
}

std::string faults_help() {
  std::string text = "The faults that --faults takes, separated by commas, or all, or none:\n";
  for (const FaultDescription& each : fault_descriptions()) {
    text += fmt::format("  {:<14}{}\n", each.name, each.what);
  }
  return text;
}

// What goes wrong beyond the form of single options; empty: nothing.
std::string interpret(CommandLine& line, const std::string& range, const std::string& faults) {
  if (!range.empty() && !parse_range(range, line)) {
    return fmt::format("--seeds {}: expected two numbers A..B, A not above B", range);
  }
  const auto parsed = parse_faults(faults);
  if (!parsed) return fmt::format("--faults: {}; --help lists them", parsed.error());
  line.faults = *parsed;
  if (line.trace && !line.one_seed()) return "--trace: for one seed only, as --replay N";
  return "";
}

}  // namespace

RunOptions CommandLine::options_of(std::uint64_t seed) const {
  RunOptions options = draw_options(seed, faults);
  if (nodes) options.nodes = *nodes;
  if (seconds) options.milliseconds = *seconds * 1000;
  if (operations) options.client.operations = *operations;
  return options;
}

std::optional<CommandLine> parse_command_line(int count, char** values, int& exit_code) {
  CommandLine line;
  std::string range;
  std::string faults = "all";
  std::uint64_t seed = 0;
  CLI::App app{
      "Runs the core, the codec and the storage of a cluster in a simulated world, where a seed "
      "decides everything, and checks after every step what must hold. Exit code 0: all held, 1: "
      "something broke, 2: wrong usage."};
  app.footer(faults_help());
  auto* one = app.add_option("--seed,--replay", seed, "run this seed alone");
  auto* many = app.add_option("--seeds", range, "run the seeds A..B (default 1..300)");
  one->excludes(many);
  app.add_option("--nodes", line.nodes, "size of the cluster, instead of what a seed draws")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{kMaxNodes}));
  app.add_option("--seconds", line.seconds, "virtual seconds of faults, instead of 60")
      ->check(CLI::Range(1, 86'400));
  app.add_option("--operations", line.operations,
                 "operations of clients, instead of what a seed draws, up to 2000")
      ->check(CLI::Range(0, 10'000'000));
  app.add_option("--faults", faults, "the faults that may happen (default all)");
  app.add_option("--jobs", line.jobs, "processes that run seeds side by side (default 1)")
      ->check(CLI::Range(std::uint64_t{1}, kMaxJobs));
  app.add_option("--minutes", line.minutes, "begin no seed after so many minutes");
  app.add_flag("--trace", line.trace, "print every event of the run, a line each");
  app.add_flag("--json", line.json, "print the result as one JSON object");
  app.add_flag("--keep-going", line.keep_going, "do not stop at the first broken seed");
  app.add_flag("--quiet", line.quiet, "one line for a broken seed");
  auto* mutations = app.add_option("--mutations", line.mutation_names,
                                   "for each planted bug, or those named, how many seeds it takes "
                                   "to be found (default --seeds 1..20000)");
  mutations->expected(0, -1);
  app.add_flag("--recorded", line.recorded, "try the seed that found a bug once before the others")
      ->needs(mutations);
  app.add_option("--mutation", line.mutation, "run the seeds with this bug planted")
      ->excludes(mutations);
  try {
    app.parse(count, values);
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error) == 0 ? 0 : kUsage;
    return std::nullopt;
  }
  line.mutations = mutations->count() > 0;
  std::erase(line.mutation_names, "");  // none were named
  if (line.mutations) line.last_seed = kSeedsOfAMutation;
  if (one->count() > 0) line.first_seed = line.last_seed = seed;
  if (const std::string wrong = interpret(line, range, faults); !wrong.empty()) {
    fmt::print(stderr, "{}\n", wrong);
    exit_code = kUsage;
    return std::nullopt;
  }
  return line;
}

}  // namespace sim
