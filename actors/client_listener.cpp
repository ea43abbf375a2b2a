#include "actors/client_listener.h"

#include <utility>

#include "base/check.h"

namespace actors {
namespace {

// Routing id, delimiter and body make three; one more, to tell what has too many.
constexpr std::size_t kMaxFrames = 4;

}  // namespace

ClientListener::ClientListener(zmq::socket_t socket, std::size_t max_bytes)
    : socket_(std::move(socket)), limits_{kMaxFrames, max_bytes} {}

std::optional<ClientMessage> ClientListener::receive() {
  const Received received = receive_message(socket_, limits_, frames_);
  if (received == Received::kNothing) return std::nullopt;
  CHECK(!frames_.empty(), "a ROUTER gave a message without a routing id");

  ClientMessage message;
  message.from.routing_id = frames_.front().to_string();
  message.from.delimiter = frames_.size() >= 3 && frames_[1].empty();
  const std::size_t frames_of_request = message.from.delimiter ? 3 : 2;
  if (received == Received::kMessage && frames_.size() == frames_of_request) {
    message.body = std::move(frames_.back());
  }
  return message;
}

SendResult ClientListener::reply(const ClientAddress& to, const base::SharedBytes& body) {
  zmq::message_t frame(to.routing_id);
  // ROUTER_MANDATORY: the first frame tells whether the client is there and reads.
  const SendResult addressed = send_frame(socket_, frame, true);
  if (addressed != SendResult::kSent) return addressed;
  if (to.delimiter) {
    frame.rebuild();
    static_cast<void>(send_frame(socket_, frame, true));
  }
  frame = to_frame(body);
  return send_frame(socket_, frame, false);
}

}  // namespace actors
