// event_handler: owns the consensus core. It feeds the core what happened, in one bounded turn,
// and hands out all orders of that turn at once: this is the group commit. It decides nothing.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <unordered_map>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "raft/server.h"

namespace actors {

class EventHandler final : public Actor {
 public:
  struct Links {
    Link<HandlerAnswers, ClientEvents> clients;
    Link<Nothing, PeerMessages> peers;
    Link<LogOrders, LogReport> log_writer;
    Link<OutboundMessages, Nothing> outbound_dispatcher;
    Link<DatabaseOrders, DatabaseReport> state_machine;
    Link<SnapshotOrders, SnapshotReport> snapshot_store;
    BroadcastListener<Tick> ticks;
    BroadcastSource<NodeStatus> status;
    std::optional<Link<raft::Members, Nothing>> joiner = std::nullopt;  // where there is one
  };

  // The time of this very moment, on the clock of the ticks; empty where reads have no lease.
  using LeaseClock = std::function<raft::Milliseconds()>;

  EventHandler(raft::Server server, LeaseClock lease_clock, Links links, Logging& logging,
               Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "event_handler"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  void take_reports();
  void take_snapshot_reports();
  void take_peer_messages();
  void take_client_events();
  void on_client_event(ClientEvent event);
  void step(raft::Event event);

  void hand_out(raft::Effects effects);
  void tell_joiner(const raft::Effects& effects);
  void hand_to_outbound_dispatcher(raft::Effects& effects);
  void hand_to_log_writer(raft::Effects& effects);
  void hand_to_snapshot_store(raft::Effects& effects);
  void hand_to_database(raft::Effects& effects);
  void hand_to_clients(raft::Effects& effects);
  void tell_standing(const raft::Effects& effects);
  void write_traces(const raft::Effects& effects);

  raft::Server server_;
  LeaseClock lease_clock_;
  Links links_;
  Logging& logging_;
  ActorLog log_;
  Counters& counters_;
  // Linearizable reads that the core holds back, and what they ask for. An entry leaves when the
  // core lets the read pass or refuses it, or when nobody waits for it any more.
  std::unordered_map<raft::RequestNumber, std::string> held_reads_;
  std::vector<raft::RequestNumber> status_asked_;  // in this turn
  // For whom parts of a snapshot are being read: another one is not ordered meanwhile, however
  // long the disk takes; the core asks again.
  std::set<raft::NodeId> parts_to_fetch_;
  std::optional<raft::Members> members_untold_;  // that outbound_dispatcher has not taken yet
  raft::Standing standing_;
  raft::Milliseconds now_ = 0;
  raft::Milliseconds status_told_at_ = 0;
};

}  // namespace actors
