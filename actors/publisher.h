// publisher: owns the PUB socket for subscribers. It publishes every applied change in log order,
// and `raft/status` at each change of role, term or leader and at least once a second. The socket
// is an XPUB, which is a PUB that says what is subscribed to: until something is, nothing is
// encoded.
#pragma once

#include <string>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/link.h"
#include "actors/listening_port.h"
#include "actors/logging.h"
#include "actors/messages.h"

namespace actors {

class Publisher final : public Actor {
 public:
  struct Links {
    Link<BroadcastsPublished, AppliedBroadcasts> state_machine;
    BroadcastListener<NodeStatus> status;
    BroadcastListener<Tick> ticks;
  };

  // `socket`: a bound XPUB. `applied_index`: of the state machine at start.
  Publisher(raft::NodeId node, raft::Index applied_index, zmq::socket_t socket, Links links,
            const Logging& logging);

  [[nodiscard]] std::string_view name() const override { return "publisher"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  void take_subscriptions();
  void publish_applied();
  void publish_status();
  void publish(const std::string& topic, const std::string& header,
               const base::SharedBytes& payload);

  raft::NodeId node_;
  InputSocket socket_;
  ListeningPort port_;
  Links links_;
  raft::Index applied_index_;  // everything up to it has been published, or dropped and counted
  // From the first one on: that nobody is left cannot be known, as anyone may end what it never
  // began.
  bool subscribed_to_ = false;
  NodeStatus status_{};
  raft::Milliseconds status_published_at_ = 0;
};

}  // namespace actors
