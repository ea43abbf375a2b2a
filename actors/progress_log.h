// ProgressLog: says how far a node is with what takes long at its start: a line about once a
// second, and none of what is done sooner.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include "actors/logging.h"
#include "raft/types.h"
#include "storage/opening_progress.h"

namespace actors {

// The time now, from wherever it comes.
using Now = std::function<raft::Milliseconds()>;

class ProgressLog {
 public:
  ProgressLog(ActorLog log, Now now) : log_(std::move(log)), now_(std::move(now)) {}

  void tell(const storage::OpeningProgress& progress);
  // Of a snapshot that is loaded into the database.
  void tell_loaded(std::uint64_t done_bytes, std::uint64_t all_bytes);
  // Of entries that an earlier life of the node has in its log: the database is applied to
  // `applied`, and began with `first`.
  void tell_applied(raft::Index first, raft::Index applied, raft::Index last);

 private:
  // Whether a line is due; the first call of each work begins its first second.
  [[nodiscard]] bool is_due(std::string_view work);
  void say_bytes(std::string_view work, std::uint64_t done, std::uint64_t all);

  ActorLog log_;
  Now now_;
  std::string_view work_;  // told of last
  raft::Milliseconds due_ = 0;
};

}  // namespace actors
