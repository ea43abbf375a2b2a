// RunOptions: everything that a seed decides before a run begins: the cluster, its limits, and
// how often the world fails it. Plain data: a failure report prints it, a command line may change
// a part of it.
#pragma once

#include <cstdint>
#include <string>

#include "raft/server.h"

namespace sim {

using Microseconds = std::uint64_t;  // of virtual time, from 0 at the start of a run

struct NetworkOptions {
  std::uint64_t loss_per_mille = 0;
  std::uint64_t duplicate_per_mille = 0;
  Microseconds delay_min_us = 100;
  Microseconds delay_max_us = 1000;
  std::uint64_t long_delay_per_mille = 0;  // of messages that are delayed up to long_delay_ms
  std::uint64_t long_delay_ms = 0;
  bool in_order = true;                     // a link never reorders, as TCP does not
  std::uint64_t partition_interval_ms = 0;  // on average between two; 0: never
  std::uint64_t partition_length_ms = 0;    // at most
};

struct DiskOptions {
  Microseconds sync_min_us = 100;
  Microseconds sync_max_us = 2000;
  std::uint64_t hang_per_mille = 0;  // of syncs that take up to hang_ms
  std::uint64_t hang_ms = 0;
};

struct NodeOptions {
  std::uint64_t crash_interval_ms = 0;  // on average between two, of all nodes; 0: never
  std::uint64_t down_ms = 0;            // at most
  std::uint64_t pause_interval_ms = 0;
  std::uint64_t pause_ms = 0;         // at most
  std::uint64_t drift_per_mille = 0;  // a clock runs this much faster or slower at most
  raft::Milliseconds clock_start_ms = 1;
  std::size_t batch_events = 1;  // events of one turn, at most
  Microseconds turn_delay_us = 0;
  Microseconds apply_delay_us = 0;
  std::size_t recent_entries = 100;  // of the log that are read at a start, at most
};

struct ClientOptions {
  Microseconds interval_us = 10'000;  // on average between two requests
  std::uint64_t keys = 4;
  std::uint64_t read_percent = 30;
  std::uint64_t timeout_ms = 1000;
  std::size_t value_bytes = 0;  // padding of a command, at most
};

struct RunOptions {
  std::uint64_t seed = 0;
  std::uint64_t nodes = 5;
  std::uint64_t milliseconds = 8000;  // of faults, before the world heals
  raft::Options core;                 // but for id, members and seed
  NetworkOptions network;
  DiskOptions disk;
  NodeOptions node;
  ClientOptions client;
};

[[nodiscard]] RunOptions draw_options(std::uint64_t seed);
// One line a group, for people.
[[nodiscard]] std::string describe(const RunOptions& options);

}  // namespace sim
