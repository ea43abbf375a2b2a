// Clients: who asks the cluster, at random nodes, for writes of unique values and for reads, and
// remembers what was answered. Checks what a client may rely on: an acknowledged write is
// committed, on a majority and readable by whoever asks afterwards; a read never goes back; what
// was refused as not taken has no effect; a request has one end.
#pragma once

#include <map>
#include <utility>

#include "checks.h"
#include "node.h"

namespace sim {

enum class Outcome : std::uint8_t { kOpen, kDone, kNotTaken, kUnknown };

class Clients {
 public:
  using Ticket = std::pair<raft::NodeId, raft::RequestNumber>;

  Clients(Environment& environment, Checks& checks, const Checks::Nodes& nodes)
      : environment_(environment), checks_(checks), nodes_(nodes) {}

  // Requests come until they are stopped.
  void run();
  void stop() { stopped_ = true; }

  Ticket write(Node& node);
  Ticket read(Node& node);
  [[nodiscard]] Outcome outcome(const Ticket& ticket) const { return requests_.at(ticket).outcome; }
  [[nodiscard]] std::size_t open() const { return open_; }

  // The ends of requests.
  void on_written(const Node& node, raft::RequestNumber number, raft::Index index);
  void on_read(const Node& node, raft::RequestNumber number);
  void on_refused(const Node& node, const raft::Refuse& refusal);
  void on_crashed(const Node& node);

 private:
  struct Request {
    bool is_read = false;
    std::uint64_t key = 0;
    std::uint64_t write = 0;         // none for a read
    raft::Index answered_index = 0;  // the highest that was acknowledged when this was asked
    std::uint64_t seen_version = 0;  // of the key: the highest that was told when this was asked
    std::uint64_t start = 0;         // of the node
    Outcome outcome = Outcome::kOpen;
    bool expired = false;
  };
  Request& add(Node& node, Ticket ticket);
  // None where nobody waits any more.
  Request* end(const Node& node, raft::RequestNumber number, Outcome outcome);
  void expire(Node& node, const Ticket& ticket);

  Environment& environment_;
  Checks& checks_;
  const Checks::Nodes& nodes_;
  bool stopped_ = false;
  std::map<Ticket, Request> requests_;
  std::size_t open_ = 0;
  std::uint64_t last_write_ = 0;
  raft::Index answered_index_ = 0;
  std::map<std::uint64_t, std::uint64_t> seen_versions_;  // by key
};

}  // namespace sim
