#include "bench/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/crew.h"
#include "bench/process_usage.h"

namespace bench {
namespace {

constexpr std::chrono::milliseconds kStep{20};

// Until the requests of `crew` have ended.
void complete(Crew& crew, Target& target, client::ProgressLine& progress, const char* what,
              std::uint64_t requests) {
  while (!crew.done()) {
    target.check();
    if (progress.is_due()) {
      progress.show(fmt::format("{} {} of {}", what, crew.completed(), requests));
    }
    std::this_thread::sleep_for(kStep);
  }
}

void spend(Crew& crew, Target& target, client::ProgressLine& progress, const char* what,
           double seconds) {
  const Clock::time_point start = Clock::now();
  const auto time = std::chrono::duration<double>(seconds);
  const std::uint64_t before = crew.completed();
  while (Clock::now() - start < time) {
    target.check();
    const double passed = std::chrono::duration<double>(Clock::now() - start).count();
    if (progress.is_due() && passed > 0) {
      progress.show(fmt::format("{} {:.1f} of {:.1f} s, {:.0f} requests a second", what, passed,
                                seconds, static_cast<double>(crew.completed() - before) / passed));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(
        kStep, std::max<Clock::duration>(
                   std::chrono::duration_cast<Clock::duration>(time) - (Clock::now() - start),
                   Clock::duration::zero())));
  }
}

// What the nodes and this process have used since it was made.
class UsageMeter {
 public:
  explicit UsageMeter(std::vector<pid_t> processes) : processes_(std::move(processes)) {
    for (const pid_t process : processes_) before_.push_back(read_usage(process));
    own_before_ = read_usage(getpid());
  }

  void read_into(Measurement& measurement) const {
    for (std::size_t i = 0; i < processes_.size(); ++i) {
      const auto after = read_usage(processes_[i]);
      if (!before_[i] || !after) continue;
      measurement.nodes.push_back(
          {processes_[i], after->cpu_seconds - before_[i]->cpu_seconds, *after});
    }
    const auto own_after = read_usage(getpid());
    if (own_before_ && own_after) {
      measurement.own_cpu_seconds = own_after->cpu_seconds - own_before_->cpu_seconds;
    }
  }

 private:
  std::vector<pid_t> processes_;
  std::vector<std::optional<ProcessUsage>> before_;
  std::optional<ProcessUsage> own_before_;
};

}  // namespace

void fill_keys(const Options& options, Target& target, client::ProgressLine& progress) {
  Crew crew(target.context(), options, target.endpoints(), true);
  crew.enter(Phase::kMeasure);
  complete(crew, target, progress, "writing keys,", options.keys);
  crew.end();
  Tally tally;
  crew.add_to(tally);
  progress.clear();
  if (tally.errors.empty()) return;
  throw std::runtime_error(
      fmt::format("the keys could not be written: {}", tally.errors.begin()->first));
}

Measurement measure(const Options& options, Target& target, client::ProgressLine& progress) {
  Crew crew(target.context(), options, target.endpoints(), false);
  if (!options.requests) spend(crew, target, progress, "warming up,", options.warm_up_s);
  const UsageMeter meter(target.processes());
  Measurement measurement;
  const Clock::time_point start = Clock::now();
  crew.enter(Phase::kMeasure);
  if (options.requests) {
    complete(crew, target, progress, "measuring,", *options.requests);
  } else {
    spend(crew, target, progress, "measuring,", options.seconds);
  }
  crew.enter(Phase::kEnd);
  measurement.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  meter.read_into(measurement);
  crew.end();
  crew.add_to(measurement.tally);
  progress.clear();
  return measurement;
}

}  // namespace bench
