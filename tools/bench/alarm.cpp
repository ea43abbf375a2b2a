#include "bench/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace bench {

// steady_clock is CLOCK_MONOTONIC.
Alarm::Alarm() : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "timerfd_create");
}

Alarm::~Alarm() { close(descriptor_); }

void Alarm::set(Clock::time_point when) {
  if (set_to_ == when) return;
  set_to_ = when;
  const auto since = std::max(when.time_since_epoch(), Clock::duration(1));  // 0 would be: never
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
  itimerspec time{};
  time.it_value.tv_sec = seconds.count();
  time.it_value.tv_nsec = std::chrono::nanoseconds(since - seconds).count();
  if (timerfd_settime(descriptor_, TFD_TIMER_ABSTIME, &time, nullptr) != 0) {
    throw std::system_error(errno, std::generic_category(), "timerfd_settime");
  }
}

}  // namespace bench
