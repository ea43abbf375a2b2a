#include "bench/crew.h"

#include <algorithm>
#include <optional>

namespace bench {

Crew::Crew(zmq::context_t& context, const Options& options,
           const std::vector<std::string>& endpoints, bool fill, Outage* outage) {
  const std::size_t count = options.threads;
  const auto share = [count](std::uint64_t total, std::size_t i) {
    return total / count + (i < total % count ? 1 : 0);
  };
  const auto requests = fill ? options.keys : options.requests;
  for (std::size_t i = 0; i < count; ++i) {
    workers_.push_back(std::make_unique<Worker>(
        context,
        Plan{endpoints, options.any_node, options.mode != Mode::kRead || fill, options.local,
             share(options.clients, i),
             std::max(share(options.in_flight, i), share(options.clients, i)), options.value_bytes,
             options.keys, options.retry || fill,
             requests ? std::optional(share(*requests, i)) : std::nullopt, fill, i, count, outage},
        phase_));
  }
  for (const auto& worker : workers_) threads_.emplace_back([&worker] { worker->run(); });
}

Crew::~Crew() { end(); }

void Crew::end() {
  phase_ = Phase::kEnd;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool Crew::done() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->done(); });
}

std::uint64_t Crew::completed() const {
  std::uint64_t completed = 0;
  for (const auto& worker : workers_) completed += worker->completed();
  return completed;
}

void Crew::add_to(Tally& tally) const {
  for (const auto& worker : workers_) {
    tally.latencies.merge(worker->tally().latencies);
    tally.not_found += worker->tally().not_found;
    tally.retries += worker->tally().retries;
    for (const auto& [code, times] : worker->tally().errors) tally.errors[code] += times;
  }
}

}  // namespace bench
