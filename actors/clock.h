// clock: publishes the time of a clock that never goes back, every tick_ms, to whoever judges by
// the time; nobody else asks for it.
#pragma once

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/messages.h"
#include "actors/timer.h"
#include "raft/types.h"

namespace actors {

// Milliseconds of the clock that ticks carry.
[[nodiscard]] raft::Milliseconds monotonic_now();

class Clock final : public Actor {
 public:
  Clock(raft::Milliseconds tick_ms, BroadcastSource<Tick> ticks);

  [[nodiscard]] std::string_view name() const override { return "clock"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  Timer timer_;
  BroadcastSource<Tick> ticks_;
};

}  // namespace actors
