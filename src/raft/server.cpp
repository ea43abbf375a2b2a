#include "raft/server.h"

#include <type_traits>

#include "base/check.h"
#include "raft/admission.h"
#include "raft/departures.h"
#include "raft/disk_space.h"
#include "raft/election.h"
#include "raft/forwarding.h"
#include "raft/invariants.h"
#include "raft/membership.h"
#include "raft/output.h"
#include "raft/proposals.h"
#include "raft/reads.h"
#include "raft/repair.h"
#include "raft/replication.h"
#include "raft/roles.h"
#include "raft/snapshots.h"
#include "raft/state.h"
#include "raft/transfer.h"

namespace raft {
namespace {

// Figure 2, "rules for all servers": a higher term is taken on, and this node follows.
// False where the message is to be ignored altogether.
bool meet_term(State& state, const Message& message) {
  if (message_term(message) <= state.current_term()) return true;
  // Who asks for pre-votes, or says where it is found, changes nothing: not even the term (A6).
  if (std::holds_alternative<PreVoteRequest>(message) || std::holds_alternative<Hello>(message)) {
    return true;
  }
  // dissertation §4.2.3: votes are withheld while a leader is heard, but where it hands over (A6).
  const auto* vote = std::get_if<RequestVote>(&message);
  if (vote != nullptr && !vote->transfer && hears_leader(state)) return false;
  state.trace(TraceLevel::kDebug, fmt::format("learns of term {} from a {}", message_term(message),
                                              message_name(message)));
  become_follower(state, message_term(message), std::nullopt);
  return true;
}

// Whether its sender hears this leader. A question shows nothing: who asks for pre-votes in this
// term hears nobody, and would keep a leader in office that reaches too few (A27). Nor does a
// report on a disk, which a follower also sends by itself.
bool answers_leader(const Message& message) {
  return std::holds_alternative<AppendEntriesAccepted>(message) ||
         std::holds_alternative<AppendEntriesRejected>(message) ||
         std::holds_alternative<HeartbeatReply>(message) ||
         std::holds_alternative<InstallSnapshotReply>(message);
}

// Whether this node counts on what its sender says: then that has to be a member, by the directory
// that is known (A28). What asks, or leads, is heard from anyone (A4).
bool is_counted(const Message& message) {
  return answers_leader(message) || std::holds_alternative<PreVoteReply>(message) ||
         std::holds_alternative<RequestVoteReply>(message) ||
         std::holds_alternative<DiskSpaceReport>(message);
}

struct MessageHandler {
  State& state;
  const MessageReceived& event;
  const Peer& from = event.from;

