#include "actors/replies.h"

#include <fmt/format.h>

#include <iterator>
#include <string_view>
#include <utility>

#include "actors/broadcasts.h"
#include "actors/release.h"

namespace actors {
namespace {

codec::ErrorReply error(codec::ErrorCode code, std::string message) {
  return {code, std::move(message), std::nullopt};
}

struct OutcomeReply {
  raft::Index index;  // where it took effect
  bool repeated;

  codec::ReplyBody operator()(const database::SetOutcome& set) const {
    return codec::SetReply{index, set.version, repeated};
  }
  codec::ReplyBody operator()(const database::DeleteOutcome& deletion) const {
    return codec::DeleteReply{index, deletion.found, repeated};
  }
  codec::ReplyBody operator()(const database::PublishOutcome& publication) const {
    return codec::PublishReply{index, publication.seq, repeated};
  }
  codec::ReplyBody operator()(const database::SessionOpened& opened) const {
    return codec::SessionOpenReply{opened.session, index};
  }
  codec::ReplyBody operator()(const database::SessionClosed& closed) const {
    return codec::SessionCloseReply{index, closed.found};
  }
  codec::ReplyBody operator()(const database::SessionsFull&) const {
    return error(codec::ErrorCode::kBusy,
                 "As many sessions are open as the cluster allows; none was opened. Try again "
                 "later.");
  }
  codec::ReplyBody operator()(const database::SessionExpired&) const {
    return error(codec::ErrorCode::kSessionExpired,
                 "The session is not open, or no longer: this write took no effect, an earlier "
                 "one under the same seq may have.");
  }
  codec::ReplyBody operator()(const database::SeqTooOld&) const {
    return error(codec::ErrorCode::kUnknownOutcome,
                 "The session has gone on too far since this seq: whether it took effect then is "
                 "not known any more; it took none now.");
  }
  codec::ReplyBody operator()(const database::NoOutcome&) const {
    return error(codec::ErrorCode::kUnknownOutcome,
                 "The command took its place in the log, but the database of this node does not "
                 "know it.");
  }
};

codec::MembersReply::Member describe(const raft::Member& member, const raft::Status& status) {
  const raft::Configuration& configuration = status.configuration;
  codec::MembersReply::Member described{.id = member.id,
                                        .identity = member.identity,
                                        .priority = member.priority,
                                        .peer = member.peer,
                                        .client = member.client,
                                        .publish = member.publish,
                                        .voter = configuration.is_voter(member.id),
                                        .promoting = false,
                                        .match_index = std::nullopt};
  described.promoting = !described.voter && raft::contains(configuration.goal, member.id);
  if (member.id == status.id) described.match_index = status.durable_index;
  for (const raft::PeerStatus& peer : status.peers) {
    if (peer.id == member.id) described.match_index = peer.match_index;
  }
  return described;
}

codec::ErrorCode code_of(raft::RefusalReason reason) {
  switch (reason) {
    case raft::RefusalReason::kNoLeader:
      return codec::ErrorCode::kNoLeader;
    case raft::RefusalReason::kBusy:
      return codec::ErrorCode::kBusy;
    case raft::RefusalReason::kConflict:
      return codec::ErrorCode::kConflict;
    case raft::RefusalReason::kDiskFull:
      return codec::ErrorCode::kDiskFull;
    case raft::RefusalReason::kUnknownOutcome:
      break;
  }
  return codec::ErrorCode::kUnknownOutcome;
}

std::string_view sentence_of(raft::RefusalReason reason) {
  switch (reason) {
    case raft::RefusalReason::kNoLeader:
      return "No leader is known; the request was not taken. Try again.";
    case raft::RefusalReason::kBusy:
      return "The cluster has too much under way; the request was not taken. Try again later.";
    case raft::RefusalReason::kConflict:
      return "It does not fit the members or roles as they are; the request was not taken.";
    case raft::RefusalReason::kDiskFull:
      return "There is no room on the disks of those that would store it; it was not taken.";
    case raft::RefusalReason::kUnknownOutcome:
      break;
  }
  return "Leadership was lost after the request was taken: it may or may not take effect.";
}

}  // namespace

codec::ReplyBody reply_to_command(const CommandOutcome& command) {
  return std::visit(OutcomeReply{command.effect_index, command.effect_index != command.index},
                    command.outcome);
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

codec::ReplyBody reply_to_snapshot_read(
    const settings::Node& node, std::variant<SnapshotPart, SnapshotGone, SnapshotDamaged> result) {
  if (auto* part = std::get_if<SnapshotPart>(&result)) {
    return codec::SnapshotReadReply{node.id,    node.cluster,          part->index,
                                    part->size, std::move(part->head), std::move(part->bytes)};
  }
  if (const auto* gone = std::get_if<SnapshotGone>(&result)) {
    return error(codec::ErrorCode::kSnapshotGone,
                 gone->newest ? fmt::format("The newest snapshot of this node is that up to entry "
                                            "{}: begin with it from offset 0.",
                                            *gone->newest)
                              : "This node has no snapshot: ask for one with the op snapshot.");
  }
  return error(codec::ErrorCode::kDamaged,
               "A part of the snapshot does not check on the disk of this node, whose log says "
               "which: ask another node, or for a newer snapshot.");
}

codec::ReplyBody reply_to_status(const raft::Status& status, const std::string& cluster) {
  codec::StatusReply reply{.node = status.id,
                           .cluster = cluster,
                           .role = std::string(raft::role_name(status.role)),
                           .term = status.term,
                           .leader = status.leader,
                           .commit_index = status.commit_index,
                           .applied_index = status.applied_index,
                           .first_index = status.first_index,
                           .last_index = status.last_index,
                           .doubt = status.doubt,
                           .members = {},
                           .release = release(),
                           .disk_full = status.disk_space != raft::DiskSpace::kEnough};
  for (const raft::Member& member : status.configuration.members) {
    reply.members.push_back({member.id, member.peer, member.client, member.publish,
                             status.configuration.is_voter(member.id)});
  }
  return reply;
}

codec::ReplyBody reply_to_members(const raft::Status& status) {
  codec::MembersReply reply{status.configuration_index, status.configuration.changing(), {}};
  for (const raft::Member& member : status.configuration.members) {
    reply.members.push_back(describe(member, status));
  }
  return reply;
}

codec::ReplyBody reply_to_completed(RequestKind kind, std::uint64_t number) {
  if (kind == RequestKind::kSnapshot) return codec::SnapshotReply{number};
  return codec::TransferReply{number};
}

codec::ErrorReply refusal(raft::RefusalReason reason, const std::string& detail) {
  return error(code_of(reason), detail.empty() ? std::string(sentence_of(reason)) : detail);
}

codec::ErrorReply refusal_of_expired(RequestKind kind, raft::Milliseconds timeout_ms) {
  switch (kind) {
    case RequestKind::kWrite:
      return error(codec::ErrorCode::kUnknownOutcome,
                   fmt::format("The request was taken, and not finished within {} ms: it may or "
                               "may not take effect.",
                               timeout_ms));
    case RequestKind::kTransfer:
      return error(codec::ErrorCode::kUnknownOutcome,
                   fmt::format("No other leader was seen within {} ms: leadership may or may not "
                               "move.",
                               timeout_ms));
    case RequestKind::kSnapshot:
      return error(
          codec::ErrorCode::kUnknownOutcome,
          fmt::format("The snapshot was not finished within {} ms; it goes on.", timeout_ms));
    case RequestKind::kRead:
      return error(codec::ErrorCode::kNoLeader,
                   fmt::format("No leader confirmed the read within {} ms. Try again, or ask with "
                               "consistency `local`.",
                               timeout_ms));
    case RequestKind::kLocal:
    case RequestKind::kStatus:
    case RequestKind::kMembers:
    case RequestKind::kDebug:
      break;
  }
  return error(
      codec::ErrorCode::kBusy,
      fmt::format("This node was too busy to answer within {} ms. Try again later.", timeout_ms));
}

codec::ErrorReply refusal_at_stop(RequestKind kind) {
  switch (kind) {
    case RequestKind::kWrite:
    case RequestKind::kTransfer:
    case RequestKind::kSnapshot:
      return error(codec::ErrorCode::kUnknownOutcome,
                   "This node is shutting down: the request may or may not take effect.");
    case RequestKind::kRead:
    case RequestKind::kLocal:
    case RequestKind::kStatus:
    case RequestKind::kMembers:
    case RequestKind::kDebug:
      break;
  }
  return error(codec::ErrorCode::kNoLeader, "This node is shutting down. Ask another.");
}

std::string debug_text(const raft::Status& status, const Counters& counters,
                       const std::map<std::string, std::uint64_t>& more) {
  std::string text = fmt::format(
      "node: {}\nrole: {}\nterm: {}\nvoted_for: {}\nleader: {}\ncommit_index: {}\n"
      "applied_index: {}\ndurable_index: {}\nfirst_index: {}\nlast_index: {}\n"
      "snapshot_index: {}\nconfiguration_index: {}\ndoubt_from: {}\n",
      status.id, raft::role_name(status.role), status.term, status.voted_for.value_or(0),
      status.leader.value_or(0), status.commit_index, status.applied_index, status.durable_index,
      status.first_index, status.last_index, status.snapshot_index, status.configuration_index,
      status.doubt.value_or(0));
  for (const raft::Member& member : status.configuration.members) {
    text += fmt::format("member {}: {}, {:#x}, {}\n", member.id,
                        status.configuration.is_voter(member.id) ? "voter" : "learner",
                        member.identity, member.peer);
  }
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
      {"snapshot_parts_dropped", counters.snapshot_parts_dropped},
      {"promises_dropped", counters.promises_dropped},
      {"sends_dropped", counters.sends_dropped},
      {"links_recreated", counters.links_recreated},
      {"broadcasts_dropped", counters.broadcasts_dropped}};
  for (const auto& [name, counter] : counted) {
    text += fmt::format("{}: {}\n", name, counter.value());
  }
  for (const ActorProfile& actor : counters.profile.actors()) {
    text += fmt::format(
        "profile {}: turns {}, messages_in {}, messages_out {}, events {}, turns_ns {}, "
        "zeromq_ns {}, waiting_ns {}\n",
        actor.name, actor.turns.value(), actor.messages_in.value(), actor.messages_out.value(),
        actor.events.value(), actor.turns_ns.value(), actor.zeromq_ns.value(),
        actor.waiting_ns.value());
  }
  for (const auto* table : {&status.counters, &more}) {
    for (const auto& [name, value] : *table) text += fmt::format("{}: {}\n", name, value);
  }
  return text;
}

}  // namespace actors
