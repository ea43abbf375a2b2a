#include "actors/replies.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "actors/broadcasts.h"
#include "actors/release.h"

namespace actors {
namespace {

struct OutcomeReply {
  raft::Index index;

  codec::ReplyBody operator()(const database::SetOutcome& set) const {
    return codec::SetReply{index, set.version};
  }
  codec::ReplyBody operator()(const database::DeleteOutcome& deletion) const {
    return codec::DeleteReply{index, deletion.found};
  }
  codec::ReplyBody operator()(const database::PublishOutcome& publication) const {
    return codec::PublishReply{index, publication.seq};
  }
  codec::ReplyBody operator()(const database::NoOutcome&) const {
    return codec::ErrorReply{codec::ErrorCode::kUnknownOutcome,
                             "The command took its place in the log, but the database of this "
                             "node does not know it.",
                             std::nullopt};
  }
};

}  // namespace

codec::ReplyBody reply_to_command(const database::Outcome& outcome, raft::Index index) {
  return std::visit(OutcomeReply{index}, outcome);
}

codec::ReplyBody reply_to_read(std::optional<database::Found> found) {
  if (!found) return codec::GetReply{};
  return codec::GetReply{
      codec::GetReply::Value{std::move(found->value), found->version, found->index}};
}

codec::ReplyBody reply_to_replay(std::variant<database::Replay, database::Compacted> result) {
  if (const auto* compacted = std::get_if<database::Compacted>(&result)) {
    return codec::ErrorReply{
        codec::ErrorCode::kCompacted,
        fmt::format("Broadcasts before index {} are no longer kept; read the keys instead, and "
                    "replay from there.",
                    compacted->first_index),
        compacted->first_index};
  }
  auto& replay = std::get<database::Replay>(result);
  codec::ReplayReply reply{{}, replay.complete_to};
  reply.broadcasts.reserve(replay.broadcasts.size());
  for (auto& broadcast : replay.broadcasts) {
    reply.broadcasts.push_back(encode_broadcast(std::move(broadcast)));
  }
  return reply;
}

codec::ReplyBody reply_to_status(const raft::Status& status, const settings::Settings& settings) {
  codec::StatusReply reply{.node = status.id,
                           .cluster = settings.node.cluster,
                           .role = std::string(raft::role_name(status.role)),
                           .term = status.term,
                           .leader = status.leader,
                           .commit_index = status.commit_index,
                           .applied_index = status.applied_index,
                           .first_index = status.first_index,
                           .last_index = status.last_index,
                           .members = {},
                           .release = release()};
  for (const settings::Member& member : settings.members) {
    reply.members.push_back({member.id, member.peer, member.client, member.publish, true});
  }
  return reply;
}

codec::ErrorReply refusal(raft::RefusalReason reason) {
  switch (reason) {
    case raft::RefusalReason::kNoLeader:
      return {codec::ErrorCode::kNoLeader,
              "No leader is known; the request was not taken. Try again.", std::nullopt};
    case raft::RefusalReason::kBusy:
      return {codec::ErrorCode::kBusy,
              "The cluster has too much under way; the request was not taken. Try again later.",
              std::nullopt};
    case raft::RefusalReason::kUnknownOutcome:
      break;
  }
  return {codec::ErrorCode::kUnknownOutcome,
          "Leadership was lost after the request was taken: it may or may not take effect.",
          std::nullopt};
}

codec::ErrorReply refusal_of_expired(RequestKind kind, raft::Milliseconds timeout_ms) {
  switch (kind) {
    case RequestKind::kWrite:
      return {codec::ErrorCode::kUnknownOutcome,
              fmt::format("The request was taken, and not finished within {} ms: it may or may "
                          "not take effect.",
                          timeout_ms),
              std::nullopt};
    case RequestKind::kRead:
      return {codec::ErrorCode::kNoLeader,
              fmt::format("No leader confirmed the read within {} ms. Try again, or ask with "
                          "consistency `local`.",
                          timeout_ms),
              std::nullopt};
    case RequestKind::kLocal:
    case RequestKind::kStatus:
    case RequestKind::kDebug:
      break;
  }
  return {
      codec::ErrorCode::kBusy,
      fmt::format("This node was too busy to answer within {} ms. Try again later.", timeout_ms),
      std::nullopt};
}

codec::ErrorReply refusal_at_stop(RequestKind kind) {
  if (kind == RequestKind::kWrite) {
    return {codec::ErrorCode::kUnknownOutcome,
            "This node is shutting down: the request may or may not take effect.", std::nullopt};
  }
  return {codec::ErrorCode::kNoLeader, "This node is shutting down. Ask another.", std::nullopt};
}

std::string debug_text(const raft::Status& status, const Counters& counters,
                       const std::map<std::string, std::uint64_t>& more) {
  std::string text = fmt::format(
      "node: {}\nrole: {}\nterm: {}\nvoted_for: {}\nleader: {}\ncommit_index: {}\n"
      "applied_index: {}\ndurable_index: {}\nfirst_index: {}\nlast_index: {}\n",
      status.id, raft::role_name(status.role), status.term, status.voted_for.value_or(0),
      status.leader.value_or(0), status.commit_index, status.applied_index, status.durable_index,
      status.first_index, status.last_index);
  for (const raft::PeerStatus& peer : status.peers) {
    text +=
        fmt::format("peer {}: {}, match_index {}, next_index {}\n", peer.id,
                    peer.reachable ? "reachable" : "not heard", peer.match_index, peer.next_index);
  }
  const std::pair<std::string_view, const Counter&> counted[] = {
      {"requests", counters.requests},
      {"requests_refused", counters.requests_refused},
      {"requests_shed", counters.requests_shed},
      {"requests_expired", counters.requests_expired},
      {"replies_lost", counters.replies_lost},
      {"peer_messages_refused", counters.peer_messages_refused},
      {"peer_messages_dropped", counters.peer_messages_dropped},
      {"peer_sends_dropped", counters.peer_sends_dropped},
      {"promises_dropped", counters.promises_dropped},
      {"sends_dropped", counters.sends_dropped},
      {"links_recreated", counters.links_recreated},
      {"broadcasts_dropped", counters.broadcasts_dropped}};
  for (const auto& [name, counter] : counted) {
    text += fmt::format("{}: {}\n", name, counter.value());
  }
  for (const auto* table : {&status.counters, &more}) {
    for (const auto& [name, value] : *table) text += fmt::format("{}: {}\n", name, value);
  }
  return text;
}

}  // namespace actors
