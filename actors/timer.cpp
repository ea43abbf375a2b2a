#include "actors/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <utility>

namespace actors {
namespace {

timespec to_timespec(raft::Milliseconds duration_ms) {
  timespec duration{};
  duration.tv_sec = static_cast<time_t>(duration_ms / 1000);
  duration.tv_nsec = static_cast<long>(duration_ms % 1000) * 1'000'000;
  return duration;
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Timer::Timer() : descriptor_(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC)) {
  if (descriptor_ < 0) fail("cannot make a timer");
}

Timer::~Timer() {
  if (descriptor_ >= 0) close(descriptor_);
}

Timer::Timer(Timer&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

void Timer::start_periodic(raft::Milliseconds interval_ms) { set(interval_ms, interval_ms); }

void Timer::start_once(raft::Milliseconds wait_ms) { set(wait_ms, 0); }

void Timer::set(raft::Milliseconds wait_ms, raft::Milliseconds interval_ms) {
  const itimerspec setting{to_timespec(interval_ms), to_timespec(wait_ms)};
  if (timerfd_settime(descriptor_, 0, &setting, nullptr) != 0) fail("cannot set a timer");
}

bool Timer::take() {
  std::uint64_t expirations = 0;
  return read(descriptor_, &expirations, sizeof expirations) == sizeof expirations;
}

}  // namespace actors
