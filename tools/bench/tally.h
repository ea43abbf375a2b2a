// Tally: what a worker has seen, and what all of them have seen once merged.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/histogram.h"
#include "bench/index_set.h"

namespace bench {

struct Tally {
  // Of successes. Closed loop: answered in the measured time, counted from the first sending. Open
  // loop: due in the measured time, counted from when they were due, with the age so far of those
  // that were not answered.
  Histogram reads;
  Histogram writes;
  std::uint64_t answered = 0;    // successes in the measured time
  std::uint64_t unanswered = 0;  // open loop: due in the measured time, and not answered by its end
  std::map<std::string, std::uint64_t> errors;  // by code, in the measured time
  std::uint64_t not_found = 0;
  std::uint64_t retries = 0;  // requests sent again, in the measured time
  IndexSet acknowledged;      // where the plan asks for it: the writes of all phases, in the log

  void merge(const Tally& other) {
    reads.merge(other.reads);
    writes.merge(other.writes);
    answered += other.answered;
    unanswered += other.unanswered;
    for (const auto& [code, times] : other.errors) errors[code] += times;
    not_found += other.not_found;
    retries += other.retries;
    acknowledged.merge(other.acknowledged);
  }

  [[nodiscard]] Histogram latencies() const {
    Histogram all = reads;
    all.merge(writes);
    return all;
  }
};

}  // namespace bench
