// Alarm: a descriptor that is readable from a point in time on, to wait for it and for sockets at
// once, more exactly than the milliseconds of a poll's time limit.
#pragma once

#include <optional>

#include "bench/stage.h"

namespace bench {

class Alarm {
 public:
  Alarm();
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // In place of what was set before. A time that is past is due at once.
  void set(Clock::time_point when);

 private:
  int descriptor_;
  std::optional<Clock::time_point> set_to_;
};

}  // namespace bench