  void operator()(const PreVoteRequest& m) { on_pre_vote_request(state, from, m); }
  void operator()(const PreVoteReply& m) { on_pre_vote_reply(state, from, m); }
  void operator()(const RequestVote& m) { on_request_vote(state, from, m); }
  void operator()(const RequestVoteReply& m) { on_request_vote_reply(state, from, m); }
  void operator()(AppendEntries& m) { on_append_entries(state, from, std::move(m)); }
  void operator()(const AppendEntriesAccepted& m) { on_append_entries_accepted(state, from, m); }
  void operator()(const AppendEntriesRejected& m) { on_append_entries_rejected(state, from, m); }
  void operator()(const Heartbeat& m) { on_heartbeat(state, from, m); }
  void operator()(const CommitAdvanced& m) { on_commit_advanced(state, from, m); }
  void operator()(const HeartbeatReply& m) { on_heartbeat_reply(state, from, m); }
  void operator()(ForwardCommands& m) { on_forward_commands(state, from, std::move(m)); }
  void operator()(const ForwardCommandsReply& m) { on_forward_commands_reply(state, m); }
  void operator()(const ReadIndexRequest& m) { on_read_index_request(state, from, m); }
  void operator()(const ReadIndexReply& m) { on_read_index_reply(state, m); }
  void operator()(const TimeoutNow& m) { on_timeout_now(state, from, m); }
  void operator()(InstallSnapshot& m) { on_install_snapshot(state, from, std::move(m)); }
  void operator()(const InstallSnapshotReply& m) { on_install_snapshot_reply(state, from, m); }
  void operator()(ForwardChange& m) { on_forward_change(state, from, std::move(m)); }
  void operator()(const ForwardChangeReply& m) { on_forward_change_reply(state, m); }
  void operator()(const ForwardTransfer& m) { on_forward_transfer(state, from, m); }
  void operator()(const ForwardTransferReply& m) { on_forward_transfer_reply(state, m); }
  void operator()(const Hello& m) { on_hello(state, event, m); }
  void operator()(const RepairRequest& m) { on_repair_request(state, from, m); }
  void operator()(const RepairReply& m) { on_repair_reply(state, from, m); }
  void operator()(const DiskSpaceReport& m) { on_disk_space_report(state, from, m); }
  void operator()(const ForwardCommandsRefused& m) { on_forward_commands_refused(state, m); }
};

void on_message_received(State& state, MessageReceived event) {
  const bool stranger = is_counted(event.message) && !state.is_member(event.from) &&
                        !is_departing(state, event.from, message_term(event.message));
  if (event.from.id == state.id() || stranger) {
    state.trace(TraceLevel::kDebug, fmt::format("a {} of node {}, which is no member: ignored",
                                                message_name(event.message), event.from.id));
    return;
  }
  if (!meet_term(state, event.message)) return;
  auto* leader = state.as<LeaderState>();
  const bool current = message_term(event.message) == state.current_term();
  if (leader != nullptr && current && answers_leader(event.message)) {
    leader->peers.at(event.from.id).set_heard_at(state.now);
  }
  std::visit(MessageHandler{state, event}, event.message);
}

void on_tick_elapsed(State& state, Milliseconds now) {
  if (now < state.now) return;
  state.now = now;
  state.snapshots.rate.on_tick(now);
  if (!state.clock_started) {
    state.clock_started = true;
    state.started_at = now;
    if (auto* follower = state.as<FollowerState>()) {
      follower->election_deadline = next_election_deadline(state);
    }
    admit_if_all_heard(state);
  }
  if (auto* follower = state.as<FollowerState>(); follower && follower->heard_since_tick) {
    follower->heard_at = now;
    follower->heard_since_tick = false;
    follower->election_deadline = next_election_deadline(state);
  }
  say_hello(state);
  lead(state);
  check_election_deadline(state);
  ask_for_repair(state);
  repeat_asked_reads(state);
}

void on_persisted(State& state, std::uint64_t number) {
  CHECK(state.durability.on_persisted(number), "node {}: order {} was not outstanding", state.id(),
        number);
  end_doubt_if_settled(state, number);
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
  void operator()(ChangeSubmitted& e) { on_change_submitted(state, std::move(e)); }
  void operator()(const TransferRequested& e) { on_transfer_requested(state, e); }
  void operator()(const SnapshotRequested& e) { on_snapshot_requested(state, e.request); }
  void operator()(const RequestExpired& e) { state.expired.push_back(e.request); }
  void operator()(const Persisted& e) { on_persisted(state, e.number); }
  void operator()(const EntriesApplied& e) { on_entries_applied(state, e.index); }
  void operator()(EntriesFetched& e) { on_entries_fetched(state, std::move(e)); }
  void operator()(SnapshotTaken& e) { on_snapshot_taken(state, std::move(e)); }
  void operator()(SnapshotChunkFetched& e) { on_snapshot_chunk_fetched(state, std::move(e)); }
  void operator()(SnapshotChunkStored& e) { on_snapshot_chunk_stored(state, std::move(e)); }
  void operator()(FirstConfigurationStored& e) {
    on_first_configuration_stored(state, std::move(e.configuration));
  }
  void operator()(const SnapshotInstalled& e) { on_snapshot_installed(state, e.index); }
  void operator()(const SnapshotNotTaken&) { on_snapshot_not_taken(state); }
  void operator()(const SnapshotChunkNotStored&) { on_snapshot_chunk_not_stored(state); }
  void operator()(const DiskSpaceChanged& e) { on_disk_space_changed(state, e.space); }
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
                state.standing_role(),
                state.current_term(),
                state.hard_state.voted_for,
                state.leader(),
                state.commit_index,
                state.applied_index,
                state.durability.durable_index(),
                state.log.first_index(),
                state.log.last_index(),
                state.snapshots.newest ? state.snapshots.newest->last.index : 0,
                state.configurations.index(),
                state.configuration(),
                state.disk_space,
                {},
                state.doubt ? std::optional(state.doubt->from) : std::nullopt,
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
    status.counters["pending_commands"] = leader->pending_commands.size();
    status.counters["pending_changes"] = leader->pending_changes.size();
    status.counters["lease_rounds"] = leader->sent_rounds.size();
    status.counters["departures"] = leader->departures.size();
  }
  status.counters["log_memory_bytes"] = state.log.memory_bytes();
  status.counters["persist_orders_outstanding"] = state.durability.outstanding();
  status.counters["applying_bytes"] = state.output.applying_bytes;
  status.counters["waiting_writes"] = state.waiting_writes.size();
  status.counters["indexed_reads"] = state.indexed_reads.size();
  status.counters["forwarded_commands"] =
      state.forwarding.unanswered.size() + state.forwarding.unanswered_changes.size();
  status.counters["released_commands"] = state.forwarding.released.size();
  status.counters["waiting_transfers"] = state.waiting_transfers.size();
  status.counters["asked_read_rounds"] = state.forwarding.asked.size();
  status.counters["snapshot_requests"] =
      state.snapshots.asked.size() + state.snapshots.asked_later.size();
  return status;
}

}  // namespace raft
