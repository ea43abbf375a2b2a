// clock: the only timer of a node. It publishes the time of a clock that never goes back, every
// tick_ms, to whoever measures time; nobody else asks for it.
#pragma once

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/messages.h"
#include "raft/types.h"

namespace actors {

// Milliseconds of the clock that ticks carry.
[[nodiscard]] raft::Milliseconds monotonic_now();

class Clock final : public Actor {
 public:
  Clock(raft::Milliseconds tick_ms, BroadcastSource<Tick> ticks);
  ~Clock() override;

  [[nodiscard]] std::string_view name() const override { return "clock"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  int timer_;  // a timerfd: a loop can wait for it like for a socket
  BroadcastSource<Tick> ticks_;
};

}  // namespace actors
