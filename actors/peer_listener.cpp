#include "actors/peer_listener.h"

#include <utility>

namespace actors {

PeerListener::PeerListener(zmq::socket_t socket, codec::PeerIdentity self, codec::PeerLimits limits,
                           const ActorLog& log)
    : socket_(std::move(socket)),
      port_(ListeningPort::For::kPeers, socket_, log),
      self_(std::move(self)),
      limits_(limits) {}

std::optional<std::variant<codec::PeerMessage, codec::Refusal>> PeerListener::receive() {
  const MessageLimits limits{limits_.max_frames + 1, limits_.max_bytes};  // and the routing id
  switch (socket_.receive_message(limits, frames_)) {
    case Received::kNothing:
      return std::nullopt;
    case Received::kOverLimits:
      return codec::Refusal{codec::PeerRefusal::kMalformed,
                            "more frames or bytes than a message has"};
    case Received::kMessage:
      break;
  }
  codec::Frames frames;
  frames.reserve(frames_.size() - 1);
  for (std::size_t i = 1; i < frames_.size(); ++i)
    frames.push_back(to_bytes(std::move(frames_[i])));
  auto decoded = codec::decode_peer_message(self_, limits_, frames);
  return decoded;
}

}  // namespace actors
