// Listening: the subscribers of one measurement, from before its load until each has heard all of
// it.
#pragma once

#include <cstdint>
#include <optional>

#include "bench/audience.h"
#include "bench/options.h"
#include "bench/target.h"
#include "client/terminal.h"

namespace bench {

class Listening {
 public:
  // Returns once every subscriber hears its node; at once where the options want none. Throws
  // std::runtime_error where that takes too long, and Interrupted.
  Listening(const Options& options, Target& target, client::ProgressLine& progress);

  // The end of the log before the load; nothing without subscribers.
  [[nodiscard]] std::optional<std::uint64_t> begun_after() const { return begun_after_; }
  // Once the load is over: waits, not for ever, until each subscriber has heard it to its end.
  // Nothing without subscribers. Throws Interrupted.
  [[nodiscard]] std::optional<Broadcasts> finish(const IndexSet& acknowledged);

 private:
  void wait_until_connected();
  void begin();

  Target& target_;
  client::ProgressLine& progress_;
  std::optional<Audience> audience_;
  std::optional<std::uint64_t> begun_after_;
};

}  // namespace bench
