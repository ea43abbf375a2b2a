// raft-bench: load on a cluster through the public protocol, and what came of it.
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <thread>

#include "bench/cluster.h"
#include "bench/options.h"
#include "bench/process_usage.h"
#include "bench/report.h"
#include "bench/worker.h"
#include "client/ask_each.h"
#include "client/endpoints.h"
#include "client/interrupt.h"
#include "client/terminal.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

enum ExitCode : int { kSuccess = 0, kUsage = 2, kFailed = 3, kInterrupted = 130 };

constexpr milliseconds kStep{20};
constexpr milliseconds kStartTime{20'000};
constexpr milliseconds kStatusTime{1000};

struct Interrupted {};

// Threads of workers, joined at the end of their run, however it ends.
class Crew {
 public:
  Crew(zmq::context_t& context, const Options& options, const std::vector<std::string>& endpoints,
       bool fill) {
    const std::size_t count = options.threads;
    const auto share = [count](std::uint64_t total, std::size_t i) {
      return total / count + (i < total % count ? 1 : 0);
    };
    const auto requests = fill ? options.keys : options.requests;
    for (std::size_t i = 0; i < count; ++i) {
      workers_.push_back(std::make_unique<Worker>(
          context,
          Plan{endpoints, options.any_node, options.write || fill, options.local,
               share(options.clients, i),
               std::max(share(options.in_flight, i), share(options.clients, i)),
               options.value_bytes, options.keys, options.retry || fill,
               requests ? std::optional(share(*requests, i)) : std::nullopt, fill, i, count},
          phase_));
    }
    for (const auto& worker : workers_) threads_.emplace_back([&worker] { worker->run(); });
  }
  ~Crew() { end(); }
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  void enter(Phase phase) { phase_ = phase; }
  void end() {
    phase_ = Phase::kEnd;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  [[nodiscard]] bool done() const {
    return std::all_of(workers_.begin(), workers_.end(), [](const auto& w) { return w->done(); });
  }
  [[nodiscard]] std::uint64_t completed() const {
    std::uint64_t completed = 0;
    for (const auto& worker : workers_) completed += worker->completed();
    return completed;
  }
  // After end().
  void add_to(Tally& tally) const {
    for (const auto& worker : workers_) {
      tally.latencies.merge(worker->tally().latencies);
      tally.not_found += worker->tally().not_found;
      tally.retries += worker->tally().retries;
      for (const auto& [code, times] : worker->tally().errors) tally.errors[code] += times;
    }
  }

 private:
  std::atomic<Phase> phase_{Phase::kWarmUp};
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> threads_;
};

class Run {
 public:
  explicit Run(const Options& options) : options_(options) {
    if (options.start > 0) {
      const char* folder = std::getenv("TMPDIR");
      const std::string parent = folder != nullptr && *folder != '\0' ? folder : "/tmp";
      cluster_ = std::make_unique<Cluster>(options.start, options.runtime,
                                           options.data_dir.empty() ? parent : options.data_dir);
    }
    context_ = std::make_unique<zmq::context_t>(static_cast<int>(options.threads));
  }

  int run() {
    const auto given = cluster_ ? cluster_->client_endpoints()
                                : client::find_client_endpoints(options_.to, options_.config);
    if (!wait_for_leader(given)) {
      fmt::print(stderr, "raft-bench: no leader was found within {} s\n",
                 kStartTime.count() / 1000);
      return kFailed;
    }
    if (!options_.write) fill_keys();
    const Measurement measurement = measure();
    print_report(options_, measurement);
    return measurement.tally.latencies.count() > 0 ? kSuccess : kFailed;
  }

 private:
  // Interrupt before Cluster and the context: their threads must not take the signals.
  client::Interrupt interrupt_;
  const Options& options_;
  std::unique_ptr<Cluster> cluster_;
  std::unique_ptr<zmq::context_t> context_;
  std::vector<std::string> endpoints_;
  client::ProgressLine progress_;

  void check() {
    if (interrupt_.came()) throw Interrupted();
    if (cluster_) cluster_->check_running();
  }

  bool wait_for_leader(const std::vector<std::string>& given) {
    const std::atomic<Phase> phase{Phase::kWarmUp};
    const Clock::time_point end = Clock::now() + kStartTime;
    while (Clock::now() < end) {
      check();
      endpoints_ = client::all_members(
          client::ask_each(*context_, given, client::make_status(), kStatusTime));
      if (find_leader(*context_, endpoints_, milliseconds(1), phase)) return true;
    }
    return false;
  }

  void fill_keys() {
    Crew crew(*context_, options_, endpoints_, true);
    crew.enter(Phase::kMeasure);
    complete(crew, "writing keys,", options_.keys);
    crew.end();
    Tally tally;
    crew.add_to(tally);
    progress_.clear();
    if (tally.errors.empty()) return;
    throw std::runtime_error(
        fmt::format("the keys could not be written: {}", tally.errors.begin()->first));
  }

  // Until the requests of `crew` have ended.
  void complete(Crew& crew, const char* what, std::uint64_t requests) {
    while (!crew.done()) {
      check();
      if (progress_.is_due()) {
        progress_.show(fmt::format("{} {} of {}", what, crew.completed(), requests));
      }
      std::this_thread::sleep_for(kStep);
    }
  }

  void spend(Crew& crew, double seconds, const char* what) {
    const Clock::time_point start = Clock::now();
    const auto time = std::chrono::duration<double>(seconds);
    const std::uint64_t before = crew.completed();
    while (Clock::now() - start < time) {
      check();
      const double passed = std::chrono::duration<double>(Clock::now() - start).count();
      if (progress_.is_due() && passed > 0) {
        progress_.show(fmt::format("{} {:.1f} of {:.1f} s, {:.0f} requests a second", what, passed,
                                   seconds,
                                   static_cast<double>(crew.completed() - before) / passed));
      }
      std::this_thread::sleep_for(std::min<Clock::duration>(
          kStep, std::max<Clock::duration>(
                     std::chrono::duration_cast<Clock::duration>(time) - (Clock::now() - start),
                     Clock::duration::zero())));
    }
  }

  Measurement measure() {
    Crew crew(*context_, options_, endpoints_, false);
    if (!options_.requests) spend(crew, options_.warm_up_s, "warming up,");
    const auto processes = cluster_ ? cluster_->processes() : find_processes("raft-actor");
    std::vector<std::optional<ProcessUsage>> before;
    for (const pid_t process : processes) before.push_back(read_usage(process));
    const auto own_before = read_usage(getpid());
    Measurement measurement;
    const Clock::time_point start = Clock::now();
    crew.enter(Phase::kMeasure);
    if (options_.requests) {
      complete(crew, "measuring,", *options_.requests);
    } else {
      spend(crew, options_.seconds, "measuring,");
    }
    crew.enter(Phase::kEnd);
    measurement.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    for (std::size_t i = 0; i < processes.size(); ++i) {
      const auto after = read_usage(processes[i]);
      if (!before[i] || !after) continue;
      measurement.nodes.push_back(
          {processes[i], after->cpu_seconds - before[i]->cpu_seconds, *after});
    }
    const auto own_after = read_usage(getpid());
    if (own_before && own_after) {
      measurement.own_cpu_seconds = own_after->cpu_seconds - own_before->cpu_seconds;
    }
    crew.end();
    crew.add_to(measurement.tally);
    progress_.clear();
    return measurement;
  }
};

int run(int argc, char** argv) {
  CLI::App app("Puts load on a raft-actor cluster and measures what it does.", "raft-bench");
  Options options;
  declare_options(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  check_options(app, options);
  return Run(options).run();
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  // Whoever stops reading the output must not keep the nodes of --start from being stopped.
  signal(SIGPIPE, SIG_IGN);
  try {
    return bench::run(argc, argv);
  } catch (const bench::Interrupted&) {
    return bench::kInterrupted;
  } catch (const client::UsageError& error) {
    fmt::print(stderr, "raft-bench: {}\n", error.what());
    return bench::kUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft-bench: {}\n", error.what());
    return bench::kFailed;
  }
}
