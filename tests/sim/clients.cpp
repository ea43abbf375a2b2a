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
      more_random_(environment.options.seed ^ 0x6d6f7265),
      left_(environment.options.client.operations),
      sessions_(environment.options.client.sessions),
      attempts_(all_nodes(environment.options)) {}

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
  const Call call = draw_call(random_, options);
  const bool named = random_.chance(options.session_percent, 100);
  const std::size_t session = named && call != Call::kGet ? free_session() : kNoSession;
  if (session == kNoSession) {
    try_somewhere(begin(call, options.attempts));
  } else {
    begin_under_session(session, call);
  }
}

std::size_t Clients::free_session() const {
  const auto is_free = [&](const Session& each) {
    if (each.id == 0 || each.changing) return each.under_way == 0;
    return each.under_way < environment_.options.client.session_writes;
  };
  const auto found = std::find_if(sessions_.begin(), sessions_.end(), is_free);
  return found == sessions_.end() ? kNoSession
                                  : static_cast<std::size_t>(found - sessions_.begin());
}

// It is tried until it is answered; where the session is not open, that is opened instead.
void Clients::begin_under_session(std::size_t place, Call call) {
  Session& session = sessions_[place];
  const bool opens = session.id == 0;
  const bool closes = !opens && session.under_way == 0 &&
                      more_random_.chance(environment_.options.client.close_percent, 100);
  ++session.under_way;
  session.changing = opens || closes;
  const Ticket ticket = begin(call, ~std::uint64_t{0});
  Pending& operation = operations_[ticket];
  operation.session = place;
  if (opens) operation.purpose = Purpose::kOpensSession;
  if (closes) operation.purpose = Purpose::kClosesSession;
  // That which closes it has no number of its own.
  if (!opens) operation.name = SessionSeq{session.id, closes ? 0 : ++session.last_seq};
  try_somewhere(ticket);
}

Clients::Ticket Clients::begin(Call call, std::uint64_t attempts) {
  const Ticket ticket = operations_.size();
  Pending& operation = operations_.emplace_back();
  operation.key = random_.between(1, environment_.options.client.keys);
  operation.attempts_left = attempts;
  operation.told.call = call;
  operation.told.asked = ++last_moment_;
  if (call == Call::kSet) operation.told.value = ticket + 1;
  const bool publishes = more_random_.chance(environment_.options.client.publish_percent, 100);
  if (call == Call::kSet && publishes) operation.purpose = Purpose::kPublication;
  ++open_;
  ++environment_.report.statistics.operations;
  environment_.report.note_named(kClients, "operation {0} is a {3} of key {1}", name_of(call),
                                 ticket, operation.key);
  return ticket;
}

void Clients::ask_for_change(Node& node, const raft::MembershipChange& change) {
  Attempt attempt{.operation = kOperator};
  attempt.change = std::make_shared<const raft::MembershipChange>(change);
  const raft::RequestNumber number = begin_attempt(node, attempt);
  node.receive(raft::ChangeSubmitted{number, change});
}

Clients::Ticket Clients::write(Node& node) {
  const Ticket ticket = begin(Call::kSet, 1);
  try_at(node, ticket);
  return ticket;
}

Clients::Ticket Clients::read(Node& node) {
  const Ticket ticket = begin(Call::kGet, 1);
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
    on_failed({.operation = ticket}, Outcome::kNotTaken);
    return;
  }
  ++environment_.report.statistics.attempts;
  Attempt attempt{.operation = ticket, .answered_index = answered_index_};
  if (operation.told.call != Call::kGet) {
    attempt.write = ++last_write_;
    operation_of_write_.push_back(ticket);
    checks_.expect_above(attempt.write, answered_index_);
  }
  const raft::RequestNumber number = begin_attempt(node, attempt);
  environment_.report.note(node.id(), "is asked for operation {} in request {:x}", ticket, number);
  node.receive(event_of(attempt, number));
}

