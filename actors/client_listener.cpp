#include "actors/client_listener.h"

#include <utility>

#include "base/check.h"

namespace actors {
namespace {

// A routing id, an envelope, a body; one more, to tell what has too many.
constexpr std::size_t kMaxEnvelopeFrames = 4;
constexpr std::size_t kMaxFrames = 1 + kMaxEnvelopeFrames + 1 + 1;
// Of one frame of an envelope: it is kept as long as the request is, and a routing id, the
// longest that a socket adds, has at most 255.
constexpr std::size_t kMaxEnvelopeFrameBytes = 255;

// All frames between routing id and body, where the last is empty: the envelope of ZeroMQ's
// request-reply (RFC 28). Nothing where it is not one.
std::optional<std::vector<std::string>> envelope_of(const std::vector<zmq::message_t>& frames) {
  std::vector<std::string> envelope;
  for (std::size_t i = 1; i + 1 < frames.size(); ++i) {
    if (frames[i].size() > kMaxEnvelopeFrameBytes) return std::nullopt;
    envelope.push_back(frames[i].to_string());
  }
  if (!envelope.empty() && !envelope.back().empty()) return std::nullopt;
  return envelope;
}

}  // namespace

ClientListener::ClientListener(zmq::socket_t socket, std::size_t max_bytes)
    : socket_(std::move(socket)), limits_{kMaxFrames, max_bytes} {}

std::optional<ClientMessage> ClientListener::receive() {
  const Received received = receive_message(socket_, limits_, frames_);
  if (received == Received::kNothing) return std::nullopt;
  CHECK(!frames_.empty(), "a ROUTER gave a message without a routing id");

  ClientMessage message;
  message.from.routing_id = frames_.front().to_string();
  const bool whole =
      received == Received::kMessage && frames_.size() >= 2 && frames_.size() < kMaxFrames;
  auto envelope = whole ? envelope_of(frames_) : std::nullopt;
  if (envelope) {
    message.from.envelope = std::move(*envelope);
    message.body = std::move(frames_.back());
  } else if (frames_.size() >= 3 && frames_[1].empty()) {
    message.from.envelope = {""};  // so that a REQ hears what is wrong
  }
  return message;
}

SendResult ClientListener::reply(const ClientAddress& to, const base::SharedBytes& body) {
  zmq::message_t frame(to.routing_id);
  // ROUTER_MANDATORY: the first frame tells whether the client is there and reads.
  const SendResult addressed = send_frame(socket_, frame, true);
  if (addressed != SendResult::kSent) return addressed;
  for (const std::string& each : to.envelope) {
    frame.rebuild(each.data(), each.size());
    static_cast<void>(send_frame(socket_, frame, true));
  }
  frame = to_frame(body);
  return send_frame(socket_, frame, false);
}

}  // namespace actors
