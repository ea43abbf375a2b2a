// SnapshotRate: how many bytes of snapshots a node may send in a second, to all of its followers
// together, so that what travels beside them is not held up. Between two ticks at most what their
// distance allows, and one part: what was not used up is not saved, what a part took too much is
// owed.
#pragma once

#include <cstdint>

#include "raft/types.h"

namespace raft {

class SnapshotRate {
 public:
  // `bytes_per_second`: 0: no limit. `longest_tick_ms`: a tick that comes later than that counts as
  // if it had not, so that a pause of the process brings no burst.
  SnapshotRate(std::uint64_t bytes_per_second, Milliseconds longest_tick_ms)
      : bytes_per_second_(bytes_per_second), longest_tick_ms_(longest_tick_ms) {}

  [[nodiscard]] bool is_limited() const { return bytes_per_second_ > 0; }
  [[nodiscard]] bool may_send() const { return !is_limited() || left_ > 0; }
  // A part, after may_send().
  void on_sent(std::uint64_t bytes);
  void on_tick(Milliseconds now);

 private:
  std::uint64_t bytes_per_second_;
  Milliseconds longest_tick_ms_;
  Milliseconds now_ = 0;
  std::int64_t left_ = 0;  // in thousandths of a byte; below 0: owed
};

}  // namespace raft
