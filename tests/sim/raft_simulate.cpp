// raft-simulate: runs the simulation for a seed or a range of seeds and stops at the first that
// breaks an invariant. Exit code 0: all held; 1: one broke; 2: wrong usage.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "command_line.h"
#include "json.h"
#include "mutation_runs.h"
#include "workers.h"
#include "world.h"

namespace {

using Clock = std::chrono::steady_clock;
using sim::as_json;
using sim::first_line;

constexpr int kProgressMs = 200;

struct Finding {
  std::uint64_t seed;
  std::string failure;
};

// What came of all seeds so far.
struct Total {
  std::uint64_t seeds = 0;
  std::uint64_t hash = 0;  // of the last; what is printed of a single one
  sim::Statistics statistics;
  std::vector<Finding> findings;
};

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of all workers that have ended, in seconds of one core.
double core_seconds() {
  rusage usage{};
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double a_minute(std::uint64_t seeds, double seconds) {
  return seconds > 0 ? static_cast<double>(seeds) / seconds * 60 : 0;
}

class Progress {
 public:
  Progress(const sim::CommandLine& line, Clock::time_point start)
      : total_(line.last_seed - line.first_seed + 1),
        start_(start),
        shown_(isatty(STDERR_FILENO) != 0 && !line.trace) {}

  void show(const Total& total) const {
    if (!shown_) return;
    fmt::print(stderr, "\r{} of {} seeds, {:.0f} a minute, {} findings ", total.seeds, total_,
               a_minute(total.seeds, seconds_since(start_)), total.findings.size());
    std::fflush(stderr);
  }
  // Before anything else is printed.
  void clear() const {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }

 private:
  std::uint64_t total_;
  Clock::time_point start_;
  bool shown_;
};

void print_finding(const sim::CommandLine& line, const Finding& finding) {
  fmt::print("seed {}: {}\n", finding.seed,
             line.quiet ? first_line(finding.failure) : finding.failure);
  std::fflush(stdout);
}

void print_summary(const sim::CommandLine& line, const Total& total, double seconds) {
  const double cores = core_seconds();
  if (line.one_seed()) fmt::print("trace hash {:016x}\n", total.hash);
  fmt::print("{}\n", describe(total.statistics));
  fmt::print(
      "{} seeds in {:.1f} s, {:.0f} a minute, {:.0f} a minute of one core; {} broke an invariant\n",
      total.seeds, seconds, a_minute(total.seeds, seconds), a_minute(total.seeds, cores),
      total.findings.size());
}

void print_json(const sim::CommandLine& line, const Total& total, double seconds) {
  std::string findings;
  for (const Finding& each : total.findings) {
    findings += fmt::format("{}{{\"seed\":{},\"failure\":{}}}", findings.empty() ? "" : ",",
                            each.seed, as_json(each.failure));
  }
  std::string statistics;
  for (const sim::StatisticsField& field : sim::kStatistics) {
    statistics += fmt::format("{}\"{}\":{}", statistics.empty() ? "" : ",", field.name,
                              total.statistics.*field.value);
  }
  const std::string hash =
      line.one_seed() ? fmt::format("\"hash\":\"{:016x}\",", total.hash) : std::string();
  fmt::print(
      "{{\"first_seed\":{},\"last_seed\":{},\"seeds\":{},{}\"seconds\":{:.3f},"
      "\"seeds_per_minute\":{:.1f},\"seeds_per_minute_per_core\":{:.1f},\"findings\":[{}],"
      "\"statistics\":{{{}}}}}\n",
      line.first_seed, line.last_seed, total.seeds, hash, seconds, a_minute(total.seeds, seconds),
      a_minute(total.seeds, core_seconds()), findings, statistics);
}

int simulate(const sim::CommandLine& line) {
  const auto start = Clock::now();
  const Progress progress(line, start);
  Total total;
  sim::Workers workers(line);
  const auto take = [&](sim::SeedResult ended) {
    ++total.seeds;
    total.hash = ended.result.hash;
    total.statistics += ended.result.statistics;
    if (ended.result.failure.empty()) return;
    total.findings.push_back({ended.seed, std::move(ended.result.failure)});
    progress.clear();
    if (!line.json) print_finding(line, total.findings.back());
    if (!line.keep_going) workers.stop();
  };
  while (workers.wait(kProgressMs, take)) {
    progress.show(total);
    if (line.minutes && seconds_since(start) >= static_cast<double>(*line.minutes) * 60) {
      workers.stop();
    }
  }
  progress.clear();
  (line.json ? print_json : print_summary)(line, total, seconds_since(start));
  return total.findings.empty() ? 0 : 1;
}

}  // namespace

int main(int count, char** values) {
  int exit_code = 0;
  const auto line = sim::parse_command_line(count, values, exit_code);
  if (!line) return exit_code;
  // Run after run takes and gives back the same memory: that of the system is asked once.
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  sim::print_story_on_abort();
  try {
    if (const auto done = sim::run_mutations(*line, values)) return *done;
    return simulate(*line);
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft-simulate: {}\n", error.what());
    return 1;
  }
}
