// Run: one measurement of a target under the load of the options.
#pragma once

#include "bench/options.h"
#include "bench/report.h"
#include "bench/target.h"
#include "client/terminal.h"

namespace bench {

// Both throw std::runtime_error where a number of requests is to be answered and none is for
// --give-up, and Interrupted.

// Writes every key of the options once. Throws std::runtime_error where that fails, too.
void fill_keys(const Options& options, Target& target, client::ProgressLine& progress);

// Warm-up, and then the measured time or the requests of the options.
[[nodiscard]] Measurement measure(const Options& options, Target& target,
                                  client::ProgressLine& progress);

}  // namespace bench
