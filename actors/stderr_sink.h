// StderrSink: writes lines to stderr and never waits longer than it is let. While the node runs it
// waits for a reader, in the thread of the log alone; once close() was called, what the reader does
// not take within a moment is given up: a terminal that is held or a pipe that nobody reads does
// not keep a node from ending (A33).
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <string_view>

namespace actors {

class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  explicit StderrSink(int descriptor, bool colours) : descriptor_(descriptor), colours_(colours) {}

  // From any thread: from now on lines have a fifth of a second, all together, to leave.
  void close() { closing_.store(true, std::memory_order_relaxed); }

 protected:
  // By the thread of the log alone.
  void sink_it_(const spdlog::details::log_msg& message) override;
  void flush_() override {}

 private:
  void write_all(std::string_view text);
  [[nodiscard]] bool wait_writable();

  int descriptor_;
  bool colours_;
  std::atomic<bool> closing_ = false;
  int patience_ms_ = 200;  // of a closed sink; what is left of it
};

}  // namespace actors
