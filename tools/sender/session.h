// Session: what a command needs to speak to the cluster, and how outcomes become output.
#pragma once

#include <string>
#include <vector>
#include <zmq.hpp>

#include "client/client.h"
#include "sender/options.h"

namespace sender {

class Session {
 public:
  explicit Session(const Options& options);

  [[nodiscard]] const std::vector<std::string>& endpoints() const { return endpoints_; }
  [[nodiscard]] zmq::context_t& context() { return context_; }
  [[nodiscard]] client::Client& client() { return client_; }

 private:
  const std::vector<std::string> endpoints_;
  zmq::context_t context_;
  client::Client client_;
};

// One line on stderr: what went wrong, and where.
[[nodiscard]] std::string describe_failure(const client::Outcome& outcome);
// The reply as JSON; of an outcome without one, an error of the same shape, its code `no_answer`.
[[nodiscard]] client::Json outcome_to_json(const client::Outcome& outcome);

// Prints the JSON line, where wanted, and a failure. The exit code: kSuccess or kNoAnswer.
[[nodiscard]] int print_outcome(const Options& options, const client::Outcome& outcome);

void print_line(const std::string& line);
void print_json(const client::Json& json);

}  // namespace sender
