// SessionModel: which sessions are open, as the entries alone say: opened, used, closed, and
// expired by the log's own time (§6.3 of the dissertation). What the state machine says of each has
// to be the same.
#pragma once

#include <cstdint>
#include <map>

#include "raft/entry.h"
#include "state_machine.h"

namespace sim {

class SessionModel {
 public:
  // An entry that no node has applied before. They come in order.
  void on_first_applied(const raft::Entry& entry, const AppliedEntry& applied);

 private:
  struct Session {
    std::uint64_t timeout_ms;
    std::uint64_t used_ms;
  };
  void expire(std::uint64_t time_ms);

  std::map<std::uint64_t, Session> open_;
};

}  // namespace sim
