#include "clients.h"

#include <algorithm>

namespace sim {

void Clients::run() {
  if (stopped_) return;
  base::Random& random = environment_.random;
  Node& node = *nodes_[random.between(0, nodes_.size() - 1)];
  if (node.runs()) {
    if (random.chance(environment_.options.client.read_percent, 100)) {
      read(node);
    } else {
      write(node);
    }
  }
  environment_.schedule.after(random.between(0, 2 * environment_.options.client.interval_us),
                              [this] { run(); });
}

Clients::Request& Clients::add(Node& node, Ticket ticket) {
  Request& request = requests_[ticket];
  request.key = environment_.random.between(1, environment_.options.client.keys);
  request.answered_index = answered_index_;
  request.seen_version = seen_versions_[request.key];
  request.start = node.starts();
  ++open_;
  environment_.schedule.after(environment_.options.client.timeout_ms * 1000,
                              [this, &node, ticket] { expire(node, ticket); });
  return request;
}

Clients::Ticket Clients::write(Node& node) {
  const Ticket ticket{node.id(), node.next_request()};
  Request& request = add(node, ticket);
  request.write = ++last_write_;
  checks_.expect_above(request.write, answered_index_);
  environment_.report.note(node.id(), "write: request, value, key", ticket.second, request.write,
                           request.key);
  const std::size_t padding =
      environment_.random.between(0, environment_.options.client.value_bytes);
  node.receive(
      raft::CommandSubmitted{ticket.second, Command{request.write, request.key}.encode(padding)});
  return ticket;
}

Clients::Ticket Clients::read(Node& node) {
  const Ticket ticket{node.id(), node.next_request()};
  Request& request = add(node, ticket);
  request.is_read = true;
  environment_.report.note(node.id(), "read: request, key", ticket.second, request.key);
  node.receive(raft::ReadRequested{ticket.second});
  return ticket;
}

Clients::Request* Clients::end(const Node& node, raft::RequestNumber number, Outcome outcome) {
  const auto found = requests_.find({node.id(), number});
  require(found != requests_.end() && found->second.start == node.starts(),
          "node {} answers request {}, which it was never asked in this start", node.id(), number);
  Request& request = found->second;
  if (request.expired) return nullptr;
  require(request.outcome == Outcome::kOpen, "node {} answers request {} twice", node.id(), number);
  request.outcome = outcome;
  --open_;
  return &request;
}

void Clients::on_written(const Node& node, raft::RequestNumber number, raft::Index index) {
  environment_.report.note(node.id(), "written: request, index", number, index);
  Request* request = end(node, number, Outcome::kDone);
  if (request == nullptr) return;
  ++environment_.report.statistics.writes_acknowledged;
  require(!request->is_read && checks_.last_committed() >= index &&
              checks_.write_at(index) == request->write,
          "success is of that very entry (A13): node {} answers write {} with index {}, where "
          "write {} is committed",
          node.id(), request->write, index, checks_.write_at(index));
  checks_.require_on_majority(index);
  answered_index_ = std::max(answered_index_, index);
  std::uint64_t& seen = seen_versions_[request->key];
  seen = std::max(seen, node.machine().read(request->key).version);
}

void Clients::on_read(const Node& node, raft::RequestNumber number) {
  const auto applied = node.machine().applied_index();
  environment_.report.note(node.id(), "read: request, at index", number, applied);
  Request* request = end(node, number, Outcome::kDone);
  if (request == nullptr) return;
  ++environment_.report.statistics.reads_served;
  require(request->is_read, "node {} answers write {} as a read", node.id(), request->write);
  require(applied >= request->answered_index,
          "a read sees every write acknowledged before it was asked: node {} reads at {}, {} was "
          "acknowledged",
          node.id(), applied, request->answered_index);
  const std::uint64_t version = node.machine().read(request->key).version;
  require(version >= request->seen_version,
          "reads never go back: node {} reads version {} of key {}, {} was told before", node.id(),
          version, request->key, request->seen_version);
  std::uint64_t& seen = seen_versions_[request->key];
  seen = std::max(seen, version);
}

void Clients::on_refused(const Node& node, const raft::Refuse& refusal) {
  environment_.report.note(node.id(), "refused: request, reason", refusal.request,
                           static_cast<std::uint64_t>(refusal.reason));
  const bool unknown = refusal.reason == raft::RefusalReason::kUnknownOutcome;
  Statistics& statistics = environment_.report.statistics;
  if (unknown) {
    ++statistics.unknown_outcomes;
  } else if (refusal.reason == raft::RefusalReason::kBusy) {
    ++statistics.refused_busy;
  } else {
    ++statistics.refused_no_leader;
  }
  const Request* request =
      end(node, refusal.request, unknown ? Outcome::kUnknown : Outcome::kNotTaken);
  if (request == nullptr) return;
  if (!unknown && !request->is_read) checks_.on_not_taken(request->write);
}

void Clients::expire(Node& node, const Ticket& ticket) {
  Request& request = requests_.at(ticket);
  if (request.outcome != Outcome::kOpen) return;
  request.outcome = Outcome::kUnknown;
  request.expired = true;
  --open_;
  environment_.report.note(node.id(), "expires: request", ticket.second);
  if (node.starts() == request.start) node.receive(raft::RequestExpired{ticket.second});
}

void Clients::on_crashed(const Node& node) {
  const auto first = requests_.lower_bound({node.id(), 0});
  for (auto each = first; each != requests_.end() && each->first.first == node.id(); ++each) {
    if (each->second.outcome != Outcome::kOpen) continue;
    each->second.outcome = Outcome::kUnknown;
    --open_;
  }
}

}  // namespace sim
