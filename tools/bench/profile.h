// What the actors of the nodes did in the measured time, from the dumps of `debug` of nodes that
// were started with --profile.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "client/json.h"

namespace bench {

struct ActorCounts {
  std::string name;
  std::uint64_t turns = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t events = 0;
  std::uint64_t turns_ns = 0;
  std::uint64_t zeromq_ns = 0;  // within turns_ns
  std::uint64_t waiting_ns = 0;

  // In turns, and not in ZeroMQ: computing, or waiting for a disk or a core.
  [[nodiscard]] std::uint64_t work_ns() const { return turns_ns - zeromq_ns; }
};

// Of one node: from its start, or between two of its dumps.
struct NodeProfile {
  std::uint64_t node = 0;
  std::string role;
  std::chrono::duration<double> seconds{0};  // between the dumps
  std::vector<ActorCounts> actors;           // in the order of the node; empty: it measures nothing
};

// A dump as the node wrote it. What is not understood is passed over.
[[nodiscard]] NodeProfile parse_profile(std::string_view dump);

// All nodes that answer, now.
class ProfileReading {
 public:
  ProfileReading(zmq::context_t& context, const std::vector<std::string>& endpoints);

  // What was done since `earlier`, by the nodes that are in both. Throws std::runtime_error where
  // one of them measures nothing.
  [[nodiscard]] std::vector<NodeProfile> since(const ProfileReading& earlier) const;

 private:
  struct Taken {
    std::chrono::steady_clock::time_point when;
    NodeProfile profile;
  };
  std::vector<Taken> nodes_;
};

// `requests`: that were answered meanwhile.
void print_profile(const std::vector<NodeProfile>& nodes, std::uint64_t requests);
[[nodiscard]] client::Json profile_json(const std::vector<NodeProfile>& nodes);

}  // namespace bench
