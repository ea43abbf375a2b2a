#include "actors/input.h"

#include <utility>

#include "base/check.h"

namespace actors {

InputSocket::InputSocket(zmq::socket_t socket)
    : socket_(std::move(socket)), descriptor_(socket_.get(zmq::sockopt::fd)) {}

InputSocket::InputSocket(zmq::socket_t socket, UnderWay counted)
    : socket_(std::move(socket)), counted_(std::move(counted)), descriptor_(-1) {}

SendResult InputSocket::send(zmq::message_t& frame, bool more) {
  state_ = State::kMayHold;
  return send_frame(socket_, frame, more);
}

bool InputSocket::receive(zmq::message_t& frame) {
  if (surely_empty()) return false;
  const bool received = receive_frame(socket_, frame);
  if (counted_ != nullptr) {
    CHECK(received, "of {} messages under way none arrives", *counted_);
    --*counted_;
  }
  state_ = received ? State::kMayHold : State::kEmpty;
  return received;
}

Received InputSocket::receive_message(const MessageLimits& limits,
                                      std::vector<zmq::message_t>& frames) {
  frames.clear();
  CHECK(counted_ == nullptr, "what is counted are messages of one frame");
  if (surely_empty()) return Received::kNothing;
  const Received received = actors::receive_message(socket_, limits, frames);
  state_ = received == Received::kNothing ? State::kEmpty : State::kMayHold;
  return received;
}

bool InputSocket::readable() {
  if (counted_ != nullptr) return *counted_ > 0;
  if (state_ == State::kWatched) return false;
  const bool holds = actors::readable(socket_);
  state_ = holds ? State::kMayHold : State::kEmpty;
  return holds;
}

bool InputSocket::stays_awake() {
  if (counted_ != nullptr) return *counted_ > 0;
  if (state_ == State::kMayHold && readable()) return true;
  state_ = State::kWatched;
  return false;
}

}  // namespace actors
