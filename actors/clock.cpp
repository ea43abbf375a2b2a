#include "actors/clock.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

namespace actors {
namespace {

void arm(int timer, raft::Milliseconds interval_ms) {
  timespec interval{};
  interval.tv_sec = static_cast<time_t>(interval_ms / 1000);
  interval.tv_nsec = static_cast<long>(interval_ms % 1000) * 1'000'000;
  const itimerspec setting{interval, interval};
  if (timerfd_settime(timer, 0, &setting, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "cannot set the timer of the clock");
  }
}

}  // namespace

raft::Milliseconds monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(now);
  return static_cast<raft::Milliseconds>(elapsed.count());
}

Clock::Clock(raft::Milliseconds tick_ms, BroadcastSource<Tick> ticks)
    : timer_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)),
      ticks_(std::move(ticks)) {
  if (timer_ < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot make the timer of the clock");
  }
  arm(timer_, tick_ms);
}

Clock::~Clock() { close(timer_); }

std::vector<Input> Clock::inputs() { return {Input(timer_)}; }

void Clock::turn() {
  std::uint64_t expirations = 0;
  // Late by several intervals, it ticks once: a tick says what time it is, not how much passed.
  if (read(timer_, &expirations, sizeof expirations) == sizeof expirations) {
    ticks_.publish({monotonic_now()});
  }
}

void Clock::stop() { arm(timer_, 0); }

}  // namespace actors