raft::Event Clients::event_of(const Attempt& attempt, raft::RequestNumber number) {
  const Pending& operation = operations_[attempt.operation];
  const ClientOptions& options = environment_.options.client;
  if (operation.told.call == Call::kGet) return raft::ReadRequested{number};
  if (operation.purpose == Purpose::kOpensSession) {
    const OpenSession open{attempt.write, options.session_timeout_ms, options.max_sessions};
    return raft::CommandSubmitted{number, open.encode()};
  }
  if (operation.purpose == Purpose::kClosesSession) {
    const CloseSession close{attempt.write, operation.name->session};
    return raft::CommandSubmitted{number, close.encode()};
  }
  Command command{attempt.write, operation.key, Deed::kSet, operation.told.value, operation.name};
  if (operation.told.call == Call::kDelete) command.deed = Deed::kDelete;
  if (operation.purpose == Purpose::kPublication) command.deed = Deed::kPublish;
  return raft::CommandSubmitted{number, command.encode(random_.between(0, options.value_bytes))};
}

raft::RequestNumber Clients::begin_attempt(Node& node, Attempt attempt) {
  const raft::RequestNumber number = node.next_request();
  Attempts& attempts = attempts_[node.id() - 1];
  if (attempts.start != node.starts()) attempts = {node.starts(), {}};
  attempt.patient = extra_patience_us_ && answers_all_(node);
  attempts.all.push_back(attempt);
  environment_.schedule.after(
      environment_.options.client.timeout_ms * 1000 + extra_patience_us_.value_or(0),
      [this, &node, number, start = node.starts()] { expire(node, number, start); });
  return number;
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
  require(!attempt.ended, "node {} answers request {:x} twice", node.id(), number);
  attempt.ended = true;
  if (attempt.expired) return nullptr;
  attempt.outcome = outcome;
  return &attempt;
}

void Clients::finish(Ticket ticket, Outcome outcome) {
  Pending& operation = operations_[ticket];
  if (operation.session != kNoSession) {
    Session& session = sessions_[operation.session];
    --session.under_way;
    session.changing = false;
  }
  operation.outcome = outcome;
  --open_;
  if (outcome == Outcome::kDone) operation.told.answered = ++last_moment_;
}

void Clients::on_failed(const Attempt& attempt, Outcome outcome) {
  if (attempt.operation == kOperator) return;
  Pending& operation = operations_[attempt.operation];
  operation.doubtful = operation.doubtful || outcome == Outcome::kUnknown;
  const bool repeatable = operation.told.call == Call::kGet || operation.session != kNoSession;
  const bool safe = outcome == Outcome::kNotTaken || repeatable;
  if (safe && operation.attempts_left > 0 && !stopped_) {
    environment_.schedule.after(random_.between(0, kRetryUs),
                                [this, ticket = attempt.operation] { try_somewhere(ticket); });
    return;
  }
  const bool effectless = operation.told.call == Call::kGet || !operation.doubtful;
  finish(attempt.operation, effectless ? Outcome::kNotTaken : Outcome::kUnknown);
}

void Clients::finish_opening(Ticket ticket, const AppliedEntry& applied) {
  if (const auto* opened = std::get_if<database::SessionOpened>(&applied.outcome)) {
    ++environment_.report.statistics.sessions_opened;
    Session& session = sessions_[operations_[ticket].session];
    session.id = opened->session;
    session.last_seq = 0;
  } else {
    require(std::holds_alternative<database::SessionsFull>(applied.outcome),
            "to open a session has another outcome");
    ++environment_.report.statistics.sessions_refused;
  }
  finish(ticket, Outcome::kDone);
}

void Clients::finish_closing(Ticket ticket) {
  ++environment_.report.statistics.sessions_closed;
  sessions_[operations_[ticket].session].id = 0;
  finish(ticket, Outcome::kDone);
}

// No effect now; whether an earlier attempt had one, nobody was told.
void Clients::on_session_expired(Ticket ticket) {
  ++environment_.report.statistics.sessions_expired;
  const Pending& operation = operations_[ticket];
  Session& session = sessions_[operation.session];
  if (session.id == operation.name->session) session.id = 0;
  finish(ticket, operation.doubtful ? Outcome::kUnknown : Outcome::kNotTaken);
}

