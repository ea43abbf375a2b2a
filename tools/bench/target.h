// Target: the nodes that get the load, those of --start or those that are there, and the way to
// them. Ends the nodes that it started.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bench/cluster.h"
#include "bench/options.h"
#include "client/ask_each.h"
#include "client/interrupt.h"

namespace bench {

// How long a leader is waited for.
constexpr std::chrono::milliseconds kStartTime{20'000};

// A signal came: leave everything as it is to be left.
struct Interrupted {};

class Target {
 public:
  // `interrupt` was made before, as the threads of ZeroMQ must not take the signals (B17); there is
  // no other ZeroMQ context in this process, as nodes are forked (B18). Throws std::runtime_error
  // with what is missing.
  Target(const Options& options, client::Interrupt& interrupt);

  // Once this is true, endpoints() are those of all members. Nothing happens after it is false.
  [[nodiscard]] bool wait_for_leader();
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }
  [[nodiscard]] zmq::context_t& context() { return *context_; }
  // What each of endpoints() says to `status` now, where it says anything in that time.
  [[nodiscard]] std::vector<client::Answer> ask_status(
      std::chrono::milliseconds timeout = std::chrono::milliseconds(1000));
  // The processes of the nodes, as far as they are on this machine.
  [[nodiscard]] std::vector<pid_t> processes() const;
  // Kills the node of --start that leads. Returns false where none is known to.
  [[nodiscard]] bool kill_leader();
  // To be called every now and then. Throws Interrupted, or std::runtime_error where a node ended
  // by itself.
  void check();

 private:
  client::Interrupt& interrupt_;
  std::vector<std::string> endpoints_;
  std::unique_ptr<Cluster> cluster_;         // of --start
  std::unique_ptr<zmq::context_t> context_;  // after the cluster, see the constructor
};

}  // namespace bench
