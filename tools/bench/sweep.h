// Sweep: the same work at one load after another, and how latency grows with it.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/options.h"
#include "bench/report.h"
#include "bench/target.h"
#include "client/terminal.h"

namespace bench {

struct SweepStep {
  std::uint64_t value;  // of what options.over says
  Measurement measurement;
};

// One measurement for each of options.steps, in their order; each is printed as soon as it is
// there, except with --json. Throws as measure() does.
[[nodiscard]] std::vector<SweepStep> run_sweep(const Options& options, Target& target,
                                               client::ProgressLine& progress);

// With --json all steps as one line; and the plot to the file that options.svg names. Throws
// std::runtime_error where it cannot be written.
void finish_sweep(const Options& options, const std::vector<SweepStep>& steps);

}  // namespace bench
