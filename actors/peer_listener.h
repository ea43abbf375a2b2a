// PeerListener: the ROUTER for peers, between frames and messages. Nothing is sent here: what is
// said to a peer leaves through outbound_dispatcher. Part of socket_server.
#pragma once

#include <optional>
#include <variant>
#include <vector>
#include <zmq.hpp>

#include "actors/input.h"
#include "actors/listening_port.h"
#include "codec/peer_codec.h"

namespace actors {

class PeerListener {
 public:
  // `socket`: a bound ROUTER.
  PeerListener(zmq::socket_t socket, codec::PeerIdentity self, codec::PeerLimits limits,
               const ActorLog& log);

  // None where nothing waits.
  [[nodiscard]] std::optional<std::variant<codec::PeerMessage, codec::Refusal>> receive();

  void on_tick() { port_.look(socket_); }
  // The last call.
  void close() { socket_.close(); }

  [[nodiscard]] InputSocket& input() { return socket_; }

 private:
  InputSocket socket_;
  ListeningPort port_;
  codec::PeerIdentity self_;
  codec::PeerLimits limits_;
  std::vector<zmq::message_t> frames_;  // of the message at hand
};

}  // namespace actors
