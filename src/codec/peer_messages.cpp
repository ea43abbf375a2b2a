#include "codec/peer_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "codec/peer_kind.h"

namespace codec {
namespace {

constexpr std::size_t kMaxDetailBytes = 1024;

// A place in a log is an index with its term; only the place before the first entry has neither.
void require_place(FieldReader& fields, raft::Index index, raft::Term term) {
  fields.require((index == 0) == (term == 0), "an index of 0 goes with a term of 0, and no other");
}

raft::Message read_pre_vote_request(FieldReader& fields) {
  raft::PreVoteRequest message{.term = fields.position("term"),
                               .proposed_term = fields.positive_position("proposed_term"),
                               .last_log_index = fields.position("last_log_index"),
                               .last_log_term = fields.position("last_log_term")};
  require_place(fields, message.last_log_index, message.last_log_term);
  return message;
}

raft::Message read_pre_vote_reply(FieldReader& fields) {
  return raft::PreVoteReply{.term = fields.position("term"),
                            .proposed_term = fields.positive_position("proposed_term"),
                            .vote_granted = fields.boolean("vote_granted")};
}

raft::Message read_request_vote(FieldReader& fields) {
  raft::RequestVote message{.term = fields.positive_position("term"),
                            .last_log_index = fields.position("last_log_index"),
                            .last_log_term = fields.position("last_log_term"),
                            .transfer = fields.boolean("transfer")};
  require_place(fields, message.last_log_index, message.last_log_term);
  return message;
}

raft::Message read_request_vote_reply(FieldReader& fields) {
  return raft::RequestVoteReply{.term = fields.positive_position("term"),
                                .vote_granted = fields.boolean("vote_granted")};
}

bool follows(const raft::Entry& before, const raft::Entry& next) {
  return next.index == before.index + 1 && next.term >= before.term &&
         next.time_ms() >= before.time_ms() && next.previous_checksum() == before.checksum();
}

// The entries of all frames after the first, in one chain. They share the frames' buffers.
std::vector<raft::Entry> read_entries(FieldReader& fields, const Frames& frames) {
  std::vector<raft::Entry> entries;
  for (std::size_t i = 1; i < frames.size(); ++i) {
    auto run = raft::decode_entries(frames[i]);
    if (!run) {
      fields.fail(fmt::format("in frame {}, {}", i, run.error()));
      return {};
    }
    if (run->empty()) {
      fields.fail(fmt::format("frame {} holds no entry", i));
      return {};
    }
    if (!entries.empty() && !follows(entries.back(), run->front())) {
      fields.fail(fmt::format("entry {} of frame {} does not follow entry {} of the frame before",
                              run->front().index, i, entries.back().index));
      return {};
    }
    if (entries.empty()) {
      entries = std::move(*run);
    } else {
      std::move(run->begin(), run->end(), std::back_inserter(entries));
    }
  }
  return entries;
}

raft::Message read_append_entries(FieldReader& fields, const Frames& frames) {
  raft::AppendEntries message{.term = fields.positive_position("term"),
                              .prev_log_index = fields.position("prev_log_index"),
                              .prev_log_term = fields.position("prev_log_term"),
                              .leader_commit = fields.position("leader_commit"),
                              .entries = {}};
  require_place(fields, message.prev_log_index, message.prev_log_term);
  message.entries = read_entries(fields, frames);
  if (message.entries.empty()) return message;

  const raft::Entry& first = message.entries.front();
  const raft::Entry& last = message.entries.back();
  fields.require(first.index == message.prev_log_index + 1 && first.term >= message.prev_log_term,
                 "the first entry does not follow prev_log_index and prev_log_term");
  fields.require(first.index != 1 || first.previous_checksum() == 0,
                 "entry 1 names an entry before it");
  fields.require(last.index <= kMaxPosition && last.term <= message.term,
                 "the last entry is of a later term than the message, or beyond every index");
  return message;
}

raft::Message read_append_entries_accepted(FieldReader& fields) {
  return raft::AppendEntriesAccepted{.term = fields.positive_position("term"),
                                     .match_index = fields.position("match_index")};
}

raft::Message read_append_entries_rejected(FieldReader& fields) {
  return raft::AppendEntriesRejected{.term = fields.positive_position("term"),
                                     .prev_log_index = fields.position("prev_log_index"),
                                     .hint_index = fields.position("hint_index"),
                                     .hint_term = fields.position("hint_term")};
}

raft::Message read_heartbeat(FieldReader& fields) {
  return raft::Heartbeat{.term = fields.positive_position("term"),
                         .commit_index = fields.position("commit_index"),
                         .read_round = fields.any_number("read_round")};
}

raft::Message read_commit_advanced(FieldReader& fields) {
  return raft::CommitAdvanced{.term = fields.positive_position("term"),
                              .commit_index = fields.position("commit_index")};
}

raft::Message read_heartbeat_reply(FieldReader& fields) {
  return raft::HeartbeatReply{.term = fields.positive_position("term"),
                              .read_round = fields.any_number("read_round"),
                              .last_log_index = fields.position("last_log_index")};
}

raft::Message read_forward_commands(FieldReader& fields, const Frames& frames) {
  raft::ForwardCommands message{.term = fields.positive_position("term"), .commands = {}};
  const auto pairs = fields.list_of_pairs("commands");
  if (frames.size() != 2) {
    fields.fail("the commands are not in one frame");
    return message;
  }
  const base::SharedBytes& body = frames[1];
  std::size_t offset = 0;
  message.commands.reserve(pairs.size() / 2);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    const std::uint64_t length = pairs[i + 1];
    if (length > body.size() - offset) break;
    message.commands.push_back({pairs[i], body.part(offset, length)});
    offset += length;
  }
  fields.require(message.commands.size() == pairs.size() / 2 && offset == body.size(),
                 "the lengths of the commands do not add up to their frame");
  return message;
}

raft::Message read_forward_commands_reply(FieldReader& fields) {
  raft::ForwardCommandsReply message{.term = fields.positive_position("term"),
                                     .accepted = {},
                                     .refused_busy = {},
                                     .passed_back = {}};
  const auto pairs = fields.list_of_pairs("accepted");
  message.accepted.reserve(pairs.size() / 2);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    fields.require(pairs[i + 1] >= 1 && pairs[i + 1] <= kMaxPosition,
                   "an index in the field accepted is 0 or beyond every index");
    message.accepted.push_back({pairs[i], pairs[i + 1]});
  }
  const auto busy = fields.list("refused_busy");
  message.refused_busy.assign(busy.begin(), busy.end());
  const auto back = fields.list("passed_back");
  message.passed_back.assign(back.begin(), back.end());
  return message;
}

