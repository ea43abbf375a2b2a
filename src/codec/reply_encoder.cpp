#include "codec/client_codec.h"
#include "codec/message_pack.h"

namespace codec {
namespace {

constexpr std::string_view kNil = "\xc0";

// Fields of a reply beyond `id`, `ok` and the hint, and about how many bytes they take.
struct Shape {
  std::size_t fields;
  std::size_t bytes = 64;
};

Shape shape_of(const SetReply& reply) { return {reply.repeated ? 3U : 2U}; }
Shape shape_of(const DeleteReply& reply) { return {reply.repeated ? 3U : 2U}; }
Shape shape_of(const PublishReply& reply) { return {reply.repeated ? 3U : 2U}; }
Shape shape_of(const GetReply& reply) {
  if (!reply.found) return {1};
  return {4, 64 + reply.found->value.size()};
}
Shape shape_of(const ReplayReply& reply) {
  std::size_t bytes = 64;
  for (const auto& each : reply.broadcasts) {
    bytes += 16 + each.topic.size() + each.header.size() + each.payload.size();
  }
  return {2, bytes};
}
Shape shape_of(const StatusReply&) { return {14, 512}; }
Shape shape_of(const DebugReply& reply) { return {1, 64 + reply.text.size()}; }
Shape shape_of(const MembersReply& reply) { return {3, 64 + 256 * reply.members.size()}; }
Shape shape_of(const ChangeReply&) { return {1}; }
Shape shape_of(const TransferReply&) { return {1}; }
Shape shape_of(const SnapshotReply&) { return {1}; }
Shape shape_of(const SnapshotReadReply& reply) {
  return {6, 128 + reply.cluster.size() + reply.head.size() + reply.bytes.size()};
}
Shape shape_of(const SessionOpenReply&) { return {2}; }
Shape shape_of(const SessionCloseReply&) { return {2}; }
Shape shape_of(const ErrorReply& reply) { return {1, 128 + reply.message.size()}; }

void write_optional(Writer& writer, std::string_view key, std::optional<std::uint64_t> value) {
  writer.text(key);
  if (value) {
    writer.number(*value);
  } else {
    writer.nil();
  }
}

// Only where it is true: most replies do without it.
void write_repeated(Writer& writer, bool repeated) {
  if (repeated) writer.boolean("repeated", true);
}

void write_fields(Writer& writer, const SetReply& reply) {
  writer.number("index", reply.index);
  writer.number("version", reply.version);
  write_repeated(writer, reply.repeated);
}

void write_fields(Writer& writer, const DeleteReply& reply) {
  writer.number("index", reply.index);
  writer.boolean("found", reply.found);
  write_repeated(writer, reply.repeated);
}

void write_fields(Writer& writer, const PublishReply& reply) {
  writer.number("index", reply.index);
  writer.number("seq", reply.seq);
  write_repeated(writer, reply.repeated);
}

void write_fields(Writer& writer, const GetReply& reply) {
  writer.boolean("found", reply.found.has_value());
  if (!reply.found) return;
  writer.text("value");
  writer.bytes(reply.found->value);
  writer.number("version", reply.found->version);
  writer.number("index", reply.found->index);
}

void write_fields(Writer& writer, const ReplayReply& reply) {
  writer.text("broadcasts");
  writer.array(reply.broadcasts.size());
  for (const auto& each : reply.broadcasts) {
    writer.array(3);
    writer.bytes(each.topic);
    writer.encoded(each.header);
    writer.bytes(each.payload.view());
  }
  writer.number("complete_to", reply.complete_to);
}

void write_member(Writer& writer, const MemberStatus& member) {
  writer.map(5);
  writer.number("id", member.id);
  writer.text("peer", member.peer);
  writer.text("client", member.client);
  writer.text("publish", member.publish);
  writer.boolean("voter", member.voter);
}

void write_fields(Writer& writer, const StatusReply& reply) {
  writer.number("node", reply.node);
  writer.text("cluster", reply.cluster);
  writer.text("role", reply.role);
  writer.number("term", reply.term);
  write_optional(writer, "leader", reply.leader);
  writer.number("commit_index", reply.commit_index);
  writer.number("applied_index", reply.applied_index);
  writer.number("first_index", reply.first_index);
  writer.number("last_index", reply.last_index);
  write_optional(writer, "doubt", reply.doubt);
  writer.text("members");
  writer.array(reply.members.size());
  for (const auto& member : reply.members) write_member(writer, member);
  writer.number("protocol", kClientProtocol);
  writer.text("release", reply.release);
  writer.boolean("disk_full", reply.disk_full);
}

void write_fields(Writer& writer, const DebugReply& reply) { writer.text("text", reply.text); }

void write_member(Writer& writer, const MembersReply::Member& member) {
  writer.map(9);
  writer.number("id", member.id);
  writer.number("identity", member.identity);
  writer.number("priority", member.priority);
  writer.text("peer", member.peer);
  writer.text("client", member.client);
  writer.text("publish", member.publish);
  writer.boolean("voter", member.voter);
  writer.boolean("promoting", member.promoting);
  write_optional(writer, "match_index", member.match_index);
}

void write_fields(Writer& writer, const MembersReply& reply) {
  writer.number("index", reply.index);
  writer.boolean("changing", reply.changing);
  writer.text("members");
  writer.array(reply.members.size());
  for (const auto& member : reply.members) write_member(writer, member);
}

void write_fields(Writer& writer, const ChangeReply& reply) { writer.number("index", reply.index); }

void write_fields(Writer& writer, const TransferReply& reply) { writer.number("node", reply.node); }

void write_fields(Writer& writer, const SnapshotReply& reply) {
  writer.number("index", reply.index);
}

void write_fields(Writer& writer, const SnapshotReadReply& reply) {
  writer.number("node", reply.node);
  writer.text("cluster", reply.cluster);
  writer.number("index", reply.index);
  writer.number("size", reply.size);
  writer.text("head");
  writer.bytes({reinterpret_cast<const char*>(reply.head.data()), reply.head.size()});
  writer.text("bytes");
  writer.bytes(reply.bytes.view());
}

void write_fields(Writer& writer, const SessionOpenReply& reply) {
  writer.number("session", reply.session);
  writer.number("index", reply.index);
}

void write_fields(Writer& writer, const SessionCloseReply& reply) {
  writer.number("index", reply.index);
  writer.boolean("found", reply.found);
}

void write_fields(Writer& writer, const ErrorReply& reply) {
  writer.text("error");
  writer.map(reply.first_index ? 3 : 2);
  writer.text("code", error_code_name(reply.code));
  writer.text("message", reply.message);
  if (reply.first_index) writer.number("first_index", *reply.first_index);
}

std::string encode_change_header(std::string_view operation, std::uint64_t index,
                                 std::uint64_t term, std::uint64_t version) {
  std::string header;
  header.reserve(64);
  Writer writer(header);
  writer.map(4);
  writer.number("index", index);
  writer.number("term", term);
  writer.text("op", operation);
  writer.number("version", version);
  return header;
}

}  // namespace

std::string_view error_code_name(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadRequest:
      return "bad_request";
    case ErrorCode::kUnknownOperation:
      return "unknown_op";
    case ErrorCode::kNoLeader:
      return "no_leader";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kUnknownOutcome:
      return "unknown_outcome";
    case ErrorCode::kTooLarge:
      return "too_large";
    case ErrorCode::kCompacted:
      return "compacted";
    case ErrorCode::kSessionExpired:
      return "session_expired";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kSnapshotGone:
      return "snapshot_gone";
    case ErrorCode::kDamaged:
      return "damaged";
    case ErrorCode::kDiskFull:
      return "disk_full";
  }
  return "unknown";
}

