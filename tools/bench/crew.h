// Crew: the workers of one run and their threads, joined at its end, however it ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bench/options.h"
#include "bench/worker.h"

namespace bench {

class Crew {
 public:
  // `fill`: write every key once, instead of the work of the options. `outage`: where answers are
  // reported after a kill; it outlives the crew. They begin at once, in Phase::kWarmUp.
  Crew(zmq::context_t& context, const Options& options, const std::vector<std::string>& endpoints,
       bool fill, Outage* outage = nullptr);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void enter(Phase phase) { phase_ = phase; }
  // Enters Phase::kEnd and waits until all have seen it.
  void end();
  // Whether each has ended all requests of its plan.
  [[nodiscard]] bool done() const;
  // Requests that succeeded, in every phase.
  [[nodiscard]] std::uint64_t completed() const;
  // After end().
  void add_to(Tally& tally) const;

 private:
  std::atomic<Phase> phase_{Phase::kWarmUp};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace bench
