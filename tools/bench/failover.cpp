#include "bench/failover.h"

#include <fmt/format.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "bench/crew.h"
#include "bench/outage.h"
#include "bench/target.h"

namespace bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

constexpr std::chrono::seconds kLongestOutage{30};

void load_for(Target& target, double seconds) {
  const Clock::time_point start = Clock::now();
  while (Clock::now() - start < std::chrono::duration<double>(seconds)) {
    target.check();
    std::this_thread::sleep_for(milliseconds(10));
  }
}

// A cluster of its own, as no node may be forked beside threads and sockets (B18).
nanoseconds measure_failover(const Options& options, client::Interrupt& interrupt) {
  Target target(options, interrupt);
  if (!target.wait_for_leader()) throw NoLeader();
  Outage outage;
  Crew crew(target.context(), options, target.endpoints(), Task::kLoad, &outage);
  load_for(target, options.warm_up_s);
  if (crew.completed() == 0) {
    throw std::runtime_error(
        fmt::format("no write was acknowledged in {} s before the kill", options.warm_up_s));
  }
  if (!target.kill_leader()) throw NoLeader();
  outage.begin();
  const Clock::time_point start = Clock::now();
  while (!outage.length()) {
    target.check();
    if (Clock::now() - start > kLongestOutage) {
      throw std::runtime_error(
          fmt::format("no write was acknowledged for {} s after the kill", kLongestOutage.count()));
    }
    std::this_thread::sleep_for(milliseconds(1));
  }
  return *outage.length();
}

}  // namespace

std::vector<nanoseconds> measure_failovers(const Options& options, client::Interrupt& interrupt,
                                           client::ProgressLine& progress) {
  std::vector<nanoseconds> outages;
  while (outages.size() < options.kills) {
    if (progress.is_due() && client::is_terminal(STDERR_FILENO)) {
      progress.show(fmt::format("kill {} of {}", outages.size() + 1, options.kills));
    }
    outages.push_back(measure_failover(options, interrupt));
  }
  progress.clear();
  return outages;
}

}  // namespace bench
