// ClientListener: the ROUTER for clients, between frames and requests' bytes. Part of
// socket_server.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "actors/input.h"
#include "actors/listening_port.h"

namespace actors {

// Where a reply goes.
struct ClientAddress {
  std::string routing_id;
  // The frames before a request, up to and with the first empty one: they go before the reply
  // too. None of a DEALER; of a REQ the empty frame, and before it a number with REQ_CORRELATE.
  std::vector<std::string> envelope;
};

struct ClientMessage {
  ClientAddress from;
  // Lasts until the next message. None: not one frame after the envelope, or over the limits.
  std::optional<std::string_view> body;
};

class ClientListener {
 public:
  // `socket`: a bound ROUTER. `max_bytes`: of a message.
  ClientListener(zmq::socket_t socket, std::size_t max_bytes, const ActorLog& log);

  [[nodiscard]] std::optional<ClientMessage> receive();
  // Never waits; a reply that cannot leave is lost.
  [[nodiscard]] SendResult reply(const ClientAddress& to, zmq::message_t body);

  void on_tick() { port_.look(socket_); }
  // The last call: the replies still leave.
  void close() { socket_.close(); }

  [[nodiscard]] InputSocket& input() { return socket_; }

 private:
  InputSocket socket_;
  ListeningPort port_;
  MessageLimits limits_;
  std::vector<zmq::message_t> frames_;  // of the message at hand
};

}  // namespace actors
