#include "options.h"

#include <fmt/format.h>

#include <array>

#include "base/random.h"

namespace sim {
namespace {

template <std::size_t kCount>
std::uint64_t pick(base::Random& random, const std::array<std::uint64_t, kCount>& choices) {
  return choices[random.between(0, kCount - 1)];
}

std::uint64_t sometimes(base::Random& random, std::uint64_t percent, std::uint64_t low,
                        std::uint64_t high) {
  const bool happens = random.chance(percent, 100);
  const std::uint64_t value = random.between(low, high);
  return happens ? value : 0;
}

// Where `limits_matter`, with limits that are reached.
raft::Options draw_core(base::Random& random, bool limits_matter) {
  raft::Options core;
  core.election_timeout_ms = random.between(100, 300);
  core.heartbeat_interval_ms = random.between(20, core.election_timeout_ms / 4);
  raft::Options small = core;
  small.max_append_bytes = random.between(1, 2000);
  small.window_messages = random.between(1, 8);
  small.window_bytes = random.between(1, 8000);
  small.max_applying_bytes = random.between(1, 2000);
  small.log_memory_bytes = random.between(1, 4000);
  const bool is_small = random.chance(1, 2);
  const std::uint64_t uncommitted = sometimes(random, 33, 100, 5000);
  const std::uint64_t snapshot_bytes = pick<4>(random, {300, 3000, 30'000, 1 << 20});
  const std::uint64_t trailing = pick<3>(random, {0, 5, 100});
  core.snapshot_log_bytes = small.snapshot_log_bytes = snapshot_bytes;
  core.trailing_entries = small.trailing_entries = trailing;
  core.max_disk_wait_ms = small.max_disk_wait_ms = random.between(100, 1000);
  if (!limits_matter) return core;
  if (is_small) core = small;
  if (uncommitted != 0) core.max_uncommitted_bytes = uncommitted;
  return core;
}

NetworkOptions draw_network(base::Random& random) {
  NetworkOptions network;
  network.loss_per_mille = sometimes(random, 60, 1, pick<3>(random, {10, 50, 200}));
  network.duplicate_per_mille = sometimes(random, 50, 1, 200);
  network.delay_min_us = random.between(10, 1000);
  network.delay_max_us = network.delay_min_us + pick<5>(random, {100, 1000, 5000, 20'000, 100'000});
  network.long_delay_per_mille = sometimes(random, 30, 1, 30);
  network.long_delay_ms = pick<3>(random, {500, 3000, 60'000});
  network.in_order = random.chance(1, 2);
  network.partition_interval_ms = sometimes(random, 70, 500, 20'000);
  network.partition_length_ms = random.between(20, 5000);
  return network;
}

DiskOptions draw_disk(base::Random& random) {
  DiskOptions disk;
  disk.sync_min_us = random.between(10, 1000);
  disk.sync_max_us = disk.sync_min_us + pick<4>(random, {100, 2000, 10'000, 50'000});
  disk.hang_per_mille = sometimes(random, 25, 1, 30);
  disk.hang_ms = random.between(50, 2000);
  disk.write_error_per_mille = sometimes(random, 25, 1, 20);
  disk.no_space_per_mille = sometimes(random, 25, 1, 20);
  disk.read_error_per_mille = sometimes(random, 25, 1, 50);
  disk.bit_flip_per_mille = sometimes(random, 25, 1, 300);
  disk.segment_bytes = pick<4>(random, {1 << 10, 4 << 10, 32 << 10, 256 << 10});
  return disk;
}

NodeOptions draw_node(base::Random& random) {
  NodeOptions node;
  node.kill_interval_ms = sometimes(random, 60, 500, 20'000);
  node.power_cut_interval_ms = sometimes(random, 60, 500, 20'000);
  node.down_ms = random.between(1, 3000);
  node.interrupted_start_per_mille = sometimes(random, 50, 1, 300);
  node.pause_interval_ms = sometimes(random, 40, 500, 20'000);
  node.pause_ms = random.between(10, 5000);
  node.drift_per_mille = random.between(0, 100);
  node.clock_jump_interval_ms = sometimes(random, 25, 500, 20'000);
  node.clock_jump_ms = pick<3>(random, {100, 1000, 3'600'000});
  // A31: clocks that pass 2^31 and 2^32 milliseconds while the run lasts.
  const std::uint64_t start =
      pick<4>(random, {1, 1, std::uint64_t{1} << 31, std::uint64_t{1} << 32});
  node.clock_start_ms = start == 1 ? 1 : start - random.between(0, 60'000);
  node.batch_events = pick<4>(random, {1, 4, 20, 200});
  node.turn_delay_us = pick<4>(random, {0, 100, 2000, 10'000});
  node.apply_delay_us = pick<4>(random, {0, 100, 5000, 50'000});
  node.recent_bytes = pick<3>(random, {1, 2000, 1'000'000});
  node.wipe_per_mille = sometimes(random, 30, 1, 200);
  node.churn_interval_ms = sometimes(random, 60, 300, 10'000);
  node.transfer_interval_ms = sometimes(random, 40, 300, 10'000);
  node.snapshot_interval_ms = sometimes(random, 50, 300, 10'000);
  node.joiners = random.between(0, 2);
  node.priorities = random.chance(1, 4);
  return node;
}

ClientOptions draw_client(base::Random& random) {
  ClientOptions client;
  client.operations = random.between(500, 2000);
  client.burst = pick<4>(random, {1, 1, 20, 200});
  client.interval_us = pick<3>(random, {100, 1000, 5000});
  client.keys = random.between(1, 6);
  client.read_percent = random.between(10, 60);
  client.delete_percent = random.between(0, 20);
  client.timeout_ms = random.between(200, 2000);
  client.attempts = random.between(1, 8);
  client.value_bytes = pick<3>(random, {0, 100, 1000});
  client.session_percent = sometimes(random, 60, 10, 90);
  client.sessions = random.between(1, 4);
  client.session_timeout_ms = pick<3>(random, {1000, 10'000, 600'000});
  return client;
}

// From numbers of its own, so that nothing else is drawn differently.
void draw_full_disks(RunOptions& options) {
  base::Random random(options.seed ^ 0xf011d15c);
  options.node.full_disk_interval_ms = sometimes(random, 40, 1000, 20'000);
  options.node.full_disk_length_ms = random.between(100, 10'000);
  options.disk.reserve_bytes = pick<3>(random, {0, 8 << 10, 64 << 10});
}

// Likewise. Enough for the snapshots of a run to arrive before it ends.
void draw_snapshot_rate(RunOptions& options) {
  base::Random random(options.seed ^ 0x5a7e0f5e);
  const std::uint64_t rate = sometimes(random, 30, 5000, 200'000);
  if (options.faults.has(Fault::kSmallLimits)) options.core.snapshot_bytes_per_second = rate;
}

// Likewise.
void draw_more(RunOptions& options) {
  base::Random random(options.seed ^ 0x3a1e5e55);
  ClientOptions& client = options.client;
  client.publish_percent = sometimes(random, 30, 5, 50);
  client.session_writes = pick<4>(random, {1, 1, 2, 4});
  client.max_sessions = pick<4>(random, {100, 100, 3, 1});
  client.close_percent = sometimes(random, 30, 1, 20);
  options.node.clock_restarts = random.chance(1, 3);
  options.network.flap_interval_ms = sometimes(random, 40, 500, 20'000);
  options.network.flap_length_ms = random.between(100, 10'000);
}

// Likewise.
void draw_replacements_and_stalls(RunOptions& options) {
  base::Random random(options.seed ^ 0x2e91ace);
  options.node.replacement_interval_ms = sometimes(random, 30, 2000, 20'000);
  options.network.stall_interval_ms = sometimes(random, 40, 500, 20'000);
  options.network.stall_length_ms = random.between(20, 5000);
}

void leave_out(RunOptions& options) {
  const auto off = [&](Fault fault, auto& rate) {
    if (!options.faults.has(fault)) rate = 0;
  };
  off(Fault::kLoss, options.network.loss_per_mille);
  off(Fault::kDuplication, options.network.duplicate_per_mille);
  off(Fault::kDelay, options.network.long_delay_per_mille);
  off(Fault::kPartitions, options.network.partition_interval_ms);
  off(Fault::kHungSyncs, options.disk.hang_per_mille);
  off(Fault::kWriteErrors, options.disk.write_error_per_mille);
  off(Fault::kFullDisks, options.disk.no_space_per_mille);
  off(Fault::kFullDisks, options.node.full_disk_interval_ms);
  off(Fault::kReadErrors, options.disk.read_error_per_mille);
  off(Fault::kBitFlips, options.disk.bit_flip_per_mille);
  off(Fault::kKills, options.node.kill_interval_ms);
  off(Fault::kPowerCuts, options.node.power_cut_interval_ms);
  off(Fault::kKills, options.node.snapshot_kill_per_mille);
  off(Fault::kPowerCuts, options.node.interrupted_start_per_mille);
  off(Fault::kPauses, options.node.pause_interval_ms);
  off(Fault::kDrift, options.node.drift_per_mille);
  off(Fault::kClockJumps, options.node.clock_jump_interval_ms);
  off(Fault::kChurn, options.node.churn_interval_ms);
  off(Fault::kTransfers, options.node.transfer_interval_ms);
  off(Fault::kSnapshots, options.node.snapshot_interval_ms);
  off(Fault::kWipes, options.node.wipe_per_mille);
  off(Fault::kFlapping, options.network.flap_interval_ms);
  off(Fault::kStalls, options.network.stall_interval_ms);
  off(Fault::kChurn, options.node.replacement_interval_ms);
  off(Fault::kWipes, options.node.replacement_interval_ms);
  if (!options.faults.has(Fault::kClockJumps)) options.node.clock_restarts = false;
  if (!options.faults.has(Fault::kReordering)) options.network.in_order = true;
  if (!options.faults.has(Fault::kSnapshots)) options.core.snapshot_log_bytes = SIZE_MAX;
}

}  // namespace

RunOptions draw_options(std::uint64_t seed, const FaultSet& faults) {
  base::Random random(seed);
  RunOptions options;
  options.seed = seed;
  options.faults = faults;
  options.nodes = pick<12>(random, {1, 2, 3, 3, 4, 5, 5, 5, 5, 5, 6, 7});
  options.core = draw_core(random, faults.has(Fault::kSmallLimits));
  options.network = draw_network(random);
  options.disk = draw_disk(random);
  options.node = draw_node(random);
  options.client = draw_client(random);
  draw_full_disks(options);
  draw_snapshot_rate(options);
  draw_more(options);
  draw_replacements_and_stalls(options);
  // Leases trust clocks: only where none leaps, and with room for how far they drift apart.
  const bool lease = random.chance(1, 5);
  options.node.snapshot_kill_per_mille = sometimes(random, 50, 100, 900);
  leave_out(options);
  if (lease && options.node.clock_jump_interval_ms == 0) {
    options.core.read_lease_drift_percent = 25;
  }
  return options;
}

std::string describe(const RunOptions& o) {
  const auto& core = o.core;
  std::string text;
  text += fmt::format("  cluster: {} nodes, {} ms with faults: {}\n", o.nodes, o.milliseconds,
                      describe(o.faults));
  text += fmt::format(
      "  core: election timeout {} ms, heartbeat {} ms, append {} B, window {} messages {} B, "
      "uncommitted {} B, applying {} B, memory {} B\n",
      core.election_timeout_ms, core.heartbeat_interval_ms, core.max_append_bytes,
      core.window_messages, core.window_bytes, core.max_uncommitted_bytes, core.max_applying_bytes,
      core.log_memory_bytes);
  text += fmt::format(
      "  network: loss {}/1000, duplicates {}/1000, delay {} to {} us, {}/1000 up to {} ms, {}, "
      "a partition every {} ms for up to {} ms, a link flaps every {} ms for up to {} ms, the bulk "
      "for a node stalls every {} ms for up to {} ms\n",
      o.network.loss_per_mille, o.network.duplicate_per_mille, o.network.delay_min_us,
      o.network.delay_max_us, o.network.long_delay_per_mille, o.network.long_delay_ms,
      o.network.in_order ? "in order" : "reordered", o.network.partition_interval_ms,
      o.network.partition_length_ms, o.network.flap_interval_ms, o.network.flap_length_ms,
      o.network.stall_interval_ms, o.network.stall_length_ms);
  text += fmt::format(
      "  disk: sync {} to {} us, {}/1000 up to {} ms, of groups {}/1000 fail, {}/1000 find no "
      "space, reads {}/1000 fail, bit flips {}/1000 starts, segments of {} B, full every {} ms for "
      "up to {} ms, a reserve of {} B\n",
      o.disk.sync_min_us, o.disk.sync_max_us, o.disk.hang_per_mille, o.disk.hang_ms,
      o.disk.write_error_per_mille, o.disk.no_space_per_mille, o.disk.read_error_per_mille,
      o.disk.bit_flip_per_mille, o.disk.segment_bytes, o.node.full_disk_interval_ms,
      o.node.full_disk_length_ms, o.disk.reserve_bytes);
  text += fmt::format(
      "  nodes: a kill every {} ms, a power cut every {} ms, down up to {} ms, {}/1000 starts "
      "interrupted, {}/1000 snapshots end in a kill, a pause every {} ms for up to {} ms, drift "
      "{}/1000, a clock jump every {} ms "
      "by up to {} ms, clock from {} ms{}, {} events a turn, turn {} us, apply {} us, {} B "
      "recent\n",
      o.node.kill_interval_ms, o.node.power_cut_interval_ms, o.node.down_ms,
      o.node.interrupted_start_per_mille, o.node.snapshot_kill_per_mille, o.node.pause_interval_ms,
      o.node.pause_ms, o.node.drift_per_mille, o.node.clock_jump_interval_ms, o.node.clock_jump_ms,
      o.node.clock_start_ms, o.node.clock_restarts ? " and anew from power cuts" : "",
      o.node.batch_events, o.node.turn_delay_us, o.node.apply_delay_us, o.node.recent_bytes);
  text += fmt::format(
      "  members: {} may join, a change every {} ms, some replaced every {} ms, a transfer every "
      "{} ms, {}, {}/1000 restarts "
      "without data; a snapshot every {} ms and every {} B of log, {} entries behind it, sent at "
      "{} B/s; "
      "leases {} "
      "%, disk wait {} ms\n",
      o.node.joiners, o.node.churn_interval_ms, o.node.replacement_interval_ms,
      o.node.transfer_interval_ms, o.node.priorities ? "priorities" : "no priorities",
      o.node.wipe_per_mille, o.node.snapshot_interval_ms, core.snapshot_log_bytes,
      core.trailing_entries, core.snapshot_bytes_per_second, core.read_lease_drift_percent,
      core.max_disk_wait_ms);
  text += fmt::format(
      "  clients: {} operations, {} at a time, every {} us, {} keys, {} % reads, {} % deletes, "
      "{} % of sets publications, timeout {} ms, {} attempts, up to {} B, {} % under {} sessions "
      "of {} ms, {} at a time each, {} % close it, {} sessions allowed\n",
      o.client.operations, o.client.burst, o.client.interval_us, o.client.keys,
      o.client.read_percent, o.client.delete_percent, o.client.publish_percent, o.client.timeout_ms,
      o.client.attempts, o.client.value_bytes, o.client.session_percent, o.client.sessions,
      o.client.session_timeout_ms, o.client.session_writes, o.client.close_percent,
      o.client.max_sessions);
  return text;
}

}  // namespace sim
