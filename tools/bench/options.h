// The command line of raft-bench.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/key_chooser.h"

namespace bench {

enum class Mode { kWrite, kRead, kMixed, kFailover, kSweep };

// What a sweep steps through.
enum class Over { kInFlight, kRate, kValueBytes, kKeys };

struct Options {
  Mode mode = Mode::kWrite;
  std::vector<std::string> to;
  std::string config;
  bool any_node = false;
  bool local = false;
  double read_share = 0;     // 0 to 1
  std::size_t clients = 16;  // at most in_flight
  std::size_t in_flight = 256;
  double rate = 0;  // requests a second, open loop; 0: closed loop
  std::size_t threads = 1;
  std::size_t subscribers = 0;
  std::size_t value_bytes = 256;
  std::uint64_t keys = 10'000;
  Distribution distribution = Distribution::kUniform;
  double seconds = 10;
  double warm_up_s = 2;
  std::optional<std::uint64_t> requests;  // instead of both
  double give_up_s = 60;                  // without an answer, where requests are counted
  bool retry = false;
  bool json = false;
  bool profile = false;
  unsigned kills = 20;
  Over over = Over::kInFlight;
  std::vector<std::uint64_t> steps;  // of what `over` says
  std::string svg = "raft-bench-sweep.svg";
  unsigned start = 0;  // nodes; 0: none, the cluster is there
  std::string runtime = "async";
  std::string data_dir;
};

void declare_options(CLI::App& app, Options& options);

// Once `app` has parsed them. Throws client::UsageError where options do not go together.
void check_options(const CLI::App& app, Options& options);

}  // namespace bench
