// ListeningPort: where a socket takes connections from outside. Each takes a descriptor, and a node
// that has none left can open no file of its log or database and ends (B11). So where few are left
// it hangs up on all, and listens again: ZeroMQ knows no other way (zmq_unbind(3) ends what came by
// the endpoint), those who have reason to be there connect anew, and a node that ends hangs up too.
// Part of the actor that owns the socket.
#pragma once

#include <string>

#include "actors/input.h"
#include "actors/logging.h"

namespace actors {

class ListeningPort {
 public:
  // Peers are the last to be hung up on: they are few.
  enum class For { kPeers, kClients, kSubscribers };

  // `socket`: bound.
  ListeningPort(For whom, const InputSocket& socket, ActorLog log);

  // At each tick.
  void look(InputSocket& socket);

 private:
  [[nodiscard]] bool few_are_left() const;
  void hang_up(InputSocket& socket);
  void listen(InputSocket& socket);

  For whom_;
  std::string endpoint_;
  ActorLog log_;
  bool listens_ = true;
};

}  // namespace actors
