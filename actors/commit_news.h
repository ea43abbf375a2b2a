// CommitNews: what a leader has to tell its followers of a commit, held back for a moment. Under
// load, and where a client writes one thing after the other, entries follow at once and say the
// same: then two messages a follower are saved, with the threads that they wake.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "actors/timer.h"
#include "raft/effects.h"

namespace actors {

class CommitNews {
 public:
  // `wait_ms`: how long news may be held, from the first on; above 0.
  explicit CommitNews(raft::Milliseconds wait_ms) : wait_ms_(wait_ms) {}

  // A CommitAdvanced. Takes the place of what is held for the same peer.
  void hold(const raft::Send& news);
  // What is held for that peer: to be sent now, or forgotten, as entries went that say the same.
  [[nodiscard]] std::optional<raft::Send> take(raft::NodeId peer);
  // What has been held long enough: all of it, or nothing.
  [[nodiscard]] std::vector<raft::Send> take_due();
  [[nodiscard]] std::vector<raft::Send> take_all();

  [[nodiscard]] Input input() const { return timer_.input(); }

 private:
  raft::Milliseconds wait_ms_;
  Timer timer_;  // runs since something is held
  std::map<raft::NodeId, raft::Send> held_;
};

}  // namespace actors
