// Input: what wakes an actor. A socket that it reads, or a descriptor of the system.
//
// A call of ZeroMQ that finds nothing is not free: it looks into a mailbox by two system calls, and
// an actor has half a dozen inputs, of which a turn concerns one or two. So a socket knows whether
// asking is worth it, by ZMQ_FD, zmq_getsockopt(3). That descriptor is edge-triggered: it becomes
// readable when something came for a socket that was found empty, and any call on the socket may
// take that sign without giving what came. Hence three states: a message may wait; the last look
// found none, and nothing was done with the socket since; and, as that, with a loop that watches
// the descriptor: then there is none until the loop sees the sign.
//
// Where whoever sends to a socket does so on the thread that reads it, all this is saved: the
// sender counts what is under way, and neither a sign nor a question is needed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "actors/zmq_calls.h"

namespace actors {

// Messages that were sent and not received yet, on one thread.
using UnderWay = std::shared_ptr<std::size_t>;

class InputSocket {
 public:
  explicit InputSocket(zmq::socket_t socket);
  // All that is sent to it is counted there before it is asked for.
  InputSocket(zmq::socket_t socket, UnderWay counted);

  // As the functions of actors/zmq_calls.h; those that ask for a message cost nothing while a loop
  // watches in vain.
  [[nodiscard]] SendResult send(zmq::message_t& frame, bool more);
  [[nodiscard]] bool receive(zmq::message_t& frame);
  [[nodiscard]] Received receive_message(const MessageLimits& limits,
                                         std::vector<zmq::message_t>& frames);
  [[nodiscard]] bool readable();

  // Takes connections, or no more of them and ends those that came there. listen() throws
  // zmq::error_t.
  void listen(const std::string& endpoint) { socket_.bind(endpoint); }
  void stop_listening(const std::string& endpoint) { socket_.unbind(endpoint); }
  // Where it was bound last; empty where it never was.
  [[nodiscard]] std::string endpoint() const { return socket_.get(zmq::sockopt::last_endpoint); }
  // The last call: what was sent still leaves, within its linger.
  void close() { socket_.close(); }

  // For the loop. False: no message waits, and none will be seen before wake(); the loop watches
  // descriptor() from now on.
  [[nodiscard]] bool stays_awake();
  void wake() { state_ = State::kMayHold; }
  // Below 0: there is nothing to watch.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  // Whether a message surely waits, without a question.
  [[nodiscard]] bool holds_counted() const { return counted_ != nullptr && *counted_ > 0; }

 private:
  enum class State { kMayHold, kEmpty, kWatched };

  [[nodiscard]] bool surely_empty() const {
    return counted_ == nullptr ? state_ == State::kWatched : *counted_ == 0;
  }

  zmq::socket_t socket_;
  UnderWay counted_;  // null: nobody counts
  int descriptor_;
  State state_ = State::kMayHold;
};

struct Input {
  Input(InputSocket& input_socket)  // NOLINT: an input is one or the other
      : socket(&input_socket), descriptor(input_socket.descriptor()) {}
  explicit Input(int input_descriptor) : socket(nullptr), descriptor(input_descriptor) {}

  // The time, by which an actor judges what has come and what has not: a turn that finds it awake
  // may ask all inputs. Whoever takes the time first then finds all that was sent before it.
  [[nodiscard]] static Input of_time(InputSocket& ticks) {
    Input input(ticks);
    input.is_time = true;
    return input;
  }

  InputSocket* socket;
  int descriptor;
  bool is_time = false;
};

}  // namespace actors
