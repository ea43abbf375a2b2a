#include "actors/input.h"

#include <utility>

namespace actors {

InputSocket::InputSocket(zmq::socket_t socket)
    : socket_(std::move(socket)), descriptor_(socket_.get(zmq::sockopt::fd)) {}

SendResult InputSocket::send(zmq::message_t& frame, bool more) {
  state_ = State::kMayHold;
  return send_frame(socket_, frame, more);
}

bool InputSocket::receive(zmq::message_t& frame) {
  if (state_ == State::kWatched) return false;
  const bool received = receive_frame(socket_, frame);
  state_ = received ? State::kMayHold : State::kEmpty;
  return received;
}

Received InputSocket::receive_message(const MessageLimits& limits,
                                      std::vector<zmq::message_t>& frames) {
  frames.clear();
  if (state_ == State::kWatched) return Received::kNothing;
  const Received received = actors::receive_message(socket_, limits, frames);
  state_ = received == Received::kNothing ? State::kEmpty : State::kMayHold;
  return received;
}

bool InputSocket::readable() {
  if (state_ == State::kWatched) return false;
  const bool holds = actors::readable(socket_);
  state_ = holds ? State::kMayHold : State::kEmpty;
  return holds;
}

bool InputSocket::stays_awake() {
  if (state_ == State::kMayHold && readable()) return true;
  state_ = State::kWatched;
  return false;
}

}  // namespace actors
