#include "actors/socket_server.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "actors/replies.h"
#include "actors/socket_options.h"

namespace actors {
namespace {

// Of each ROUTER a turn: both get their share, however much waits at the other (B8).
constexpr std::size_t kMessagesPerTurn = 256;
// Of entries and commands from peers in one batch to event_handler.
constexpr std::size_t kPeerBytesPerTurn = 8 << 20;

std::size_t payload_bytes(const raft::Message& message) {
  std::size_t bytes = 0;
  if (const auto* append = std::get_if<raft::AppendEntries>(&message)) {
    for (const auto& entry : append->entries) bytes += entry.record.size();
  } else if (const auto* forward = std::get_if<raft::ForwardCommands>(&message)) {
    for (const auto& each : forward->commands) bytes += each.command.size();
  } else if (const auto* snapshot = std::get_if<raft::InstallSnapshot>(&message)) {
    bytes += snapshot->bytes.size();
  }
  return bytes;
}

codec::PeerLimits peer_limits(const settings::Settings& settings) {
  codec::PeerLimits limits;
  limits.max_bytes = max_peer_message_bytes(settings);
  return limits;
}

// Whether event_handler is to be told that nobody waits any more.
bool is_known_to_core(RequestKind kind) {
  return kind == RequestKind::kWrite || kind == RequestKind::kRead ||
         kind == RequestKind::kTransfer || kind == RequestKind::kSnapshot;
}

RequestTable::Limits table_limits(const settings::Limits& limits) {
  return {limits.max_requests_in_flight, limits.max_requests_per_client, limits.request_timeout_ms};
}

}  // namespace

SocketServer::SocketServer(const settings::Settings& settings, codec::PeerIdentity self,
                           std::uint64_t starts, raft::Milliseconds now, Sockets sockets,
                           Links links, const Logging& logging, Counters& counters)
    : settings_(settings),
      client_limits_{settings.limits.max_request_bytes, settings.limits.max_key_bytes},
      log_(logging, "socket_server"),
      peers_(std::move(sockets.peers), std::move(self), peer_limits(settings), log_),
      clients_(std::move(sockets.clients), max_client_message_bytes(settings), log_),
      links_(std::move(links)),
      logging_(logging),
      counters_(counters),
      refusals_(log_),
      table_(starts, table_limits(settings.limits)),
      now_(now) {}

std::vector<Input> SocketServer::inputs() {
  return {links_.event_handler.input(),
          links_.state_machine.input(),
          links_.snapshot_store.input(),
          Input::of_time(links_.ticks.input()),
          peers_.input(),
          clients_.input()};
}

void SocketServer::turn() {
  // Answers first: they make room for requests.
  take_answers();
  take_database_answers();
  take_snapshot_parts();
  take_ticks();
  take_peer_messages();
  take_requests();
  hand_out();
}

void SocketServer::stop() {
  turn();
  while (const auto left = table_.take_expired(std::numeric_limits<raft::Milliseconds>::max())) {
    reply(left->request.client, left->request.id, refusal_at_stop(left->request.kind));
  }
  // The others may take long to stop: whoever comes meanwhile is to see that nobody is here.
  clients_.close();
  peers_.close();
}

void SocketServer::take_answers() {
  while (auto answers = links_.event_handler.receive()) {
    if (answers->standing) standing_ = *answers->standing;
    if (answers->members) members_ = std::move(answers->members->configuration);
    for (const auto& [request, reason, detail] : answers->refusals) {
      answer(request, refusal(reason, detail));
    }
    for (const raft::Complete& completed : answers->completions) answer_completed(completed);
    for (const raft::RequestNumber request : answers->status_asked) {
      answer_status(request, *answers->status);
    }
  }
}

void SocketServer::take_database_answers() {
  while (auto answers = links_.state_machine.receive()) {
    for (const CommandOutcome& command : answers->commands) {
      answer(command.request, reply_to_command(command));
    }
    for (const auto& [request, index] : answers->changes) {
      answer(request, codec::ChangeReply{index});
    }
    for (auto& [request, found] : answers->reads) answer(request, reply_to_read(std::move(found)));
    for (auto& [request, result] : answers->replays) {
      answer(request, reply_to_replay(std::move(result)));
    }
    for (const raft::RequestNumber request : answers->refused_busy) {
      answer(request, refusal(raft::RefusalReason::kBusy));
    }
    queries_.answers_taken_bytes += answers->bytes;
  }
}

void SocketServer::take_snapshot_parts() {
  while (auto answers = links_.snapshot_store.receive()) {
    for (auto& [request, result] : answers->outcomes) {
      answer(request, reply_to_snapshot_read(settings_.node, std::move(result)));
    }
    for (const raft::RequestNumber request : answers->refused_busy) {
      answer(request, refusal(raft::RefusalReason::kBusy));
    }
    snapshot_reads_.answers_taken_bytes += answers->bytes;
  }
}

void SocketServer::take_ticks() {
  const auto tick = links_.ticks.latest();
  if (!tick) return;
  now_ = tick->now;
  expire_requests();
  refusals_.on_tick(now_);
  clients_.on_tick();
  peers_.on_tick();
  for (const raft::NodeId peer : heard_) links_.heard.publish({peer});
  heard_.clear();
}

void SocketServer::expire_requests() {
  while (const auto expired = table_.take_expired(now_)) {
    const auto& [client, id, kind, deadline] = expired->request;
    counters_.requests_expired.add();
    reply(client, id, refusal_of_expired(kind, settings_.limits.request_timeout_ms));
    if (is_known_to_core(kind)) {
      events_.events.emplace_back(raft::RequestExpired{expired->number});
    }
  }
}

void SocketServer::take_peer_messages() {
  PeerMessages batch;
  std::size_t bytes = 0;
  for (std::size_t taken = 0; taken < kMessagesPerTurn && bytes < kPeerBytesPerTurn; ++taken) {
    auto received = peers_.receive();
    if (!received) break;
    if (const auto* refused = std::get_if<codec::Refusal>(&*received)) {
      counters_.peer_messages_refused.add();
      refusals_.note(codec::refusal_name(refused->reason), refused->detail);
      continue;
    }
    auto& [from, message, addressed] = std::get<codec::PeerMessage>(*received);
    bytes += payload_bytes(message);
    heard_.insert(from.id);
    batch.messages.push_back({from, std::move(message), addressed});
  }
  const std::size_t count = batch.messages.size();
  if (count > 0 && !links_.event_handler_peers.offer(std::move(batch))) {
    counters_.peer_messages_dropped.add(count);
  }
}

void SocketServer::take_requests() {
  for (std::size_t taken = 0; taken < kMessagesPerTurn; ++taken) {
    auto message = clients_.receive();
    if (!message) return;
    on_request(std::move(*message));
  }
}

void SocketServer::hand_out() {
  if (!events_.events.empty()) {
    const std::size_t count = std::min(events_.events.size(), kMessagesPerTurn);
    links_.event_handler.send(std::exchange(events_, {}));
    events_.events.reserve(count);  // as many are likely to come again
  }
  if (!queries_.reads.empty() || queries_.answers_taken_bytes > 0) {
    links_.state_machine.send(std::exchange(queries_, {}));
  }
  for (DatabaseReplay& replay : replays_) links_.state_machine.send({{}, std::move(replay)});
  replays_.clear();
  if (!snapshot_reads_.reads.empty() || snapshot_reads_.answers_taken_bytes > 0) {
    links_.snapshot_store.send(std::exchange(snapshot_reads_, {}));
  }
}

void SocketServer::on_request(ClientMessage message) {
  const auto refuse = [&](const codec::RequestError& error) {
    counters_.requests_refused.add();
    refusals_.note(codec::error_code_name(error.code), error.message);
    reply(message.from, error.id, codec::ErrorReply{error.code, error.message, std::nullopt});
  };
  if (!message.body) {
    refuse({"\xc0", codec::ErrorCode::kBadRequest,
            "A request is one frame, alone or after an empty frame, within the limit of size."});
    return;
  }
  auto parsed = codec::parse_request(*message.body, client_limits_);
  if (const auto* error = std::get_if<codec::RequestError>(&parsed)) {
    refuse(*error);
  } else {
    submit(std::move(message.from), std::get<codec::Request>(std::move(parsed)));
  }
}

}  // namespace actors
