// What a run went through: shows that faults and paths were met at all.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sim {

struct Statistics {
  std::uint64_t steps = 0;
  std::uint64_t elections_won = 0;
  std::uint64_t kills = 0;
  std::uint64_t power_cuts = 0;
  std::uint64_t orders_lost = 0;  // in kills and power cuts, whole or in part
  std::uint64_t disk_faults = 0;  // that ended a node
  std::uint64_t starts_failed = 0;
  std::uint64_t bit_flips = 0;
  std::uint64_t refused_damage = 0;  // nodes that said so and did not start
  std::uint64_t starts_in_doubt = 0;
  std::uint64_t repairs = 0;  // doubts that were settled
  std::uint64_t pauses = 0;
  std::uint64_t clock_jumps = 0;
  std::uint64_t partitions = 0;
  std::uint64_t flaps = 0;   // links that came and went for a while
  std::uint64_t stalls = 0;  // of the lanes for bulk to a node
  std::uint64_t messages = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_doubled = 0;
  std::uint64_t messages_late = 0;  // by the long delay
  std::uint64_t truncations = 0;
  std::uint64_t fetches = 0;
  std::uint64_t committed = 0;
  std::uint64_t operations = 0;  // of clients
  std::uint64_t attempts = 0;
  std::uint64_t writes_acknowledged = 0;
  std::uint64_t reads_served = 0;
  std::uint64_t refused_no_leader = 0;
  std::uint64_t refused_busy = 0;
  std::uint64_t unknown_outcomes = 0;
  std::uint64_t histories_undecided = 0;
  std::uint64_t wipes = 0;
  std::uint64_t replacements = 0;  // of members whose directories are lost
  std::uint64_t snapshots_taken = 0;
  std::uint64_t snapshots_received = 0;
  std::uint64_t snapshots_reused = 0;    // of these: with blocks of the receiver's own
  std::uint64_t snapshots_restored = 0;  // into a state machine
  std::uint64_t changes_committed = 0;   // of configurations
  std::uint64_t requests_completed = 0;
  std::uint64_t publications = 0;
  std::uint64_t sessions_opened = 0;
  std::uint64_t sessions_refused = 0;  // as many were open as are allowed
  std::uint64_t sessions_closed = 0;
  std::uint64_t session_writes_repeated = 0;
  std::uint64_t sessions_expired = 0;
  std::uint64_t spares_used = 0;  // segments that were prepared ahead of their use
  std::uint64_t full_disks = 0;
  std::uint64_t refused_disk_full = 0;
  std::uint64_t wrong_directory = 0;   // messages for a directory that is gone
  std::uint64_t liveness_not_due = 0;  // runs that no majority survived

  Statistics& operator+=(const Statistics& other);
};

struct StatisticsField {
  std::string_view name;
  std::uint64_t Statistics::*value;
};
inline constexpr std::size_t kStatisticsFields = 50;
extern const std::array<StatisticsField, kStatisticsFields> kStatistics;

// "steps 7, elections_won 2, …"
[[nodiscard]] std::string describe(const Statistics& statistics);

}  // namespace sim