void Clients::on_written(const Node& node, raft::RequestNumber number, raft::Index index,
                         const AppliedEntry& applied) {
  const raft::Index effect = applied.effect_index;
  environment_.report.note(node.id(), "answers request {:x}: written at index {}, effect at {}",
                           number, index, effect);
  const Attempt* attempt = end(node, number, Outcome::kDone);
  if (attempt != nullptr && attempt->change != nullptr) {
    checks_.require_changed(index, *attempt->change);
  }
  if (attempt == nullptr || attempt->operation == kOperator) return;
  require(attempt->write != 0 && checks_.last_committed() >= index &&
              checks_.write_at(index) == attempt->write,
          "success is of that very entry (A13): node {} answers write {} with index {}, where "
          "write {} is committed",
          node.id(), attempt->write, index, checks_.write_at(index));
  checks_.require_on_majority(index);
  answered_index_ = std::max(answered_index_, index);
  const Purpose purpose = operations_[attempt->operation].purpose;
  if (purpose == Purpose::kOpensSession) {
    finish_opening(attempt->operation, applied);
  } else if (purpose == Purpose::kClosesSession) {
    finish_closing(attempt->operation);
  } else if (std::holds_alternative<database::SessionExpired>(applied.outcome)) {
    on_session_expired(attempt->operation);
  } else {
    if (effect != index) ++environment_.report.statistics.session_writes_repeated;
    finish_write(node, *attempt, applied);
  }
}

void Clients::finish_write(const Node& node, const Attempt& attempt, const AppliedEntry& applied) {
  const Ticket ticket = attempt.operation;
  const raft::Index effect = applied.effect_index;
  ++environment_.report.statistics.writes_acknowledged;
  require(operation_of_write_.at(checks_.write_at(effect) - 1) == ticket,
          "a retry is told of the first effect of the same request: node {} answers write {} with "
          "index {}, where write {} is committed",
          node.id(), attempt.write, effect, checks_.write_at(effect));
  const Pending& operation = operations_[ticket];
  Operation& told = operations_[ticket].told;
  bool is_of_kind = false;
  if (const auto* set = std::get_if<database::SetOutcome>(&applied.outcome)) {
    is_of_kind = told.call == Call::kSet && operation.purpose == Purpose::kKey;
    told.version = set->version;
  } else if (const auto* erased = std::get_if<database::DeleteOutcome>(&applied.outcome)) {
    is_of_kind = told.call == Call::kDelete;
    told.version = erased->found ? 1 : 0;
  } else if (std::holds_alternative<database::PublishOutcome>(applied.outcome)) {
    is_of_kind = operation.purpose == Purpose::kPublication;
    ++environment_.report.statistics.publications;
  }
  require(is_of_kind, "node {} answers write {} with an outcome of another kind", node.id(),
          attempt.write);
  told.index = effect;
  finish(ticket, Outcome::kDone);
}

void Clients::on_completed(const Node& node, const raft::Complete& completion) {
  environment_.report.note(node.id(), "completes request {:x}: {}", completion.request,
                           completion.number);
  end(node, completion.request, Outcome::kDone);
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
  const bool full = refusal.reason == raft::RefusalReason::kDiskFull;
  const bool busy = refusal.reason == raft::RefusalReason::kBusy ||
                    refusal.reason == raft::RefusalReason::kConflict;
  environment_.report.note_named(node.id(), "refuses request {0:x}: {3}",
                                 unknown ? "unknown outcome"
                                 : full  ? "disk full"
                                         : (busy ? "busy" : "no leader"),
                                 refusal.request);
  Statistics& statistics = environment_.report.statistics;
  ++(unknown ? statistics.unknown_outcomes
     : full  ? statistics.refused_disk_full
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
  require(!attempt.patient, "every request is answered: node {} does not answer request {:x}",
          node.id(), number);
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
    if (operation.outcome == Outcome::kNotTaken || operation.purpose != Purpose::kKey) continue;
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
