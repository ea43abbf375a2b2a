// Progress: what the leader knows of one follower's log, and how it feeds it.
//
// Probe: the leader looks for the place where the logs match, one message at a time.
// Pipeline: it is found; messages follow each other without waiting, within a window.
// Snapshot: the next entry is compacted away; a snapshot travels, one part at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "raft/snapshot_head.h"
#include "raft/types.h"

namespace raft {

class Progress {
 public:
  enum class Mode : std::uint8_t { kProbe, kPipeline, kSnapshot };

  Progress(Index next_index, Milliseconds now) : next_index_(next_index), heard_at_(now) {}

  [[nodiscard]] Mode mode() const { return mode_; }
  [[nodiscard]] Index match_index() const { return match_index_; }
  [[nodiscard]] Index next_index() const { return next_index_; }
  [[nodiscard]] std::size_t bytes_in_flight() const { return bytes_in_flight_; }
  [[nodiscard]] std::size_t messages_in_flight() const { return in_flight_.size(); }

  // Whether a message may be sent now, within a window of so many messages and bytes.
  [[nodiscard]] bool may_send(std::size_t window_messages, std::size_t window_bytes) const;
  // Entries up to `last_index` were sent; `bytes` of them; none where last_index is next - 1.
  void on_sent(Index last_index, std::size_t bytes);

  // The follower has everything up to `match_index` on disk. True where that was news.
  bool on_accepted(Index match_index);
  // The consistency check failed at `prev_log_index`; the next probe goes to `next_index`. Ignored
  // where a later answer has overtaken it. True where the follower denies what it had acknowledged.
  [[nodiscard]] bool on_rejected(Index prev_log_index, Index next_index);
  // A heartbeat was answered: a probe may be repeated; where entries are in flight and nothing has
  // moved for two heartbeats, something was lost, and the pipeline starts over. Rounds of reads
  // send heartbeats far more often; of those, one in `heartbeat_interval` counts.
  void on_heartbeat_answered(Index follower_last_index, Milliseconds now,
                             Milliseconds heartbeat_interval);
  // The follower has lost what it had acknowledged: its log ends at `last_index`, and how much of
  // that matches is to be found out.
  void on_lost(Index last_index);
  // Nothing was heard for long: whatever was in flight is given up.
  void on_silence();

  // Snapshot: the one of `index` is sent, from its beginning or from where it was before.
  void begin_snapshot(Index index);
  [[nodiscard]] Index snapshot_index() const { return snapshot_index_; }
  [[nodiscard]] const SnapshotDemand& snapshot_demand() const { return snapshot_demand_; }
  // What the next part is to bring; none while one is on its way.
  [[nodiscard]] std::optional<SnapshotDemand> next_snapshot_part() const;
  void on_snapshot_part_sent() { snapshot_part_sent_ = true; }
  // Ignored where it brings no news.
  void on_snapshot_part_answered(Index index, const SnapshotDemand& demand);
  // It cannot be sent: start over with a probe.
  void end_snapshot();

  // Catching up in rounds (dissertation §4.2.1): a round lasts until the follower has what the log
  // held at its beginning. True while the last one took less than `election_timeout`, and the one
  // under way does: who fell behind again while others were waited for has to catch up again.
  [[nodiscard]] bool caught_up(Index last_index, Milliseconds now, Milliseconds election_timeout);

  // When the follower last answered in this term.
  [[nodiscard]] Milliseconds heard_at() const { return heard_at_; }
  void set_heard_at(Milliseconds now) { heard_at_ = now; }

  bool reachable = true;                      // heard within the last two election timeouts
  bool told_lost = false;                     // that it lost what it had acknowledged
  bool doubted = false;                       // it said that it cannot vouch for its log …
  Milliseconds doubted_at = 0;                // … last then
  bool fetching = false;                      // entries for it are being read back from disk
  bool answered = false;                      // a heartbeat of this leader, and spoke of its disk
  DiskSpace disk_space = DiskSpace::kEnough;  // of its disk, as it says
  Milliseconds disk_space_told_at = 0;        // where that is not enough
  Index told_commit = 0;                      // the newest commit index sent to it
  std::uint64_t confirmed_round = 0;          // the newest round of reads it has confirmed

 private:
  struct InFlight {
    Index last_index;
    std::size_t bytes;
  };
  void probe_from(Index next_index);

  Mode mode_ = Mode::kProbe;
  Index match_index_ = 0;
  Index next_index_;
  bool probe_sent_ = false;          // in kProbe: wait for its answer
  std::deque<InFlight> in_flight_;   // in kPipeline
  Index snapshot_index_ = 0;         // of the snapshot sent last
  SnapshotDemand snapshot_demand_;   // as the follower said last
  bool snapshot_part_sent_ = false;  // in kSnapshot: wait for its answer
  std::optional<Index> round_end_;   // of the round of catching up
  Milliseconds round_began_ = 0;
  bool caught_up_ = false;
  std::size_t bytes_in_flight_ = 0;
  Milliseconds heartbeat_answered_at_ = 0;  // the last that counted
  Index match_at_heartbeat_ = 0;            // at that time
  int stalled_heartbeats_ = 0;              // in a row, in kPipeline
  Milliseconds heard_at_;
};

}  // namespace raft
