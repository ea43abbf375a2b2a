// Interrupt: SIGINT and SIGTERM as a descriptor that can be polled (B17). Made before the first
// ZeroMQ context, so that the threads of ZeroMQ do not take the signals. One for a process.
#pragma once

namespace client {

class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Whether a signal has come; stays true.
  [[nodiscard]] bool came();

 private:
  int descriptor_;
  bool came_ = false;
};

}  // namespace client
