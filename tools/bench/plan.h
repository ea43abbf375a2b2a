// Plan: what one worker is to do. Fixed for its run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/key_chooser.h"
#include "bench/outage.h"

namespace bench {

struct Plan {
  std::vector<std::string> endpoints;  // all members
  bool any_node;                       // else the leader alone
  bool local;                          // reads take what a node has
  double read_share;                   // 0 to 1; the rest are writes
  std::size_t clients;                 // at least one
  std::size_t in_flight;               // at least one for each client
  std::size_t value_bytes;
  std::uint64_t keys;
  Distribution distribution;
  bool retry;  // a request until it is answered; else a refusal is an error
  // So many, each until it has ended, and no more; else without end.
  std::optional<std::uint64_t> requests;
  double rate;           // requests a second, of this worker; 0: a closed loop
  std::uint64_t worker;  // from 0, of `workers`
  std::uint64_t workers;
  Outage* outage;  // told of every success; may be null
  // With subscribers: the tally names each write that succeeded and lies behind this in the log.
  std::optional<std::uint64_t> acknowledged_after;
};

}  // namespace bench
