#include "bench/run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <stdexcept>
#include <thread>

#include "bench/crew.h"
#include "bench/listening.h"
#include "bench/process_usage.h"
#include "bench/standing.h"

namespace bench {
namespace {

constexpr std::chrono::milliseconds kStep{20};
constexpr std::chrono::milliseconds kDrainTime{1000};
constexpr std::chrono::milliseconds kTermTime{250};

// What is answered a second, lately: over the last second, once there was one.
class RecentRate {
 public:
  [[nodiscard]] double update(std::uint64_t completed) {
    const Clock::time_point now = Clock::now();
    marks_.push_back({now, completed});
    while (marks_.size() > 2 && now - marks_[1].when >= std::chrono::seconds(1)) marks_.pop_front();
    const double seconds = std::chrono::duration<double>(now - marks_.front().when).count();
    if (seconds <= 0) return 0;
    return static_cast<double>(completed - marks_.front().completed) / seconds;
  }

 private:
  struct Mark {
    Clock::time_point when;
    std::uint64_t completed;
  };
  std::deque<Mark> marks_;
};

// Throws NoAnswer once nothing was answered for a time.
class Patience {
 public:
  explicit Patience(double seconds) : seconds_(seconds) {}

  void check(std::uint64_t completed) {
    const Clock::time_point now = Clock::now();
    if (completed != completed_) {
      completed_ = completed;
      since_ = now;
    }
    if (now - since_ > seconds_) {
      throw std::runtime_error(
          fmt::format("no request was answered for {:g} s; {} were before that. Is there a leader, "
                      "and a majority? --give-up says how long to wait",
                      seconds_.count(), completed_));
    }
  }

 private:
  std::chrono::duration<double> seconds_;
  std::uint64_t completed_ = 0;
  Clock::time_point since_ = Clock::now();
};

// A live line is for who looks on; a log of it is for nobody.
void show(client::ProgressLine& progress, const std::string& text) {
  if (client::is_terminal(STDERR_FILENO)) progress.show(text);
}

// Until the requests of `crew` have ended.
void complete(const Options& options, Crew& crew, Target& target, client::ProgressLine& progress,
              const char* what, std::uint64_t requests) {
  Patience patience(options.give_up_s);
  RecentRate rate;
  while (!crew.done()) {
    target.check();
    patience.check(crew.completed());
    if (progress.is_due()) {
      show(progress, fmt::format("{} {} of {}, {:.0f} a second", what, crew.completed(), requests,
                                 rate.update(crew.completed())));
    }
    std::this_thread::sleep_for(kStep);
  }
}

void spend(Crew& crew, Target& target, client::ProgressLine& progress, const char* what,
           double seconds) {
  const Clock::time_point start = Clock::now();
  const Clock::time_point end =
      start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  RecentRate rate;
  for (Clock::time_point now = start; now < end; now = Clock::now()) {
    target.check();
    if (progress.is_due()) {
      show(progress, fmt::format("{} {:.1f} of {:.1f} s, {:.0f} requests a second", what,
                                 std::chrono::duration<double>(now - start).count(), seconds,
                                 rate.update(crew.completed())));
    }
    std::this_thread::sleep_for(std::min<Clock::duration>(kStep, end - now));
  }
}

// What was sent by the end of the measured time may still be answered.
void drain(Crew& crew, Target& target) {
  const Clock::time_point end = Clock::now() + kDrainTime;
  while (!crew.drained() && Clock::now() < end) {
    target.check();
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
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

// How often the term of the cluster has risen since it was made.
class ElectionCount {
 public:
  // While the load is there, which a node that does not answer must not keep in its warm-up.
  explicit ElectionCount(Target& target)
      : target_(target), before_(highest(target.ask_status(kTermTime), "term")) {}

  [[nodiscard]] std::optional<std::uint64_t> read() const {
    const auto after = highest(target_.ask_status(), "term");
    if (!before_ || !after) return std::nullopt;
    // Lower where the node that knew the highest term has ended since.
    return std::max(*before_, *after) - *before_;
  }

 private:
  Target& target_;
  std::optional<std::uint64_t> before_;
};

}  // namespace

void fill_keys(const Options& options, Target& target, client::ProgressLine& progress) {
  Crew crew(target.context(), options, target.endpoints(), Task::kFill);
  crew.enter(Phase::kMeasure);
  complete(options, crew, target, progress, "writing keys,", options.keys);
  crew.end();
  Tally tally;
  crew.add_to(tally);
  progress.clear();
  if (tally.errors.empty()) return;
  throw std::runtime_error(
      fmt::format("the keys could not be written: {}", tally.errors.begin()->first));
}

Measurement measure(const Options& options, Target& target, client::ProgressLine& progress) {
  Listening listening(options, target, progress);
  Crew crew(target.context(), options, target.endpoints(), Task::kLoad, nullptr,
            listening.begun_after());
  if (!options.requests) spend(crew, target, progress, "warming up,", options.warm_up_s);
  const auto read_profile = [&] {
    return options.profile
               ? std::optional<ProfileReading>(std::in_place, target.context(), target.endpoints())
               : std::nullopt;
  };
  const auto profile_before = read_profile();
  const ElectionCount elections(target);
  const UsageMeter meter(target.processes());
  Measurement measurement;
  const Clock::time_point start = Clock::now();
  crew.enter(Phase::kMeasure);
  if (options.requests) {
    complete(options, crew, target, progress, "measuring,", *options.requests);
  } else {
    spend(crew, target, progress, "measuring,", options.seconds);
  }
  // While the load is still there.
  if (const auto profile = read_profile()) measurement.profile = profile->since(*profile_before);
  const bool open_loop = options.rate > 0 && !options.requests;
  crew.enter(open_loop ? Phase::kDrain : Phase::kEnd);
  measurement.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  meter.read_into(measurement);
  if (open_loop) drain(crew, target);
  crew.end();
  // Only now, as a node that does not answer is waited for.
  measurement.elections = elections.read();
  crew.add_to(measurement.tally);
  measurement.latencies = measurement.tally.latencies();
  measurement.broadcasts = listening.finish(measurement.tally.acknowledged);
  progress.clear();
  return measurement;
}

}  // namespace bench
