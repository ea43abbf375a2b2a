// Input: what wakes an actor. A socket that it reads, or a descriptor of the system.
//
// A call of ZeroMQ that finds nothing is not free: it looks into a mailbox by two system calls, and
// an actor has half a dozen inputs, of which a turn concerns one or two. So a socket knows whether
// asking is worth it, by ZMQ_FD, zmq_getsockopt(3). That descriptor is edge-triggered: it becomes
// readable when something came for a socket that was found empty, and any call on the socket may
// take that sign without giving what came. Hence three states: a message may wait; the last look
// found none, and nothing was done with the socket since; and, as that, with a loop that watches
// the descriptor: then there is none until the loop sees the sign.
#pragma once

#include <vector>
#include <zmq.hpp>

#include "actors/zmq_calls.h"

namespace actors {

class InputSocket {
 public:
  explicit InputSocket(zmq::socket_t socket);

  // As the functions of actors/zmq_calls.h; those that ask for a message cost nothing while a loop
  // watches in vain.
  [[nodiscard]] SendResult send(zmq::message_t& frame, bool more);
  [[nodiscard]] bool receive(zmq::message_t& frame);
  [[nodiscard]] Received receive_message(const MessageLimits& limits,
                                         std::vector<zmq::message_t>& frames);
  [[nodiscard]] bool readable();

  // For the loop. False: no message waits, and none will be seen before wake(); the loop watches
  // descriptor() from now on.
  [[nodiscard]] bool stays_awake();
  void wake() { state_ = State::kMayHold; }
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  enum class State { kMayHold, kEmpty, kWatched };

  zmq::socket_t socket_;
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
