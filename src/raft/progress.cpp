#include "raft/progress.h"

#include <algorithm>

#include "base/check.h"

namespace raft {
namespace {

// One might have been answered just after the entries were sent; two in a row say that they, or
// their acknowledgement, are lost.
constexpr int kStalledHeartbeats = 2;

}  // namespace

bool Progress::may_send(std::size_t window_messages, std::size_t window_bytes) const {
  if (mode_ == Mode::kSnapshot) return false;
  if (mode_ == Mode::kProbe) return !probe_sent_;
  return in_flight_.size() < window_messages && bytes_in_flight_ < window_bytes;
}

void Progress::on_sent(Index last_index, std::size_t bytes) {
  CHECK(last_index + 1 >= next_index_, "sent up to {}, next is {}", last_index, next_index_);
  if (mode_ == Mode::kProbe) {
    probe_sent_ = true;
    return;
  }
  if (last_index < next_index_) return;
  next_index_ = last_index + 1;
  in_flight_.push_back({last_index, bytes});
  bytes_in_flight_ += bytes;
}

bool Progress::on_accepted(Index match_index) {
  const bool news = match_index > match_index_;
  match_index_ = std::max(match_index_, match_index);
  next_index_ = std::max(next_index_, match_index_ + 1);
  while (!in_flight_.empty() && in_flight_.front().last_index <= match_index_) {
    bytes_in_flight_ -= in_flight_.front().bytes;
    in_flight_.pop_front();
  }
  const bool arrived = mode_ == Mode::kSnapshot && match_index_ >= snapshot_index_;
  if ((mode_ == Mode::kProbe && match_index_ + 1 == next_index_) || arrived) {
    mode_ = Mode::kPipeline;
    probe_sent_ = false;
    stalled_heartbeats_ = 0;
  }
  return news;
}

bool Progress::on_rejected(Index prev_log_index, Index next_index) {
  if (mode_ == Mode::kSnapshot) return false;
  const bool late =
      mode_ == Mode::kProbe ? prev_log_index + 1 != next_index_ : prev_log_index <= match_index_;
  if (late) return false;
  const bool denies_what_it_had = prev_log_index <= match_index_;
  probe_from(std::min(next_index, prev_log_index));
  // It lost its disk, and no probe does better than the one it rejected. The next waits for a
  // heartbeat, or the two would talk of nothing else as fast as they can (A28).
  probe_sent_ = denies_what_it_had;
  return denies_what_it_had;
}

void Progress::on_heartbeat_answered(Index follower_last_index, Milliseconds now,
                                     Milliseconds heartbeat_interval) {
  if (now - heartbeat_answered_at_ < heartbeat_interval) return;
  heartbeat_answered_at_ = now;
  if (mode_ == Mode::kSnapshot) {
    // One answer may overtake the part; the second one says that it, or its answer, is lost.
    if (snapshot_part_sent_ && ++stalled_heartbeats_ >= kStalledHeartbeats) {
      snapshot_part_sent_ = false;
      stalled_heartbeats_ = 0;
    }
  } else if (mode_ == Mode::kProbe) {
    probe_sent_ = false;
  } else if (match_index_ > match_at_heartbeat_ || match_index_ + 1 == next_index_) {
    stalled_heartbeats_ = 0;
  } else if (++stalled_heartbeats_ == kStalledHeartbeats) {
    probe_from(std::min(follower_last_index + 1, next_index_));
  }
  match_at_heartbeat_ = match_index_;
}

// Safe at any time: to believe less of a follower only delays what is committed.
void Progress::on_lost(Index last_index) {
  match_index_ = match_at_heartbeat_ = 0;
  told_commit = 0;
  caught_up_ = false;
  round_end_.reset();
  probe_from(last_index + 1);
}

// Not from match_index on: a follower that was away since before this term has most of the log,
// and its first rejection says where it ends.
void Progress::on_silence() { probe_from(next_index_); }

void Progress::begin_snapshot(Index index) {
  if (index != snapshot_index_) snapshot_demand_ = {};
  mode_ = Mode::kSnapshot;
  snapshot_index_ = index;
  snapshot_part_sent_ = false;
  stalled_heartbeats_ = 0;
  fetching = false;
  in_flight_.clear();
  bytes_in_flight_ = 0;
}

std::optional<SnapshotDemand> Progress::next_snapshot_part() const {
  if (mode_ != Mode::kSnapshot || snapshot_part_sent_) return std::nullopt;
  return snapshot_demand_;
}

void Progress::on_snapshot_part_answered(Index index, const SnapshotDemand& demand) {
  if (mode_ != Mode::kSnapshot || index != snapshot_index_) return;
  // A second copy of an answer, or of the part it answers. Each would bring another copy of the
  // next part on its way, and so on to the end; where nothing moves, heartbeats repeat the part.
  // Once nothing has to be sent any more, what is left to be copied moves, down to nothing.
  const bool copies = demand.wanted == 0 && demand.to_copy != snapshot_demand_.to_copy;
  if (demand.next_offset == snapshot_demand_.next_offset && !copies) return;
  snapshot_demand_ = demand;
  snapshot_part_sent_ = false;
  stalled_heartbeats_ = 0;
}

void Progress::end_snapshot() {
  if (mode_ == Mode::kSnapshot) probe_from(next_index_);
}

bool Progress::caught_up(Index last_index, Milliseconds now, Milliseconds election_timeout) {
  const bool is_over = round_end_ && match_index_ >= *round_end_;
  const bool in_time = now - round_began_ < election_timeout;
  if (is_over || !in_time) caught_up_ = is_over && in_time;
  if (is_over) round_end_.reset();
  if (!round_end_) {
    round_end_ = last_index;
    round_began_ = now;
  }
  return caught_up_;
}

void Progress::probe_from(Index next_index) {
  mode_ = Mode::kProbe;
  probe_sent_ = false;
  stalled_heartbeats_ = 0;
  fetching = false;
  next_index_ = std::max(next_index, match_index_ + 1);
  in_flight_.clear();
  bytes_in_flight_ = 0;
}

}  // namespace raft
