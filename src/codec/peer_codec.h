// Messages between nodes, to frames and back (docs/protocol.md, "Peers"). The first frame is a
// MessagePack array: protocol version, cluster, sender, receiver, kind, the identities of both,
// then the fields of the kind in order; more frames carry entries, commands and parts of snapshots
// as they are, so that nothing is copied. Bytes from outside: decoding never throws, never reserves
// more than the frames hold.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "codec/frames.h"
#include "raft/messages.h"

namespace codec {

inline constexpr std::uint32_t kPeerProtocol = 2;

// Who this node is in which cluster: written into every message, compared with every message.
struct PeerIdentity {
  std::string cluster;
  raft::NodeId node;
  raft::Identity identity = 0;  // of its data directory
};

struct PeerMessage {
  raft::Peer from;
  raft::Message message;
  raft::Identity addressed;  // this node's own, but in a Hello
};

// Limits on what is accepted; beyond them a message is refused. A first frame is taken up to 4 MiB:
// about 250 000 commands in one ForwardCommands.
struct PeerLimits {
  std::size_t max_frames = 1024;
  std::size_t max_bytes = 64 << 20;  // of all frames together
};

enum class PeerRefusal : std::uint8_t {
  kMalformed,  // not the layout of docs/protocol.md, or over a limit
  kOtherProtocol,
  kOtherCluster,
  kOtherReceiver,
  kOtherIdentity,  // meant for another data directory than this node has
  kOwnMessage,     // the sender is the receiver: a socket connected to itself
};
[[nodiscard]] std::string_view refusal_name(PeerRefusal refusal);

struct Refusal {
  PeerRefusal reason;
  std::string detail;  // a sentence for the log
};

[[nodiscard]] Frames encode_peer_message(const PeerIdentity& from, const raft::Peer& to,
                                         const raft::Message& message);
[[nodiscard]] std::variant<PeerMessage, Refusal> decode_peer_message(const PeerIdentity& self,
                                                                     const PeerLimits& limits,
                                                                     const Frames& frames);

}  // namespace codec