raft::Message read_read_index_request(FieldReader& fields) {
  return raft::ReadIndexRequest{.term = fields.positive_position("term"),
                                .round = fields.any_number("round")};
}

raft::Message read_read_index_reply(FieldReader& fields) {
  return raft::ReadIndexReply{.term = fields.positive_position("term"),
                              .round = fields.any_number("round"),
                              .read_index = fields.optional_position("read_index")};
}

raft::Message read_timeout_now(FieldReader& fields) {
  return raft::TimeoutNow{.term = fields.positive_position("term")};
}

raft::Message read_install_snapshot(FieldReader& fields, const Frames& frames) {
  raft::InstallSnapshot message{.term = fields.positive_position("term"),
                                .head = {.last = {.index = fields.positive_position("index"),
                                                  .term = fields.positive_position("last_term"),
                                                  .checksum = fields.any_number("checksum"),
                                                  .time_ms = fields.position("time")},
                                         .configuration = {},
                                         .size = fields.position("size"),
                                         .content_checksum = fields.any_number("content_checksum"),
                                         .blocks = fields.position("blocks")},
                                .offset = fields.position("offset"),
                                .bytes = {}};
  fields.require(frames.size() == 3, "a part of a snapshot is not in three frames");
  if (frames.size() != 3) return message;
  auto configuration = raft::decode_configuration(frames[1].span());
  if (!configuration) {
    fields.fail(configuration.error());
    return message;
  }
  message.head.configuration = std::move(*configuration);
  message.bytes = frames[2];
  const bool possible = message.head.is_possible();
  fields.require(possible, "the size of a snapshot does not go with its number of blocks");
  const std::uint64_t size = possible ? message.head.transfer_size() : 0;
  fields.require(message.offset <= size && message.bytes.size() <= size - message.offset,
                 "a part of a snapshot reaches beyond its size");
  fields.require(message.head.last.term <= message.term,
                 "a snapshot ends in a later term than the message");
  return message;
}

