#include "raft/snapshot_rate.h"

#include <algorithm>

#include "base/check.h"

namespace raft {

void SnapshotRate::on_sent(std::uint64_t bytes) {
  CHECK(may_send(), "{} bytes of a snapshot are sent, {} thousandths of one are left", bytes,
        left_);
  if (is_limited()) left_ -= static_cast<std::int64_t>(1000 * bytes);
}

void SnapshotRate::on_tick(Milliseconds now) {
  if (now == now_) return;  // what the first look at this moment allowed still is
  const Milliseconds elapsed = std::min(now - now_, longest_tick_ms_);
  now_ = now;
  left_ = std::min<std::int64_t>(left_, 0) + static_cast<std::int64_t>(bytes_per_second_ * elapsed);
}

}  // namespace raft
