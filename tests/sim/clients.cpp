#include "clients.h"

#include <algorithm>

namespace sim {
namespace {

constexpr Microseconds kRetryUs = 20'000;

Call draw_call(base::Random& random, const ClientOptions& options) {
  const std::uint64_t drawn = random.between(0, 99);
  if (drawn < options.read_percent) return Call::kGet;
  return drawn < options.read_percent + options.delete_percent ? Call::kDelete : Call::kSet;
}

const char* name_of(Call call) {
  switch (call) {
    case Call::kSet:
      return "set";
    case Call::kDelete:
      return "delete";
    case Call::kGet:
      return "get";
  }
  return "";
}

}  // namespace

Clients::Clients(Environment& environment, Checks& checks, const Checks::Nodes& nodes)
    : environment_(environment),
      checks_(checks),
      nodes_(nodes),
      random_(environment.options.seed ^ 0x636c69656e7473),
      left_(environment.options.client.operations),
      attempts_(environment.options.nodes) {}

// Operations come in bursts, which are spread over the whole time.
void Clients::run() {
  if (stopped_ || left_ == 0) return;
  const ClientOptions& options = environment_.options.client;
  if (left_in_burst_ == 0) left_in_burst_ = random_.between(1, options.burst);
  begin_next();
  --left_;
  --left_in_burst_;
  const Microseconds end = environment_.options.milliseconds * 1000;
  const Microseconds now = environment_.schedule.now();
  const Microseconds pause =
      left_ == 0 || now >= end ? 0 : (end - now) * ((options.burst + 1) / 2) / left_;
  environment_.schedule.after(
      random_.between(0, 2 * (left_in_burst_ == 0 ? pause : options.interval_us)),
      [this] { run(); });
}

void Clients::begin_next() {
  const ClientOptions& options = environment_.options.client;
  try_somewhere(begin(draw_call(random_, options), options.attempts));
}

Clients::Ticket Clients::begin(Call call, std::uint64_t attempts) {
  const Ticket ticket = operations_.size();
  Pending& operation = operations_.emplace_back();
  operation.key = random_.between(1, environment_.options.client.keys);
  operation.attempts_left = attempts;
  operation.told.call = call;
  operation.told.asked = ++last_moment_;
  if (call == Call::kSet) operation.told.value = ticket + 1;
  ++open_;
  ++environment_.report.statistics.operations;
  environment_.report.note_named(kClients, "operation {0} is a {3} of key {1}", name_of(call),
                                 ticket, operation.key);
  return ticket;
}

Clients::Ticket Clients::write(Node& node) {
  const Ticket ticket = begin(Call::kSet, 1);
  try_at(node, ticket);
  return ticket;
}

void Clients::try_somewhere(Ticket ticket) {
  try_at(*nodes_[random_.between(0, nodes_.size() - 1)], ticket);
}

void Clients::try_at(Node& node, Ticket ticket) {
  Pending& operation = operations_[ticket];
  --operation.attempts_left;
  if (!node.runs()) {
    on_failed({ticket, 0, 0, Outcome::kOpen, false}, Outcome::kNotTaken);
    return;
  }
  ++environment_.report.statistics.attempts;
  const raft::RequestNumber number = node.next_request();
  Attempts& attempts = attempts_[node.id() - 1];
  if (attempts.start != node.starts()) attempts = {node.starts(), {}};
  Attempt& attempt = attempts.all.emplace_back();
  attempt.operation = ticket;
  attempt.answered_index = answered_index_;
  environment_.report.note(node.id(), "is asked for operation {} in request {:x}", ticket, number);
  if (operation.told.call == Call::kGet) {
    node.receive(raft::ReadRequested{number});
  } else {
    attempt.write = ++last_write_;
    checks_.expect_above(attempt.write, answered_index_);
    const Command command{attempt.write, operation.key, operation.told.call, operation.told.value};
    node.receive(raft::CommandSubmitted{
        number, command.encode(random_.between(0, environment_.options.client.value_bytes))});
  }
  environment_.schedule.after(
      environment_.options.client.timeout_ms * 1000,
      [this, &node, number, start = node.starts()] { expire(node, number, start); });
}

Clients::Attempt& Clients::attempt_of(const Node& node, raft::RequestNumber number) {
  Attempts& attempts = attempts_[node.id() - 1];
  const std::uint64_t start = number >> raft::kRequestCounterBits;
  const std::uint64_t counter = number & ((std::uint64_t{1} << raft::kRequestCounterBits) - 1);
  require(attempts.start == node.starts() && start == attempts.start && counter >= 1 &&
              counter <= attempts.all.size(),
          "node {} answers request {:x}, which it was never asked in this start", node.id(),
          number);
  return attempts.all[counter - 1];
}

Clients::Attempt* Clients::end(const Node& node, raft::RequestNumber number, Outcome outcome) {
  Attempt& attempt = attempt_of(node, number);
  if (attempt.expired) return nullptr;
  require(attempt.outcome == Outcome::kOpen, "node {} answers request {:x} twice", node.id(),
          number);
  attempt.outcome = outcome;
  return &attempt;
}

void Clients::finish(Ticket ticket, Outcome outcome) {
  Pending& operation = operations_[ticket];
  operation.outcome = outcome;
  --open_;
  if (outcome == Outcome::kDone) operation.told.answered = ++last_moment_;
}

void Clients::on_failed(const Attempt& attempt, Outcome outcome) {
  Pending& operation = operations_[attempt.operation];
  const bool get = operation.told.call == Call::kGet;
  const bool safe = outcome == Outcome::kNotTaken || get;
  if (safe && operation.attempts_left > 0 && !stopped_) {
    environment_.schedule.after(random_.between(0, kRetryUs),
                                [this, ticket = attempt.operation] { try_somewhere(ticket); });
    return;
  }
  finish(attempt.operation, safe ? Outcome::kNotTaken : Outcome::kUnknown);
}

void Clients::on_written(const Node& node, raft::RequestNumber number, raft::Index index,
                         const Register& written) {
  environment_.report.note(node.id(), "answers request {:x}: written at index {}, version {}",
                           number, index, written.version);
  const Attempt* attempt = end(node, number, Outcome::kDone);
  if (attempt == nullptr) return;
  ++environment_.report.statistics.writes_acknowledged;
  require(attempt->write != 0 && checks_.last_committed() >= index &&
              checks_.write_at(index) == attempt->write,
          "success is of that very entry (A13): node {} answers write {} with index {}, where "
          "write {} is committed",
          node.id(), attempt->write, index, checks_.write_at(index));
  checks_.require_on_majority(index);
  answered_index_ = std::max(answered_index_, index);
  Operation& told = operations_[attempt->operation].told;
  told.version = written.version;
  told.index = index;
  finish(attempt->operation, Outcome::kDone);
}

void Clients::on_read(const Node& node, raft::RequestNumber number) {
  const auto applied = node.machine().applied_index();
  environment_.report.note(node.id(), "answers request {:x}: read at index {}", number, applied);
  const Attempt* attempt = end(node, number, Outcome::kDone);
  if (attempt == nullptr) return;
  ++environment_.report.statistics.reads_served;
  require(attempt->write == 0, "node {} answers write {} as a read", node.id(), attempt->write);
  require(applied >= attempt->answered_index,
          "a read sees every write acknowledged before it was asked: node {} reads at {}, {} was "
          "acknowledged",
          node.id(), applied, attempt->answered_index);
  Pending& operation = operations_[attempt->operation];
  const Register found = node.machine().read(operation.key);
  operation.told.value = found.value;
  operation.told.version = found.version;
  operation.told.index = found.index;
  finish(attempt->operation, Outcome::kDone);
}

void Clients::on_refused(const Node& node, const raft::Refuse& refusal) {
  const bool unknown = refusal.reason == raft::RefusalReason::kUnknownOutcome;
  const bool busy = refusal.reason == raft::RefusalReason::kBusy;
  environment_.report.note_named(node.id(), "refuses request {0:x}: {3}",
                                 unknown ? "unknown outcome" : (busy ? "busy" : "no leader"),
                                 refusal.request);
  Statistics& statistics = environment_.report.statistics;
  ++(unknown ? statistics.unknown_outcomes
     : busy  ? statistics.refused_busy
             : statistics.refused_no_leader);
  const Outcome outcome = unknown ? Outcome::kUnknown : Outcome::kNotTaken;
  const Attempt* attempt = end(node, refusal.request, outcome);
  if (attempt == nullptr) return;
  if (!unknown && attempt->write != 0) checks_.on_not_taken(attempt->write);
  on_failed(*attempt, outcome);
}

void Clients::expire(Node& node, raft::RequestNumber number, std::uint64_t start) {
  if (attempts_[node.id() - 1].start != start) return;
  Attempt& attempt = attempt_of(node, number);
  if (attempt.outcome != Outcome::kOpen) return;
  attempt.outcome = Outcome::kUnknown;
  attempt.expired = true;
  environment_.report.note(node.id(), "has not answered request {:x} in time", number);
  node.receive(raft::RequestExpired{number});
  on_failed(attempt, Outcome::kUnknown);
}

void Clients::on_ended(const Node& node) {
  Attempts ended = std::exchange(attempts_[node.id() - 1], {});
  for (Attempt& attempt : ended.all) {
    if (attempt.outcome == Outcome::kOpen) on_failed(attempt, Outcome::kUnknown);
  }
}

void Clients::check_histories() {
  std::vector<std::vector<Operation>> histories(environment_.options.client.keys + 1);
  for (const Pending& operation : operations_) {
    if (operation.outcome == Outcome::kNotTaken) continue;
    histories[operation.key].push_back(operation.told);
  }
  for (std::size_t key = 1; key < histories.size(); ++key) {
    const Judgement judgement = judge(histories[key]);
    require(judgement.verdict != Verdict::kNotLinearizable,
            "linearizability of key {} ({} calls): {}", key, histories[key].size(),
            judgement.explanation);
    if (judgement.verdict == Verdict::kUndecided) {
      ++environment_.report.statistics.histories_undecided;
    }
  }
}

}  // namespace sim