raft::Message read_install_snapshot_reply(FieldReader& fields) {
  return raft::InstallSnapshotReply{.term = fields.positive_position("term"),
                                    .snapshot_index = fields.positive_position("snapshot_index"),
                                    .demand = {.next_offset = fields.position("next_offset"),
                                               .wanted = fields.position("wanted"),
                                               .to_copy = fields.position("to_copy")}};
}

std::vector<raft::NodeId> read_nodes(FieldReader& fields, std::string_view name) {
  const auto numbers = fields.list(name);
  if (numbers.size() > raft::kMaxMembers) {
    fields.fail(fmt::format("the field {} names more than {} nodes", name, raft::kMaxMembers));
    return {};
  }
  return {numbers.begin(), numbers.end()};
}

std::vector<raft::Member> read_members(FieldReader& fields, const base::SharedBytes& frame) {
  auto members = raft::decode_members(frame.span());
  if (!members) {
    fields.fail(members.error());
    return {};
  }
  for (const raft::Member& member : *members) fields.require(member.id != 0, "a member with id 0");
  return std::move(*members);
}

raft::Message read_forward_change(FieldReader& fields, const Frames& frames) {
  raft::ForwardChange message{.term = fields.positive_position("term"),
                              .request = fields.any_number("request"),
                              .change = {}};
  message.change.promote = read_nodes(fields, "promote");
  message.change.remove = read_nodes(fields, "remove");
  fields.require(frames.size() == 3, "a change of members is not in three frames");
  if (frames.size() != 3) return message;
  message.change.add_voters = read_members(fields, frames[1]);
  message.change.add_learners = read_members(fields, frames[2]);
  return message;
}

raft::RefusalReason read_reason(FieldReader& fields) {
  const std::uint64_t reason = fields.any_number("reason");
  fields.require(reason <= static_cast<std::uint64_t>(raft::RefusalReason::kDiskFull),
                 "the field reason is unknown");
  return static_cast<raft::RefusalReason>(reason & 0xff);
}

raft::Message read_forward_change_reply(FieldReader& fields) {
  return raft::ForwardChangeReply{.term = fields.positive_position("term"),
                                  .request = fields.any_number("request"),
                                  .index = fields.optional_position("index"),
                                  .reason = read_reason(fields),
                                  .detail = fields.text("detail", kMaxDetailBytes)};
}

raft::Message read_forward_transfer(FieldReader& fields) {
  return raft::ForwardTransfer{.term = fields.positive_position("term"),
                               .request = fields.any_number("request"),
                               .target = fields.optional_position("target")};
}

raft::Message read_forward_transfer_reply(FieldReader& fields) {
  return raft::ForwardTransferReply{.term = fields.positive_position("term"),
                                    .request = fields.any_number("request"),
                                    .reason = read_reason(fields),
                                    .detail = fields.text("detail", kMaxDetailBytes)};
}

raft::Message read_disk_space_report(FieldReader& fields) {
  const raft::Term term = fields.positive_position("term");
  const std::uint64_t space = fields.any_number("space");
  fields.require(space <= static_cast<std::uint64_t>(raft::DiskSpace::kFull),
                 "the field space is unknown");
  return raft::DiskSpaceReport{term, static_cast<raft::DiskSpace>(space & 0xff)};
}

