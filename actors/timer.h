// Timer: a timer of the system that a loop can wait for like for a socket, timerfd_create(2).
#pragma once

#include "actors/input.h"
#include "raft/types.h"

namespace actors {

class Timer {
 public:
  Timer();  // stands still
  ~Timer();
  Timer(Timer&& other) noexcept;
  Timer& operator=(Timer&&) = delete;

  // From now on; what it was set to before is forgotten. 0 ms: it stands still.
  void start_periodic(raft::Milliseconds interval_ms);
  void start_once(raft::Milliseconds wait_ms);
  // Whether it has gone off since it was asked last, once or more often.
  [[nodiscard]] bool take();

  [[nodiscard]] Input input() const { return Input(descriptor_); }

 private:
  void set(raft::Milliseconds wait_ms, raft::Milliseconds interval_ms);

  int descriptor_;
};

}  // namespace actors
