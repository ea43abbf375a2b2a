// socket_server, its second half: from a request to the actor that answers it, and the answer.
#include <type_traits>
#include <utility>

#include "actors/replies.h"
#include "actors/socket_server.h"
#include "database/command.h"

namespace actors {
namespace {

// A client that asks for dumps all the time does not fill the log.
constexpr raft::Milliseconds kDumpIntervalMs = 1000;

RequestKind kind_of(const codec::RequestBody& body) {
  if (const auto* get = std::get_if<codec::GetRequest>(&body)) {
    return get->linearizable ? RequestKind::kRead : RequestKind::kLocal;
  }
  if (std::holds_alternative<codec::ReplayRequest>(body)) return RequestKind::kLocal;
  if (std::holds_alternative<codec::StatusRequest>(body)) return RequestKind::kStatus;
  if (std::holds_alternative<codec::DebugRequest>(body)) return RequestKind::kDebug;
  return RequestKind::kWrite;
}

// Whether the actors know how to do it: not yet changes of members, transfers, snapshots and
// sessions.
bool is_served(const codec::RequestBody& body) {
  return std::visit(
      [](const auto& request) {
        using Body = std::decay_t<decltype(request)>;
        if constexpr (requires { request.name; }) {
          return !request.name.has_value();
        } else {
          return std::is_same_v<Body, codec::GetRequest> ||
                 std::is_same_v<Body, codec::ReplayRequest> ||
                 std::is_same_v<Body, codec::StatusRequest> ||
                 std::is_same_v<Body, codec::DebugRequest>;
        }
      },
      body);
}

// Puts a request that has its number into what the turn hands out.
struct Dispatch {
  raft::RequestNumber number;
  ClientEvents& events;
  LocalQueries& queries;

  void operator()(const codec::SetRequest& set) const {
    command(database::SetCommand{set.key, set.value});
  }
  void operator()(const codec::DeleteRequest& deletion) const {
    command(database::DeleteCommand{deletion.key});
  }
  void operator()(const codec::PublishRequest& publication) const {
    command(database::PublishCommand{publication.channel, publication.value});
  }
  void operator()(codec::GetRequest& get) const {
    if (get.linearizable) {
      events.events.emplace_back(ReadSubmitted{number, std::move(get.key)});
    } else {
      queries.reads.push_back({number, std::move(get.key)});
    }
  }
  void operator()(codec::ReplayRequest& replay) const {
    queries.replays.push_back({number, std::move(replay)});
  }
  void operator()(const codec::StatusRequest&) const {
    events.events.emplace_back(StatusAsked{number});
  }
  void operator()(const codec::DebugRequest&) const {
    events.events.emplace_back(StatusAsked{number});
  }
  // What is_served() keeps from here.
  template <typename Other>
  void operator()(const Other&) const {}

 private:
  void command(const database::Command& command) const {
    events.events.emplace_back(raft::CommandSubmitted{number, database::encode_command(command)});
  }
};

}  // namespace

void SocketServer::submit(ClientAddress client, codec::Request request) {
  if (!is_served(request.body)) {
    return reply(client, request.id,
                 codec::ErrorReply{codec::ErrorCode::kUnknownOperation,
                                   "This node does not know how to do that.", std::nullopt});
  }
  const RequestKind kind = kind_of(request.body);
  const auto number = admit(std::move(client), std::move(request.id), kind);
  if (number) std::visit(Dispatch{*number, events_, queries_}, request.body);
}

std::optional<raft::RequestNumber> SocketServer::admit(ClientAddress client, codec::RequestId id,
                                                       RequestKind kind) {
  if (table_.full() || table_.full_for(client)) {
    counters_.requests_shed.add();
    const std::string_view whose = table_.full() ? "this node" : "this client";
    reply(client, id,
          codec::ErrorReply{codec::ErrorCode::kBusy,
                            fmt::format("Too many requests of {} are in flight; the request was "
                                        "not taken. Try again later.",
                                        whose),
                            std::nullopt});
    return std::nullopt;
  }
  counters_.requests.add();
  return table_.add(std::move(client), std::move(id), kind, now_);
}

void SocketServer::answer(raft::RequestNumber number, const codec::ReplyBody& body) {
  // None where its time was up before, and the client was told so.
  if (const auto request = table_.take(number)) reply(request->client, request->id, body);
}

void SocketServer::answer_status(raft::RequestNumber number, const raft::Status& status) {
  const auto request = table_.take(number);
  if (!request) return;
  if (request->kind == RequestKind::kStatus) {
    reply(request->client, request->id, reply_to_status(status, settings_));
  } else {
    reply(request->client, request->id, codec::DebugReply{dump(status)});
  }
}

void SocketServer::reply(const ClientAddress& client, const codec::RequestId& id,
                         const codec::ReplyBody& body) {
  base::SharedBytes encoded = codec::encode_reply(id, body, leader_hint());
  if (!unsent_replies_.has_room(encoded.size())) {
    // Only answers to reads are that large, and a read may be asked again.
    encoded = codec::encode_reply(id, refusal(raft::RefusalReason::kBusy), leader_hint());
  }
  const auto sent = clients_.reply(client, unsent_replies_.counted(std::move(encoded)));
  if (sent != SendResult::kSent) counters_.replies_lost.add();
}

std::optional<codec::LeaderHint> SocketServer::leader_hint() const {
  if (!standing_.leader || *standing_.leader == settings_.node.id) return std::nullopt;
  for (const settings::Member& member : settings_.members) {
    if (member.id == *standing_.leader) return codec::LeaderHint{member.id, member.client};
  }
  return std::nullopt;
}

std::string SocketServer::dump(const raft::Status& status) {
  auto more = std::map<std::string, std::uint64_t>{
      {"requests_in_flight", table_.size()},
      {"clients_with_requests_in_flight", table_.clients()},
      {"log_lines_dropped", logging_.dropped()},
  };
  for (const auto& [reason, count] : refusals_.totals()) more.emplace("refused_" + reason, count);
  std::string text = debug_text(status, counters_, more);
  if (now_ - dumped_at_ >= kDumpIntervalMs) {
    dumped_at_ = now_;
    log_.info("debug was asked for:\n{}", text);
  }
  return text;
}

}  // namespace actors
