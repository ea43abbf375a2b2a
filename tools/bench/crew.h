// Crew: the workers of one run and their threads, joined at its end, however it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bench/options.h"
#include "bench/worker.h"

namespace bench {

enum class Task {
  kFill,  // write every key once
  kLoad,  // the work of the options
};

class Crew {
 public:
  // Begins at once, in Phase::kWarmUp. `outage`: where answers are reported after a kill; it
  // outlives the crew. `acknowledged_after`: as in the plan of a worker.
  Crew(zmq::context_t& context, const Options& options, const std::vector<std::string>& endpoints,
       Task task, Outage* outage = nullptr,
       std::optional<std::uint64_t> acknowledged_after = std::nullopt);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void enter(Phase phase) { stage_.enter(phase); }
  // Enters Phase::kEnd and waits until all have seen it.
  void end();
  // Whether each has ended all requests of its plan.
  [[nodiscard]] bool done() const;
  // In Phase::kDrain: whether nothing is under way any more.
  [[nodiscard]] bool drained() const;
  // Requests that succeeded, in every phase.
  [[nodiscard]] std::uint64_t completed() const;
  // After end().
  void add_to(Tally& tally) const;

 private:
  Stage stage_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

}  // namespace bench
