// Where the nodes are: what the user said, else what the configuration files say, else the
// addresses of the five nodes of config/.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace client {

// What the user asked for cannot be done as asked; the message is for people.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// `to` where it is not empty. Else the members of the configuration file `config`, its own node
// first. Else the nodes whose files lie in the folders of RAFT_ACTOR_CONFIG_PATH, else
// tcp://127.0.0.1:4111 to 4115. Throws UsageError.
[[nodiscard]] std::vector<std::string> find_client_endpoints(const std::vector<std::string>& to,
                                                             const std::string& config);

// What the configuration file of a node says to those who let it in.
struct NodeFile {
  std::uint64_t id;
  std::string peer, client, publish;  // its endpoints
  std::vector<std::string> others;  // client endpoints of its `join`, or else of the other members
};
// Throws UsageError.
[[nodiscard]] NodeFile read_node_file(const std::string& config);

// Throws UsageError where `endpoint` is not of the form tcp://HOST:PORT.
void check_endpoint(const std::string& endpoint);

}  // namespace client
