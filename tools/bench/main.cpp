// raft-bench: load on a cluster through the public protocol, and what came of it.
#include <fmt/format.h>
#include <signal.h>

#include <exception>

#include "bench/failover.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/run.h"
#include "bench/sweep.h"
#include "bench/target.h"
#include "client/endpoints.h"
#include "client/interrupt.h"
#include "client/terminal.h"

namespace bench {
namespace {

enum ExitCode : int { kSuccess = 0, kUsage = 2, kFailed = 3, kInterrupted = 130 };

int run_load(const Options& options, client::Interrupt& interrupt) {
  client::ProgressLine progress;
  Target target(options, interrupt);
  if (!target.wait_for_leader()) throw NoLeader();
  if (options.mode == Mode::kSweep) {
    finish_sweep(options, run_sweep(options, target, progress));
    return kSuccess;
  }
  if (options.read_share > 0) fill_keys(options, target, progress);
  const Measurement measurement = measure(options, target, progress);
  print_report(options, measurement);
  return measurement.tally.answered > 0 ? kSuccess : kFailed;
}

int run_failovers(const Options& options, client::Interrupt& interrupt) {
  client::ProgressLine progress;
  print_failovers(options, measure_failovers(options, interrupt, progress));
  return kSuccess;
}

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
  client::Interrupt interrupt;
  if (options.mode == Mode::kFailover) return run_failovers(options, interrupt);
  return run_load(options, interrupt);
}

int complain(const char* what, int code) {
  fmt::print(stderr, "raft-bench: {}\n", what);
  return code;
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
  } catch (const bench::NoLeader&) {
    fmt::print(stderr, "raft-bench: no leader was found within {} s\n",
               bench::kStartTime.count() / 1000);
    return bench::kFailed;
  } catch (const client::UsageError& error) {
    return bench::complain(error.what(), bench::kUsage);
  } catch (const std::exception& error) {
    return bench::complain(error.what(), bench::kFailed);
  }
}
