// outbound_dispatcher: owns the connections to peers, two for each: a lane for small messages, so
// that heartbeats and votes never wait behind entries, and a lane for bulk. It never waits for a
// peer: what does not fit is dropped and counted, and Raft repairs it.
//
// A DEALER whose link has ended for good looks like one whose peer is away (B4). So a lane that
// has taken nothing, or a peer that has said nothing although it was spoken to, for three
// election timeouts, gets new sockets. That a peer was heard is news of socket_server, as replies
// come in there.
//
// Peers come and go: members of the configuration in force, nodes that said where they are found,
// and at a node that joins, whom its joiner has learned of. The newest word on an address counts.
// Who is no member is forgotten once it has not been heard for a while.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/commit_news.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "actors/socket_options.h"
#include "codec/peer_codec.h"
#include "settings/settings.h"

namespace actors {

class OutboundDispatcher final : public Actor {
 public:
  struct Links {
    Link<Nothing, OutboundMessages> event_handler;
    Link<Nothing, OutboundMessages> log_writer;
    BroadcastListener<Tick> ticks;
    BroadcastListener<PeerHeard> heard;
    Link<Nothing, PeersLearned> joiner;
  };

  // `context`: of the connections to peers. `self`: as it signs messages.
  OutboundDispatcher(zmq::context_t& context, const settings::Settings& settings,
                     codec::PeerIdentity self, raft::Milliseconds now, Links links,
                     const Logging& logging, Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "outbound_dispatcher"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  struct LaneState {
    Lane lane;
    zmq::socket_t socket;
    std::optional<raft::Milliseconds> refused_since;  // the first of the refusals in a row
  };
  struct Peer {
    std::string endpoint;
    LaneState small;
    LaneState bulk;
    std::string configured;       // its endpoint in the configuration in force; empty: no member
    raft::Milliseconds known_at;  // when it was last a member, heard, or said to be somewhere
    std::optional<raft::Milliseconds> unanswered_since;  // the first sent after it was last heard
    bool waits_for_commit = false;  // of what it passed on: then it answers its client
  };

  void take_messages(Link<Nothing, OutboundMessages>& link);
  void take_learned_peers();
  void on_members(const raft::Configuration& configuration);
  // Where it is found from now on.
  void on_address(raft::NodeId node, const std::string& endpoint);
  void add_peer(raft::NodeId node, const std::string& endpoint);
  void move_peer(raft::NodeId node, Peer& peer, const std::string& endpoint);
  [[nodiscard]] bool make_room();
  void forget_strangers();
  void carry_out(const raft::Send& order);
  void tell_commit(const raft::Send& news);
  // False where it was dropped.
  bool send(const raft::Send& order);
  [[nodiscard]] bool send_frames(zmq::socket_t& socket, const codec::Frames& frames);
  void take_news_of_peers();
  void mend_links();
  [[nodiscard]] bool too_long(const std::optional<raft::Milliseconds>& since) const;
  [[nodiscard]] LaneState connect(Lane lane, const std::string& endpoint);
  void reconnect(LaneState& lane, const std::string& endpoint);

  zmq::context_t& context_;
  const settings::Settings& settings_;
  codec::PeerIdentity self_;
  Links links_;
  ActorLog log_;
  Counters& counters_;
  std::map<raft::NodeId, Peer> peers_;
  std::optional<CommitNews> commit_news_;  // none: they go at once
  raft::Milliseconds now_;
};

}  // namespace actors
