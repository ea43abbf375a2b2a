// One question to many nodes at once, each asked for itself, as `status` does: no moving on, no
// leader. For finding out who is there.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "client/reply.h"
#include "client/request.h"

namespace client {

struct Answer {
  std::string endpoint;
  std::optional<Reply> reply;  // a success; none where the node did not answer in time
};

// In the order of `endpoints`.
[[nodiscard]] std::vector<Answer> ask_each(zmq::context_t& context,
                                           const std::vector<std::string>& endpoints,
                                           const Request& request,
                                           std::chrono::milliseconds timeout);

// The client endpoints of all members that the answers to `status` name, each once, beginning
// with those asked.
[[nodiscard]] std::vector<std::string> all_members(const std::vector<Answer>& answers);

}  // namespace client