raft::Message read_forward_commands_refused(FieldReader& fields) {
  raft::ForwardCommandsRefused message{.term = fields.positive_position("term"),
                                       .requests = {},
                                       .reason = read_reason(fields),
                                       .detail = fields.text("detail", kMaxDetailBytes)};
  const auto requests = fields.list("requests");
  message.requests.assign(requests.begin(), requests.end());
  return message;
}

// Who it is about stands in the envelope.
raft::Message read_hello(FieldReader& fields, const raft::Peer& from) {
  raft::Hello message{.term = fields.position("term"), .self = {}};
  message.self.id = from.id;
  message.self.identity = from.identity;
  const std::uint64_t priority = fields.any_number("priority");
  fields.require(priority <= UINT32_MAX, "the field priority is too large");
  message.self.priority = static_cast<std::uint32_t>(priority);
  message.self.peer = fields.text("peer", raft::kMaxEndpointBytes);
  message.self.client = fields.text("client", raft::kMaxEndpointBytes);
  message.self.publish = fields.text("publish", raft::kMaxEndpointBytes);
  message.asks = fields.boolean("asks");
  message.founding = fields.boolean("founding");
  return message;
}

raft::Message read_repair_request(FieldReader& fields) {
  return raft::RepairRequest{.term = fields.positive_position("term"),
                             .nonce = fields.any_number("nonce"),
                             .last_index = fields.position("last_index")};
}

raft::Message read_repair_reply(FieldReader& fields) {
  return raft::RepairReply{.term = fields.positive_position("term"),
                           .nonce = fields.any_number("nonce"),
                           .last_index = fields.position("last_index")};
}

}  // namespace

raft::Message read_message(std::uint64_t kind, const raft::Peer& from, FieldReader& fields,
                           const Frames& frames) {
  switch (static_cast<PeerKind>(kind)) {
    case PeerKind::kPreVoteRequest:
      return read_pre_vote_request(fields);
    case PeerKind::kPreVoteReply:
      return read_pre_vote_reply(fields);
    case PeerKind::kRequestVote:
      return read_request_vote(fields);
    case PeerKind::kRequestVoteReply:
      return read_request_vote_reply(fields);
    case PeerKind::kAppendEntries:
      return read_append_entries(fields, frames);
    case PeerKind::kAppendEntriesAccepted:
      return read_append_entries_accepted(fields);
    case PeerKind::kAppendEntriesRejected:
      return read_append_entries_rejected(fields);
    case PeerKind::kHeartbeat:
      return read_heartbeat(fields);
    case PeerKind::kHeartbeatReply:
      return read_heartbeat_reply(fields);
    case PeerKind::kForwardCommands:
      return read_forward_commands(fields, frames);
    case PeerKind::kForwardCommandsReply:
      return read_forward_commands_reply(fields);
    case PeerKind::kReadIndexRequest:
      return read_read_index_request(fields);
    case PeerKind::kReadIndexReply:
      return read_read_index_reply(fields);
    case PeerKind::kTimeoutNow:
      return read_timeout_now(fields);
    case PeerKind::kInstallSnapshot:
      return read_install_snapshot(fields, frames);
    case PeerKind::kInstallSnapshotReply:
      return read_install_snapshot_reply(fields);
    case PeerKind::kForwardChange:
      return read_forward_change(fields, frames);
    case PeerKind::kForwardChangeReply:
      return read_forward_change_reply(fields);
    case PeerKind::kForwardTransfer:
      return read_forward_transfer(fields);
    case PeerKind::kForwardTransferReply:
      return read_forward_transfer_reply(fields);
    case PeerKind::kHello:
      return read_hello(fields, from);
    case PeerKind::kRepairRequest:
      return read_repair_request(fields);
    case PeerKind::kRepairReply:
      return read_repair_reply(fields);
    case PeerKind::kDiskSpaceReport:
      return read_disk_space_report(fields);
    case PeerKind::kForwardCommandsRefused:
      return read_forward_commands_refused(fields);
    case PeerKind::kCommitAdvanced:
      return read_commit_advanced(fields);
  }
  fields.fail(fmt::format("the kind {} is unknown", kind));
  return {};
}

}  // namespace codec
