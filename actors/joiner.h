// joiner: asks members of a running cluster, one after the other, to let this node in, and tells
// outbound_dispatcher where the members are found, so that this node can answer them. It speaks to
// them as any client does (docs/protocol.md), and is done once event_handler says that this node,
// with this data directory, is a member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "codec/joining.h"
#include "raft/effects.h"
#include "settings/settings.h"

namespace actors {

class Joiner final : public Actor {
 public:
  struct Links {
    Link<Nothing, raft::Members> event_handler;  // whenever they changed
    Link<PeersLearned, Nothing> outbound_dispatcher;
    BroadcastListener<Tick> ticks;
  };

  // `context`: of the connections to the members' client endpoints. The settings name at least
  // one, and this node, of the data directory `identity`, has never been part of a cluster.
  Joiner(zmq::context_t& context, const settings::Settings& settings, raft::Identity identity,
         Links links, const Logging& logging);

  [[nodiscard]] std::string_view name() const override { return "joiner"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  // Of one round with one member: it is asked who the members are, then, where this node is not
  // among them, to let it in, and who they are now. Between rounds there is a pause.
  enum class Step : std::uint8_t { kPause, kMembers, kJoin };

  void take_news_of_members();
  void take_replies();
  void on_reply(const codec::MemberReply& reply);
  void on_refusal(const codec::MemberReply& reply);
  void on_members(const codec::MemberReply& reply);
  void hand_on(const codec::MemberReply& reply);
  void begin_round();
  void ask(Step step);
  void send_question();
  void end_round(raft::Milliseconds pause_ms);
  void on_silence();
  [[nodiscard]] const std::string& endpoint() const { return settings_.join[endpoint_]; }

  zmq::context_t& context_;
  const settings::Settings& settings_;
  codec::NewMember self_;  // as it asks to be
  Links links_;
  ActorLog log_;

  bool asks_ = true;  // until this node is in
  Step step_ = Step::kPause;
  raft::Milliseconds now_ = 0;
  raft::Milliseconds due_ = 0;           // the end of the pause, or of waiting for a reply
  std::size_t endpoint_ = 0;             // whom this round asks, or the next
  std::optional<zmq::socket_t> socket_;  // of this round
  std::uint64_t question_ = 0;           // the number of the last; only its reply counts
  std::string unsent_;                   // that question, until the socket takes it
  bool let_in_ = false;                  // a member said so
  std::uint64_t newest_index_ = 0;       // of the members, as far as this node was told
  std::optional<raft::Milliseconds> refusal_said_at_;
  std::optional<raft::Milliseconds> silence_said_at_;
};

}  // namespace actors
