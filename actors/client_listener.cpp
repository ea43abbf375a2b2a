#include "actors/client_listener.h"

#include <iterator>
#include <utility>

#include "base/check.h"

namespace actors {
namespace {

// Of an envelope: the number of a REQ, the routing ids that two proxies add, and the empty frame.
constexpr std::size_t kMaxEnvelopeFrames = 4;
// Of one frame of it, as of any routing id.
constexpr std::size_t kMaxEnvelopeFrameBytes = 255;
// Routing id, envelope and body; one more, to tell what has too many.
constexpr std::size_t kMaxFrames = 1 + kMaxEnvelopeFrames + 1 + 1;

using FrameIterator = std::vector<zmq::message_t>::const_iterator;

// Where the body is to begin: after the first empty frame, if that ends an envelope.
FrameIterator end_of_envelope(FrameIterator begin, FrameIterator end) {
  FrameIterator at = begin;
  for (std::size_t taken = 0; at != end && taken < kMaxEnvelopeFrames; ++taken, ++at) {
    // A lone empty frame is an empty request.
    if (at->empty()) return std::next(at) == end ? begin : std::next(at);
    if (at->size() > kMaxEnvelopeFrameBytes) return begin;
  }
  return begin;
}

}  // namespace

ClientListener::ClientListener(zmq::socket_t socket, std::size_t max_bytes, const ActorLog& log)
    : socket_(std::move(socket)),
      port_(ListeningPort::For::kClients, socket_, log),
      limits_{kMaxFrames, max_bytes} {}

std::optional<ClientMessage> ClientListener::receive() {
  const Received received = socket_.receive_message(limits_, frames_);
  if (received == Received::kNothing) return std::nullopt;
  CHECK(!frames_.empty(), "a ROUTER gave a message without a routing id");

  ClientMessage message;
  message.from.routing_id = frames_.front().to_string();
  const auto first = std::next(frames_.cbegin());
  const auto body = end_of_envelope(first, frames_.cend());
  for (auto at = first; at != body; ++at) message.from.envelope.push_back(at->to_string());
  if (received == Received::kMessage && body != frames_.cend() &&
      std::next(body) == frames_.cend()) {
    message.body = frames_.back().to_string_view();
  }
  return message;
}

SendResult ClientListener::reply(const ClientAddress& to, zmq::message_t body) {
  zmq::message_t frame(to.routing_id);
  // ROUTER_MANDATORY: the first frame tells whether the client is there and reads.
  const SendResult addressed = socket_.send(frame, true);
  if (addressed != SendResult::kSent) return addressed;
  for (const std::string& part : to.envelope) {
    frame.rebuild(part.data(), part.size());
    static_cast<void>(socket_.send(frame, true));
  }
  return socket_.send(body, false);
}

}  // namespace actors
