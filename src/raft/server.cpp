#include "raft/server.h"

#include <type_traits>

#include "base/check.h"
#include "raft/election.h"
#include "raft/forwarding.h"
#include "raft/invariants.h"
#include "raft/output.h"
#include "raft/proposals.h"
#include "raft/reads.h"
#include "raft/replication.h"
#include "raft/roles.h"
#include "raft/state.h"

namespace raft {
namespace {

// Figure 2, "rules for all servers": a higher term is taken on, and this node follows.
// False where the message is to be ignored altogether.
bool meet_term(State& state, const Message& message) {
  if (message_term(message) <= state.current_term()) return true;
  if (std::holds_alternative<PreVoteRequest>(message)) return true;  // asks, and changes nothing
  if (std::holds_alternative<RequestVote>(message) && hears_leader(state)) return false;
  state.trace(TraceLevel::kDebug, fmt::format("learns of term {} from a {}", message_term(message),
                                              message_name(message)));
  become_follower(state, message_term(message), std::nullopt);
  return true;
}

// Whether its sender hears this leader. A question shows nothing: who asks for pre-votes in this
// term hears nobody, and would keep a leader in office that reaches too few (A27).
bool answers_leader(const Message& message) {
  return std::holds_alternative<AppendEntriesAccepted>(message) ||
         std::holds_alternative<AppendEntriesRejected>(message) ||
         std::holds_alternative<HeartbeatReply>(message);
}

struct MessageHandler {
  State& state;
  NodeId from;

  void operator()(const PreVoteRequest& m) { on_pre_vote_request(state, from, m); }
  void operator()(const PreVoteReply& m) { on_pre_vote_reply(state, from, m); }
  void operator()(const RequestVote& m) { on_request_vote(state, from, m); }
  void operator()(const RequestVoteReply& m) { on_request_vote_reply(state, from, m); }
  void operator()(AppendEntries& m) { on_append_entries(state, from, std::move(m)); }
  void operator()(const AppendEntriesAccepted& m) { on_append_entries_accepted(state, from, m); }
  void operator()(const AppendEntriesRejected& m) { on_append_entries_rejected(state, from, m); }
  void operator()(const Heartbeat& m) { on_heartbeat(state, from, m); }
  void operator()(const HeartbeatReply& m) { on_heartbeat_reply(state, from, m); }
  void operator()(ForwardCommands& m) { on_forward_commands(state, from, std::move(m)); }
  void operator()(const ForwardCommandsReply& m) { on_forward_commands_reply(state, m); }
  void operator()(const ReadIndexRequest& m) { on_read_index_request(state, from, m); }
  void operator()(const ReadIndexReply& m) { on_read_index_reply(state, m); }
};

void on_message_received(State& state, MessageReceived event) {
  if (event.from == state.id() || !state.quorum.is_voter(event.from)) {
    state.trace(TraceLevel::kDebug,
                fmt::format("a message of node {}, which is no peer: ignored", event.from));
    return;
  }
  if (!meet_term(state, event.message)) return;
  auto* leader = state.as<LeaderState>();
  const bool current = message_term(event.message) == state.current_term();
  if (leader != nullptr && current && answers_leader(event.message)) {
    leader->peers.at(event.from).set_heard_at(state.now);
  }
  std::visit(MessageHandler{state, event.from}, event.message);
}

void on_tick_elapsed(State& state, Milliseconds now) {
  if (now < state.now) return;
  state.now = now;
  if (!state.clock_started) {
    state.clock_started = true;
    if (auto* follower = state.as<FollowerState>()) {
      follower->election_deadline = next_election_deadline(state);
    }
  }
  lead(state);
  check_election_deadline(state);
  repeat_asked_reads(state);
}

void on_persisted(State& state, std::uint64_t number) {
  CHECK(state.durability.on_persisted(number), "node {}: order {} was not outstanding", state.id(),
        number);
  count_own_vote(state);
  advance_commit_index(state);
}

void on_entries_fetched(State& state, EntriesFetched event) {
  if (event.peer) {
    on_entries_fetched_for_peer(state, *event.peer, std::move(event.entries));
  } else {
    on_entries_fetched_to_apply(state, std::move(event.entries));
  }
}

struct EventHandler {
  State& state;

  void operator()(const TickElapsed& e) { on_tick_elapsed(state, e.now); }
  void operator()(MessageReceived& e) { on_message_received(state, std::move(e)); }
  void operator()(CommandSubmitted& e) { on_command_submitted(state, std::move(e)); }
  void operator()(const ReadRequested& e) { on_read_requested(state, e.request); }
  void operator()(const RequestExpired& e) { state.expired.push_back(e.request); }
  void operator()(const Persisted& e) { on_persisted(state, e.number); }
  void operator()(const EntriesApplied& e) { on_entries_applied(state, e.index); }
  void operator()(EntriesFetched& e) { on_entries_fetched(state, std::move(e)); }
};

}  // namespace

Server::Server(Options options, Restored restored)
    : state_(std::make_unique<State>(std::move(options), restored)) {}
Server::~Server() = default;
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;

void Server::step(Event event) {
  const Monotone before = monotone(*state_);
  std::visit(EventHandler{*state_}, event);
  check_invariants(*state_, before);
}

Effects Server::take_effects() {
  const Monotone before = monotone(*state_);
  Effects effects = finish_turn(*state_);
  check_invariants(*state_, before);
  return effects;
}

Status Server::status() const {
  const State& state = *state_;
  Status status{state.id(),
                state.role(),
                state.current_term(),
                state.hard_state.voted_for,
                state.leader(),
                state.commit_index,
                state.applied_index,
                state.durability.durable_index(),
                state.log.first_index(),
                state.log.last_index(),
                {},
                {}};
  const auto* leader = state.as<LeaderState>();
  if (leader != nullptr) {
    for (const auto& [peer, progress] : leader->peers) {
      status.peers.push_back(
          {peer, progress.reachable, progress.match_index(), progress.next_index()});
      status.counters["append_entries_in_flight"] += progress.messages_in_flight();
      status.counters["append_entries_bytes_in_flight"] += progress.bytes_in_flight();
    }
    status.counters["uncommitted_bytes"] = leader->unsettled_bytes;
    status.counters["reads_waiting_for_a_round"] = leader->waiting_reads.size();
  }
  status.counters["log_memory_bytes"] = state.log.memory_bytes();
  status.counters["persist_orders_outstanding"] = state.durability.outstanding();
  status.counters["applying_bytes"] = state.output.applying_bytes;
  status.counters["waiting_writes"] = state.waiting_writes.size();
  status.counters["indexed_reads"] = state.indexed_reads.size();
  status.counters["forwarded_commands"] = state.forwarding.unanswered.size();
  status.counters["asked_read_rounds"] = state.forwarding.asked.size();
  return status;
}

}  // namespace raft