std::string encode_reply(const RequestId& id, const ReplyBody& body,
                         const std::optional<LeaderHint>& leader) {
  const Shape shape = std::visit([](const auto& each) { return shape_of(each); }, body);
  // A status has a `leader` of its own, the id alone; a map does not take one key twice.
  const bool hint = leader && !std::holds_alternative<StatusReply>(body);

  std::string text;
  text.reserve(id.size() + shape.bytes + (hint ? 32 + leader->client.size() : 0));
  Writer writer(text);
  writer.map(2 + shape.fields + (hint ? 1 : 0));
  writer.text("id");
  writer.encoded(id.empty() ? kNil : std::string_view(id));
  writer.boolean("ok", !std::holds_alternative<ErrorReply>(body));
  std::visit([&](const auto& each) { write_fields(writer, each); }, body);
  if (hint) {
    writer.text("leader");
    writer.map(2);
    writer.number("id", leader->id);
    writer.text("client", leader->client);
  }
  return text;
}

std::string encode_set_header(std::uint64_t index, std::uint64_t term, std::uint64_t version) {
  return encode_change_header("set", index, term, version);
}

std::string encode_delete_header(std::uint64_t index, std::uint64_t term, std::uint64_t version) {
  return encode_change_header("delete", index, term, version);
}

std::string encode_publish_header(std::uint64_t index, std::uint64_t term, std::uint64_t seq) {
  std::string header;
  header.reserve(48);
  Writer writer(header);
  writer.map(3);
  writer.number("index", index);
  writer.number("term", term);
  writer.number("seq", seq);
  return header;
}

std::string encode_status_header(const StatusBroadcast& status) {
  std::string header;
  header.reserve(128);
  Writer writer(header);
  writer.map(7);
  writer.number("node", status.node);
  writer.text("role", status.role);
  writer.number("term", status.term);
  write_optional(writer, "leader", status.leader);
  writer.number("commit_index", status.commit_index);
  writer.number("applied_index", status.applied_index);
  writer.number("first_index", status.first_index);
  return header;
}

}  // namespace codec
