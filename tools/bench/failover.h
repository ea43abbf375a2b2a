// Failover: the leader of a new cluster is killed under load, again and again, and it is measured
// how long it takes until the next write is acknowledged.
#pragma once

#include <chrono>
#include <vector>

#include "bench/options.h"
#include "client/interrupt.h"
#include "client/terminal.h"

namespace bench {

struct NoLeader {};

// One time for each kill, in their order. Throws NoLeader where no cluster came to be, Interrupted,
// and std::runtime_error with what is missing.
[[nodiscard]] std::vector<std::chrono::nanoseconds> measure_failovers(
    const Options& options, client::Interrupt& interrupt, client::ProgressLine& progress);

}  // namespace bench
