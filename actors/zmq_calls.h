// Sending and receiving on a ZeroMQ socket without ever waiting, and the bridge between ZeroMQ's
// messages and SharedBytes. Every actor goes through these: a call that is interrupted by a
// signal is repeated (B17), and what can go wrong in everyday life is a value, not an exception.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>
#include <zmq.hpp>

#include "base/bytes.h"

namespace actors {

enum class SendResult : std::uint8_t {
  kSent,
  kFull,  // the queue is at its mark, or nobody is connected
  kGone,  // ROUTER_MANDATORY: the receiver has disconnected
};

// Takes `frame` only where it was sent.
[[nodiscard]] SendResult send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more);

// False where nothing waits.
[[nodiscard]] bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame);

// Whether a message waits.
[[nodiscard]] bool readable(zmq::socket_t& socket);

struct MessageLimits {
  std::size_t max_frames;
  std::size_t max_bytes;  // of all frames together
};

enum class Received : std::uint8_t {
  kNothing,
  kMessage,
  kOverLimits,  // read to its end, and dropped but for the frames before the limit
};

// One whole message, however many frames it claims to have (B16). `frames` is overwritten.
[[nodiscard]] Received receive_message(zmq::socket_t& socket, const MessageLimits& limits,
                                       std::vector<zmq::message_t>& frames);

// Below this size a copy costs less than a counted reference.
inline constexpr std::size_t kCopyBelow = 512;

// The bytes as a frame: copied where smaller than `copy_below`, else shared until ZeroMQ is done.
[[nodiscard]] zmq::message_t to_frame(const base::SharedBytes& bytes,
                                      std::size_t copy_below = kCopyBelow);

// The content of a frame, which lives as long as a part of it is in use. A small one is copied:
// what ZeroMQ keeps for it may be many times as large.
[[nodiscard]] base::SharedBytes to_bytes(zmq::message_t frame);

}  // namespace actors
