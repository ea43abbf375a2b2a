// Stage: which part of a run it is, for the threads of the workers. Entered by one thread.
#pragma once

#include <atomic>
#include <chrono>
#include <limits>

namespace bench {

using Clock = std::chrono::steady_clock;

// kDrain: what was due in the measured time is still awaited, and nothing else begins.
enum class Phase : int { kWarmUp, kMeasure, kDrain, kEnd };

class Stage {
 public:
  // Forward only.
  void enter(Phase phase) {
    const Clock::rep now = Clock::now().time_since_epoch().count();
    if (phase == Phase::kMeasure) begin_ = now;
    if (phase > Phase::kMeasure && end_ == kNever) end_ = now;
    phase_ = phase;
  }

  [[nodiscard]] const std::atomic<Phase>& phase() const { return phase_; }
  // Whether `time` lies in the measured time, as far as that is known.
  [[nodiscard]] bool measures(Clock::time_point time) const {
    const Clock::rep when = time.time_since_epoch().count();
    return when >= begin_ && when < end_;
  }

 private:
  static constexpr Clock::rep kNever = std::numeric_limits<Clock::rep>::max();

  std::atomic<Phase> phase_{Phase::kWarmUp};
  std::atomic<Clock::rep> begin_{kNever};
  std::atomic<Clock::rep> end_{kNever};
};

}  // namespace bench
