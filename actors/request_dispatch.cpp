// socket_server, its second half: from a request to the actor that answers it, and the answer.
#include <utility>

#include "actors/replies.h"
#include "actors/socket_server.h"
#include "database/command.h"

namespace actors {
namespace {

// A client that asks for dumps all the time does not fill the log.
constexpr raft::Milliseconds kDumpIntervalMs = 1000;

struct KindOf {
  RequestKind operator()(const codec::GetRequest& get) const {
    return get.linearizable ? RequestKind::kRead : RequestKind::kLocal;
  }
  RequestKind operator()(const codec::ReplayRequest&) const { return RequestKind::kLocal; }
  RequestKind operator()(const codec::SnapshotReadRequest&) const { return RequestKind::kLocal; }
  RequestKind operator()(const codec::StatusRequest&) const { return RequestKind::kStatus; }
  RequestKind operator()(const codec::MembersRequest&) const { return RequestKind::kMembers; }
  RequestKind operator()(const codec::DebugRequest&) const { return RequestKind::kDebug; }
  RequestKind operator()(const codec::TransferRequest&) const { return RequestKind::kTransfer; }
  RequestKind operator()(const codec::SnapshotRequest&) const { return RequestKind::kSnapshot; }
  // What goes through the log: writes, sessions, changes of members.
  template <typename Other>
  RequestKind operator()(const Other&) const {
    return RequestKind::kWrite;
  }
};

raft::MembershipChange to_change(codec::ChangeRequest request) {
  raft::MembershipChange change;
  for (codec::NewMember& member : request.add) {
    auto& list = member.voter ? change.add_voters : change.add_learners;
    list.push_back({member.id, member.identity, member.priority, std::move(member.peer),
                    std::move(member.client), std::move(member.publish)});
  }
  change.promote = std::move(request.promote);
  change.remove = std::move(request.remove);
  return change;
}

// Puts a request that has its number into what the turn hands out.
struct Dispatch {
  raft::RequestNumber number;
  const settings::Sessions& sessions;
  ClientEvents& events;
  LocalQueries& queries;
  std::vector<DatabaseReplay>& replays;
  SnapshotReads& snapshot_reads;

  void operator()(const codec::SetRequest& set) const {
    write(database::SetCommand{set.key, set.value}, set.name);
  }
  void operator()(const codec::DeleteRequest& deletion) const {
    write(database::DeleteCommand{deletion.key}, deletion.name);
  }
  void operator()(const codec::PublishRequest& publication) const {
    write(database::PublishCommand{publication.channel, publication.value}, publication.name);
  }
  void operator()(const codec::SessionOpenRequest& open) const {
    command(database::OpenSessionCommand{open.timeout_ms.value_or(sessions.timeout_ms),
                                         sessions.max_sessions});
  }
  void operator()(const codec::SessionCloseRequest& close) const {
    command(database::CloseSessionCommand{close.session});
  }
  void operator()(const codec::GetRequest& get) const {
    if (get.linearizable) {
      event(ReadSubmitted{number, std::string(get.key)});
    } else {
      queries.reads.push_back({number, std::string(get.key)});
    }
  }
  void operator()(codec::ReplayRequest& replay) const {
    replays.push_back({number, std::move(replay)});
  }
  void operator()(const codec::SnapshotReadRequest& read) const {
    snapshot_reads.reads.push_back({number, read});
  }
  void operator()(const codec::StatusRequest&) const { event(StatusAsked{number}); }
  void operator()(const codec::MembersRequest&) const { event(StatusAsked{number}); }
  void operator()(const codec::DebugRequest&) const { event(StatusAsked{number}); }
  void operator()(codec::ChangeRequest& change) const {
    event(raft::ChangeSubmitted{number, to_change(std::move(change))});
  }
  void operator()(const codec::TransferRequest& transfer) const {
    event(raft::TransferRequested{number, transfer.node});
  }
  void operator()(const codec::SnapshotRequest&) const { event(raft::SnapshotRequested{number}); }

 private:
  void event(ClientEvent event) const { events.events.push_back(std::move(event)); }
  void command(const database::Command& command) const {
    event(raft::CommandSubmitted{number, database::encode_command(command)});
  }
  void write(database::Write write, const std::optional<codec::WriteName>& name) const {
    if (name) {
      command(database::SessionCommand{name->session, name->seq, write});
    } else {
      std::visit([this](const auto& plain) { command(plain); }, write);
    }
  }
};

}  // namespace

void SocketServer::submit(ClientAddress client, codec::Request request) {
  const RequestKind kind = std::visit(KindOf{}, request.body);
  const auto number = admit(std::move(client), std::move(request.id), kind);
  if (number) {
    std::visit(Dispatch{*number, settings_.sessions, events_, queries_, replays_, snapshot_reads_},
               request.body);
  }
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
    reply(request->client, request->id, reply_to_status(status, settings_.node.cluster));
  } else if (request->kind == RequestKind::kMembers) {
    reply(request->client, request->id, reply_to_members(status));
  } else {
    reply(request->client, request->id, codec::DebugReply{dump(status)});
  }
}

void SocketServer::answer_completed(const raft::Complete& completed) {
  const auto request = table_.take(completed.request);
  if (!request) return;
  reply(request->client, request->id, reply_to_completed(request->kind, completed.number));
}

void SocketServer::reply(const ClientAddress& client, const codec::RequestId& id,
                         const codec::ReplyBody& body) {
  std::string encoded = codec::encode_reply(id, body, leader_hint());
  if (!unsent_replies_.has_room(encoded.size())) {
    // Only answers to reads are that large, and a read may be asked again.
    encoded = codec::encode_reply(id, refusal(raft::RefusalReason::kBusy), leader_hint());
  }
  const auto sent = clients_.reply(client, unsent_replies_.to_frame(std::move(encoded)));
  if (sent != SendResult::kSent) counters_.replies_lost.add();
}

std::optional<codec::LeaderHint> SocketServer::leader_hint() const {
  if (!standing_.leader || *standing_.leader == settings_.node.id) return std::nullopt;
  const raft::Member* leader = members_.find(*standing_.leader);
  if (leader == nullptr) return std::nullopt;
  return codec::LeaderHint{leader->id, leader->client};
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
