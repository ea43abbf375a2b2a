// BroadcastLink: how one actor tells several others what they may miss: ticks, changes of role.
// Inproc PUB and SUB; a listener that does not keep up loses the newest. Messages are small plain
// structs, copied.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <zmq.hpp>

#include "actors/input.h"
#include "actors/socket_options.h"

namespace actors {

template <typename Message>
class BroadcastSource {
  static_assert(std::is_trivially_copyable_v<Message>);

 public:
  BroadcastSource(zmq::context_t& context, const std::string& name)
      : socket_(context, zmq::socket_type::pub) {
    set_broadcast_link_options(socket_);
    socket_.bind("inproc://" + name);
  }

  void publish(const Message& message) {
    zmq::message_t frame(&message, sizeof message);
    static_cast<void>(send_frame(socket_, frame, false));
  }

 private:
  zmq::socket_t socket_;
};

template <typename Message>
class BroadcastListener {
 public:
  BroadcastListener(zmq::context_t& context, const std::string& name)
      : socket_(listening(context, name)) {}

  [[nodiscard]] std::optional<Message> receive() {
    zmq::message_t frame;
    if (!socket_.receive(frame)) return std::nullopt;
    Message message;
    std::memcpy(&message, frame.data(), sizeof message);
    return message;
  }

  // The newest of all that wait, where only that one counts.
  [[nodiscard]] std::optional<Message> latest() {
    std::optional<Message> newest;
    while (auto message = receive()) newest = message;
    return newest;
  }

  [[nodiscard]] InputSocket& input() { return socket_; }

 private:
  static zmq::socket_t listening(zmq::context_t& context, const std::string& name) {
    zmq::socket_t socket(context, zmq::socket_type::sub);
    set_broadcast_link_options(socket);
    socket.set(zmq::sockopt::subscribe, "");
    socket.connect("inproc://" + name);
    return socket;
  }

  InputSocket socket_;
};

}  // namespace actors
