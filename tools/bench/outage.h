// Outage: how long no write of a cluster was acknowledged after its leader was killed. Shared by
// the threads of the workers and the one that kills.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace bench {

class Outage {
 public:
  using Clock = std::chrono::steady_clock;

  // The leader is dead by now.
  void begin() { killed_at_ = ticks(Clock::now()); }

  // An attempt that was sent at `sent_at` has succeeded. What was sent before the kill may be an
  // answer of the dead leader that was still on its way.
  void on_success(Clock::time_point sent_at, Clock::time_point now) {
    const Clock::rep killed_at = killed_at_;
    if (killed_at == 0 || ticks(sent_at) <= killed_at) return;
    Clock::rep none = 0;
    answered_at_.compare_exchange_strong(none, ticks(now));
  }

  // Nothing while it lasts.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> length() const {
    const Clock::rep answered_at = answered_at_;
    if (answered_at == 0) return std::nullopt;
    return Clock::duration(answered_at - killed_at_);
  }

 private:
  [[nodiscard]] static Clock::rep ticks(Clock::time_point time) {
    return time.time_since_epoch().count();
  }

  // Times of Clock; 0: not yet.
  std::atomic<Clock::rep> killed_at_{0};
  std::atomic<Clock::rep> answered_at_{0};
};

}  // namespace bench
