#include "bench/listening.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <stdexcept>
#include <thread>

#include "bench/stage.h"
#include "bench/standing.h"

namespace bench {
namespace {

constexpr std::chrono::seconds kConnectTime{10};
constexpr std::chrono::seconds kCatchUpTime{10};
constexpr std::chrono::milliseconds kStep{5};

// Whether `is_over` came to be true within `time`. `waits_for`: what to show meanwhile.
template <typename IsOver, typename WaitsFor>
bool wait_until(Target& target, client::ProgressLine& progress, std::chrono::seconds time,
                IsOver is_over, WaitsFor waits_for) {
  const Clock::time_point end = Clock::now() + time;
  while (!is_over()) {
    if (Clock::now() >= end) return false;
    target.check();
    if (progress.is_due() && client::is_terminal(STDERR_FILENO)) progress.show(waits_for());
    std::this_thread::sleep_for(kStep);
  }
  return true;
}

}  // namespace

Listening::Listening(const Options& options, Target& target, client::ProgressLine& progress)
    : target_(target), progress_(progress) {
  if (options.subscribers == 0) return;
  const auto publishers = publish_endpoints(target.ask_status());
  if (publishers.empty()) throw std::runtime_error("no node tells its publish endpoint");
  audience_.emplace(publishers, options.subscribers);
  wait_until_connected();
  begin();
}

void Listening::wait_until_connected() {
  const auto is_over = [&] { return audience_->unconnected() == 0; };
  const auto waits_for = [&] {
    return fmt::format("waiting for {} subscribers to hear their nodes", audience_->unconnected());
  };
  if (wait_until(target_, progress_, kConnectTime, is_over, waits_for)) return;
  throw std::runtime_error(fmt::format("{} subscribers heard nothing from their nodes for {} s",
                                       audience_->unconnected(), kConnectTime.count()));
}

// Only now, as what is in no log yet can have been broadcast by no node.
void Listening::begin() {
  begun_after_ = highest(target_.ask_status(), "last_index");
  if (!begun_after_) throw std::runtime_error("no node tells how long its log is");
  audience_->begin(*begun_after_);
}

std::optional<Broadcasts> Listening::finish(const IndexSet& acknowledged) {
  if (!audience_) return std::nullopt;
  audience_->end_with(acknowledged.highest());
  const auto is_over = [&] { return audience_->settled() && audience_->behind() == 0; };
  const auto waits_for = [&] {
    return fmt::format("waiting for broadcasts, {} subscribers are behind", audience_->behind());
  };
  static_cast<void>(wait_until(target_, progress_, kCatchUpTime, is_over, waits_for));
  return audience_->finish(acknowledged);
}

}  // namespace bench
