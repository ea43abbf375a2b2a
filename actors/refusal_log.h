// RefusalLog: says which bytes from outside were refused, and why, at most once a second for each
// reason, however many there are. Part of socket_server.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "actors/logging.h"
#include "raft/types.h"

namespace actors {

class RefusalLog {
 public:
  explicit RefusalLog(const ActorLog& log) : log_(log) {}

  // `reason`: one of few, from a fixed list. `detail`: what the last one looked like.
  void note(std::string_view reason, std::string_view detail);
  void on_tick(raft::Milliseconds now);

  // Since the start, by reason.
  [[nodiscard]] std::map<std::string, std::uint64_t> totals() const;

 private:
  struct Reason {
    std::uint64_t total = 0;
    std::uint64_t unsaid = 0;  // since the last line
    std::string detail;        // of the first that is unsaid
  };

  const ActorLog& log_;
  std::map<std::string, Reason, std::less<>> reasons_;
  raft::Milliseconds said_at_ = 0;
};

}  // namespace actors
