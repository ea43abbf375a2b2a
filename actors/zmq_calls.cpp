#include "actors/zmq_calls.h"

#include <cerrno>
#include <memory>
#include <utility>

#include "actors/profile.h"

namespace actors {
namespace {

// ZeroMQ reads up to so many bytes at once (its `in_batch_size`), and that buffer lives as long as
// any of the messages in it: one that is kept would keep it all.
constexpr std::size_t kReadAtOnceBytes = 8192;

// What a call takes counts for the actor whose turn it is, if that is measured.
Counter* time_in_zeromq() {
  ActorProfile* actor = ProfiledTurn::current();
  return actor == nullptr ? nullptr : &actor->zeromq_ns;
}

}  // namespace

SendResult send_frame(zmq::socket_t& socket, zmq::message_t& frame, bool more) {
  const Stopwatch stopwatch(time_in_zeromq());
  const int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
  while (zmq_msg_send(frame.handle(), socket.handle(), flags) < 0) {
    switch (zmq_errno()) {
      case EINTR:
        continue;
      case EAGAIN:
        return SendResult::kFull;
      case EHOSTUNREACH:
        return SendResult::kGone;
      default:
        throw zmq::error_t();
    }
  }
  if (ActorProfile* actor = ProfiledTurn::current(); actor != nullptr && !more) {
    actor->messages_out.add();
  }
  return SendResult::kSent;
}

bool receive_frame(zmq::socket_t& socket, zmq::message_t& frame) {
  const Stopwatch stopwatch(time_in_zeromq());
  while (zmq_msg_recv(frame.handle(), socket.handle(), ZMQ_DONTWAIT) < 0) {
    switch (zmq_errno()) {
      case EINTR:
        continue;
      case EAGAIN:
        return false;
      default:
        throw zmq::error_t();
    }
  }
  if (ActorProfile* actor = ProfiledTurn::current(); actor != nullptr && !frame.more()) {
    actor->messages_in.add();
  }
  return true;
}

bool readable(zmq::socket_t& socket) {
  const Stopwatch stopwatch(time_in_zeromq());
  int events = 0;
  std::size_t size = sizeof events;
  while (zmq_getsockopt(socket.handle(), ZMQ_EVENTS, &events, &size) != 0) {
    if (zmq_errno() != EINTR) throw zmq::error_t();
  }
  return (events & ZMQ_POLLIN) != 0;
}

Received receive_message(zmq::socket_t& socket, const MessageLimits& limits,
                         std::vector<zmq::message_t>& frames) {
  frames.clear();
  std::size_t bytes = 0;
  bool begun = false;
  bool within = true;
  for (bool more = true; more; begun = true) {
    zmq::message_t& frame = frames.emplace_back();
    if (!receive_frame(socket, frame)) {
      frames.pop_back();
      // The frames of a message arrive together or not at all.
      return begun ? Received::kOverLimits : Received::kNothing;
    }
    more = frame.more();
    bytes += frame.size();
    within = within && frames.size() <= limits.max_frames && bytes <= limits.max_bytes;
    if (!within) frames.pop_back();
  }
  return within ? Received::kMessage : Received::kOverLimits;
}

zmq::message_t to_frame(const base::SharedBytes& bytes, std::size_t copy_below) {
  if (bytes.size() < copy_below) return {bytes.data(), bytes.size()};
  auto reference = std::make_unique<base::SharedBytes>(bytes);
  // ZeroMQ's interface knows no const; it only reads the content of a message that is sent.
  auto* content = const_cast<std::byte*>(bytes.data());
  const auto release = [](void*, void* hint) { delete static_cast<base::SharedBytes*>(hint); };
  zmq::message_t frame(content, bytes.size(), release, reference.get());
  static_cast<void>(reference.release());
  return frame;
}

base::SharedBytes to_bytes(zmq::message_t frame) {
  if (frame.size() < kReadAtOnceBytes) {
    return base::SharedBytes::copy_of({frame.data<char>(), frame.size()});
  }
  // A small message holds its bytes within itself: they are where the owner is, after the move.
  auto owner = std::make_shared<zmq::message_t>(std::move(frame));
  const auto* data = owner->data<const std::byte>();
  const std::size_t size = owner->size();
  return {std::move(owner), data, size};
}

}  // namespace actors
