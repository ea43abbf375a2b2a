#include "actors/clock.h"

#include <chrono>
#include <utility>

namespace actors {

raft::Milliseconds monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now);
  return static_cast<raft::Milliseconds>(elapsed.count());
}

Clock::Clock(raft::Milliseconds tick_ms, BroadcastSource<Tick> ticks) : ticks_(std::move(ticks)) {
  timer_.start_periodic(tick_ms);
}

std::vector<Input> Clock::inputs() { return {timer_.input()}; }

void Clock::turn() {
  // Late by several intervals, it ticks once: a tick says what time it is, not how much passed.
  if (timer_.take()) ticks_.publish({monotonic_now()});
}

void Clock::stop() { timer_.start_periodic(0); }

}  // namespace actors
