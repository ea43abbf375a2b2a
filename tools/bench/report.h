// What a run has measured, as text for people or as one line of JSON.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/worker.h"

namespace bench {

struct NodeUsage {
  pid_t process;
  double cpu_seconds;  // in the measured time
  ProcessUsage at_end;
};

struct Measurement {
  Tally tally;
  double seconds = 0;
  std::vector<NodeUsage> nodes;
  double own_cpu_seconds = 0;
};

void print_failovers(const Options& options, std::vector<std::chrono::nanoseconds> outages);

void print_report(const Options& options, const Measurement& measurement);

}  // namespace bench
