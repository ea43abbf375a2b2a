// RunOptions: everything that a seed decides before a run begins: the cluster, its limits, and
// how often the world fails it. Plain data: a failure report prints it, a command line may change
// a part of it.
#pragma once

#include <cstdint>
#include <string>

#include "faults.h"
#include "raft/server.h"

namespace sim {

using Microseconds = std::uint64_t;  // of virtual time, from 0 at the start of a run

// Rates are of a thousand, intervals are on average between two, 0: never; lengths are at most.
struct NetworkOptions {
  std::uint64_t loss_per_mille = 0;
  std::uint64_t duplicate_per_mille = 0;
  Microseconds delay_min_us = 100;
  Microseconds delay_max_us = 1000;
  std::uint64_t long_delay_per_mille = 0;  // of messages that are delayed up to long_delay_ms
  std::uint64_t long_delay_ms = 0;
  bool in_order = true;  // a link never reorders, as TCP does not
  std::uint64_t partition_interval_ms = 0;
  std::uint64_t partition_length_ms = 0;
  std::uint64_t flap_interval_ms = 0;
  std::uint64_t flap_length_ms = 0;
  std::uint64_t stall_interval_ms = 0;
  std::uint64_t stall_length_ms = 0;
};

struct DiskOptions {
  Microseconds sync_min_us = 100;
  Microseconds sync_max_us = 2000;
  std::uint64_t hang_per_mille = 0;  // of syncs that take up to hang_ms
  std::uint64_t hang_ms = 0;
  std::uint64_t write_error_per_mille = 0;  // of groups of orders
  std::uint64_t no_space_per_mille = 0;     // of groups of orders
  std::uint64_t reserve_bytes = 0;          // kept for when the disk is full
  std::uint64_t read_error_per_mille = 0;   // of starts, groups of orders and fetches
  std::uint64_t bit_flip_per_mille = 0;     // of starts
  std::uint64_t segment_bytes = 64 << 10;
};

struct NodeOptions {
  std::uint64_t kill_interval_ms = 0;
  std::uint64_t power_cut_interval_ms = 0;
  std::uint64_t down_ms = 0;
  std::uint64_t interrupted_start_per_mille = 0;  // of starts
  std::uint64_t snapshot_kill_per_mille = 0;      // of snapshots that came whole from a leader
  std::uint64_t pause_interval_ms = 0;
  std::uint64_t pause_ms = 0;
  std::uint64_t drift_per_mille = 0;  // a clock runs this much faster or slower at most
  std::uint64_t clock_jump_interval_ms = 0;
  std::uint64_t clock_jump_ms = 0;
  bool clock_restarts = false;  // with a power cut, as the clock since boot does
  raft::Milliseconds clock_start_ms = 1;
  std::size_t batch_events = 1;  // events of one turn, at most
  Microseconds turn_delay_us = 0;
  Microseconds apply_delay_us = 0;
  std::uint64_t wipe_per_mille = 0;  // of restarts
  std::uint64_t churn_interval_ms = 0;
  std::uint64_t replacement_interval_ms = 0;
  std::uint64_t transfer_interval_ms = 0;
  std::uint64_t snapshot_interval_ms = 0;
  std::uint64_t full_disk_interval_ms = 0;
  std::uint64_t full_disk_length_ms = 0;
  std::uint64_t joiners = 0;          // nodes that are no first members
  bool priorities = false;            // some nodes are preferred as leaders
  std::size_t recent_bytes = 10'000;  // of the log that are read at a start, at most
};

struct ClientOptions {
  std::uint64_t operations = 2000;  // at most, in the whole run
  std::uint64_t burst = 1;          // operations that come together, at most
  Microseconds interval_us = 1000;  // within a burst, on average
  std::uint64_t keys = 4;
  std::uint64_t read_percent = 30;
  std::uint64_t delete_percent = 10;
  std::uint64_t timeout_ms = 1000;    // of an attempt
  std::uint64_t attempts = 5;         // of an operation, where it is safe to try again
  std::uint64_t session_percent = 0;  // of operations, under a session
  std::uint64_t sessions = 3;         // at a time, at most
  std::uint64_t session_timeout_ms = 60'000;
  std::uint64_t session_writes = 1;   // of one session under way at once, at most
  std::uint64_t max_sessions = 100;   // open at once, as the cluster allows
  std::uint64_t close_percent = 0;    // of operations under a session: it is closed instead
  std::uint64_t publish_percent = 0;  // of sets: a publication instead
  std::size_t value_bytes = 0;        // padding of a command, at most
};

// In a log, with all that its client may have padded it with.
inline constexpr std::size_t kLargestEntryBytes = 4096;

struct RunOptions {
  std::uint64_t seed = 0;
  std::uint64_t nodes = 5;              // the first members
  std::uint64_t milliseconds = 60'000;  // of faults, before the world heals
  FaultSet faults = FaultSet::all();    // those that may happen
  raft::Options core;                   // but for id, members and seed
  NetworkOptions network;
  DiskOptions disk;
  NodeOptions node;
  ClientOptions client;
};

// First members and joiners.
[[nodiscard]] inline std::uint64_t all_nodes(const RunOptions& options) {
  return options.nodes + options.node.joiners;
}

// What the seed decides, without the faults that are not in `faults`.
[[nodiscard]] RunOptions draw_options(std::uint64_t seed, const FaultSet& faults = FaultSet::all());
// One line a group, for people.
[[nodiscard]] std::string describe(const RunOptions& options);

}  // namespace sim
