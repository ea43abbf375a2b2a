// What a run has measured, as text for people or as one line of JSON.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "bench/audience.h"
#include "bench/histogram.h"
#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/profile.h"
#include "bench/tally.h"
#include "client/json.h"

namespace bench {

constexpr double kNanosecondsInMillisecond = 1e6;

struct NodeUsage {
  pid_t process;
  double cpu_seconds;  // in the measured time
  ProcessUsage at_end;
};

struct Measurement {
  Tally tally;
  Histogram latencies;  // of all requests of the tally
  double seconds = 0;   // of the measured time
  std::vector<NodeUsage> nodes;
  double own_cpu_seconds = 0;
  // How often the term rose since the measured time began; nothing where no node told its term.
  std::optional<std::uint64_t> elections;
  std::optional<Broadcasts> broadcasts;  // with subscribers
  std::vector<NodeProfile> profile;      // with --profile, the leader first
};

// Requests answered a second.
[[nodiscard]] double rate_of(const Measurement& measurement);
// Of all nodes together, for one answered request; 0 where there is none.
[[nodiscard]] double cpu_microseconds(const Measurement& measurement);
[[nodiscard]] std::uint64_t count_errors(const Measurement& measurement);

// A line where there were elections, which nobody expects of a run that kills nothing.
void print_elections(const Measurement& measurement);

[[nodiscard]] client::Json to_json(const Options& options, const Measurement& measurement);

void print_report(const Options& options, const Measurement& measurement);
void print_failovers(const Options& options, std::vector<std::chrono::nanoseconds> outages);

}  // namespace bench
