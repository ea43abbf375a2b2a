#include <fmt/format.h>

#include "codec/peer_codec.h"
#include "codec/peer_header.h"
#include "codec/peer_kind.h"
#include "codec/peer_messages.h"
#include "codec/printable.h"

namespace codec {
namespace {

using Type = HeaderField::Type;

// Positions in the first frame.
constexpr std::size_t kProtocolAt = 0;
constexpr std::size_t kClusterAt = 1;
constexpr std::size_t kFromAt = 2;
constexpr std::size_t kToAt = 3;
constexpr std::size_t kKindAt = 4;
constexpr std::size_t kFromIdentityAt = 5;
constexpr std::size_t kToIdentityAt = 6;
constexpr std::size_t kFieldsAt = 7;

constexpr std::size_t kPrintedClusterBytes = 64;

Refusal malformed(std::string detail) { return {PeerRefusal::kMalformed, std::move(detail)}; }

bool is_kind(std::uint64_t kind, PeerKind expected) {
  return kind == static_cast<std::uint64_t>(expected);
}

bool carries_frames(std::uint64_t kind) {
  return is_kind(kind, PeerKind::kAppendEntries) || is_kind(kind, PeerKind::kForwardCommands) ||
         is_kind(kind, PeerKind::kInstallSnapshot) || is_kind(kind, PeerKind::kForwardChange);
}

std::optional<Refusal> check_limits(const PeerLimits& limits, const Frames& frames) {
  if (frames.empty()) return malformed("a message without frames");
  if (frames.size() > limits.max_frames) {
    return malformed(
        fmt::format("{} frames, at most {} are taken", frames.size(), limits.max_frames));
  }
  if (frames[0].size() > kMaxHeaderBytes) {
    return malformed(fmt::format("a first frame of {} bytes, at most {} are taken",
                                 frames[0].size(), kMaxHeaderBytes));
  }
  std::size_t total = 0;
  for (const auto& frame : frames) total += frame.size();
  if (total > limits.max_bytes) {
    return malformed(fmt::format("{} bytes, at most {} are taken", total, limits.max_bytes));
  }
  return std::nullopt;
}

bool holds(const PeerHeader& header, std::size_t position, Type type) {
  return header.size() > position && header.at(position).type == type;
}

std::optional<Refusal> check_protocol(const PeerHeader& header) {
  if (holds(header, kProtocolAt, Type::kNegative)) {
    return Refusal{PeerRefusal::kOtherProtocol, "a negative protocol version"};
  }
  if (!holds(header, kProtocolAt, Type::kNumber)) {
    return malformed("the first frame is not an array that starts with a protocol version");
  }
  const std::uint64_t protocol = header.at(kProtocolAt).number;
  if (protocol == kPeerProtocol) return std::nullopt;
  return Refusal{PeerRefusal::kOtherProtocol,
                 fmt::format("the sender speaks version {} of the peer protocol, this node {}",
                             protocol, kPeerProtocol)};
}

// In this order, so that each refusal is named after its cause.
std::optional<Refusal> check_envelope(const PeerIdentity& self, const PeerHeader& header) {
  if (auto refusal = check_protocol(header)) return refusal;
  if (!holds(header, kClusterAt, Type::kText)) return malformed("the cluster is not a string");
  const std::string_view cluster = header.at(kClusterAt).text;
  if (cluster != self.cluster) {
    return Refusal{PeerRefusal::kOtherCluster,
                   fmt::format("the sender belongs to the cluster '{}', this node to '{}'",
                               printable(cluster, kPrintedClusterBytes), self.cluster)};
  }
  if (!holds(header, kFromAt, Type::kNumber) || header.at(kFromAt).number == 0) {
    return malformed("the sender is not a node id");
  }
  if (!holds(header, kToAt, Type::kNumber) || header.at(kToAt).number == 0) {
    return malformed("the receiver is not a node id");
  }
  const raft::NodeId from = header.at(kFromAt).number;
  const raft::NodeId to = header.at(kToAt).number;
  if (to != self.node) {
    return Refusal{PeerRefusal::kOtherReceiver,
                   fmt::format("node {} wrote to node {}, this is node {}; check the peer "
                               "endpoints in the settings",
                               from, to, self.node)};
  }
  if (from == self.node) {
    return Refusal{PeerRefusal::kOwnMessage,
                   fmt::format("node {} received what it sent: a socket is connected to itself, "
                               "or two nodes have this id",
                               self.node)};
  }
  return std::nullopt;
}

}  // namespace

std::string_view refusal_name(PeerRefusal refusal) {
  switch (refusal) {
    case PeerRefusal::kMalformed:
      return "malformed";
    case PeerRefusal::kOtherProtocol:
      return "other_protocol";
    case PeerRefusal::kOtherCluster:
      return "other_cluster";
    case PeerRefusal::kOtherReceiver:
      return "other_receiver";
    case PeerRefusal::kOtherIdentity:
      return "other_identity";
    case PeerRefusal::kOwnMessage:
      return "own_message";
  }
  return "unknown";
}

std::variant<PeerMessage, Refusal> decode_peer_message(const PeerIdentity& self,
                                                       const PeerLimits& limits,
                                                       const Frames& frames) {
  if (auto refusal = check_limits(limits, frames)) return std::move(*refusal);
  const PeerHeader header(frames[0].view());
  if (auto refusal = check_envelope(self, header)) return std::move(*refusal);
  if (!header.complete()) {
    return malformed("the first frame is not one array of numbers, booleans, nils and lists");
  }
  for (const std::size_t at : {kKindAt, kFromIdentityAt, kToIdentityAt}) {
    if (!holds(header, at, Type::kNumber)) {
      return malformed("the kind or an identity is not a number");
    }
  }
  const std::uint64_t kind = header.at(kKindAt).number;
  const raft::Peer from{header.at(kFromAt).number, header.at(kFromIdentityAt).number};
  const raft::Identity addressed = header.at(kToIdentityAt).number;
  if (addressed != self.identity && !is_kind(kind, PeerKind::kHello)) {
    return Refusal{
        PeerRefusal::kOtherIdentity,
        fmt::format("node {} wrote to data directory {:016x} of node {}, which has {:016x}",
                    from.id, addressed, self.node, self.identity)};
  }
  if (frames.size() > 1 && !carries_frames(kind)) {
    return malformed(fmt::format("a message of kind {} in {} frames", kind, frames.size()));
  }
  FieldReader fields(header, kFieldsAt);
  raft::Message message = read_message(kind, from, fields, frames);
  if (const std::string& defect = fields.finish(); !defect.empty()) {
    return malformed(
        fmt::format("kind {} from node {}: {}", kind, header.at(kFromAt).number, defect));
  }
  return PeerMessage{from, std::move(message), addressed};
}

}  // namespace codec
