#include "bench/crew.h"

#include <algorithm>

namespace bench {

Crew::Crew(zmq::context_t& context, const Options& options,
           const std::vector<std::string>& endpoints, Task task, Outage* outage,
           std::optional<std::uint64_t> acknowledged_after) {
  const std::size_t count = options.threads;
  const auto share = [count](std::uint64_t total, std::size_t i) {
    return total / count + (i < total % count ? 1 : 0);
  };
  const bool fill = task == Task::kFill;
  const auto requests = fill ? options.keys : options.requests;
  for (std::size_t i = 0; i < count; ++i) {
    Plan plan{
        .endpoints = endpoints,
        .any_node = options.any_node,
        .local = options.local,
        .read_share = fill ? 0 : options.read_share,
        .clients = share(options.clients, i),
        .in_flight = std::max(share(options.in_flight, i), share(options.clients, i)),
        .value_bytes = options.value_bytes,
        .keys = options.keys,
        .distribution = fill ? Distribution::kSequential : options.distribution,
        .retry = options.retry || fill,
        .requests = requests ? std::optional(share(*requests, i)) : std::nullopt,
        .rate = fill ? 0 : options.rate / static_cast<double>(count),
        .worker = i,
        .workers = count,
        .outage = outage,
        .acknowledged_after = acknowledged_after,
    };
    workers_.push_back(std::make_unique<Worker>(context, std::move(plan), stage_));
  }
  for (const auto& worker : workers_) threads_.emplace_back([&worker] { worker->run(); });
}

Crew::~Crew() { end(); }

void Crew::end() {
  stage_.enter(Phase::kEnd);
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

bool Crew::drained() const {
  return std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->drained(); });
}

void Crew::add_to(Tally& tally) const {
  for (const auto& worker : workers_) tally.merge(worker->tally());
}

}  // namespace bench
