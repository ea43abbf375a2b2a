// socket_server: everything that comes in from outside. It owns the ROUTER for peers and the
// ROUTER for clients, reads them at once and always (an unread ZeroMQ socket is a danger of its
// own, B1), and sheds what is too much by itself. It alone keeps the table of waiting requests,
// and answers each exactly once: with its outcome, a refusal, or when its time is up.
#pragma once

#include <set>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/client_listener.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "actors/peer_listener.h"
#include "actors/refusal_log.h"
#include "actors/request_table.h"
#include "actors/unsent_replies.h"
#include "settings/settings.h"

namespace actors {

class SocketServer final : public Actor {
 public:
  struct Links {
    Link<ClientEvents, HandlerAnswers> event_handler;
    Link<PeerMessages, Nothing> event_handler_peers;
    Link<LocalQueries, DatabaseAnswers> state_machine;
    Link<SnapshotReads, SnapshotReadAnswers> snapshot_store;
    BroadcastListener<Tick> ticks;
    BroadcastSource<PeerHeard> heard;
  };
  // Bound ROUTERs, each of its own context (B8).
  struct Sockets {
    zmq::socket_t peers;
    zmq::socket_t clients;
  };

  // `self`: as peers address it. `starts`: of the data directory. `now`: on the clock of the ticks.
  SocketServer(const settings::Settings& settings, codec::PeerIdentity self, std::uint64_t starts,
               raft::Milliseconds now, Sockets sockets, Links links, const Logging& logging,
               Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "socket_server"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  void take_answers();
  void take_database_answers();
  void take_snapshot_parts();
  void take_ticks();
  void take_peer_messages();
  void take_requests();
  void hand_out();

  void on_request(ClientMessage message);
  void submit(ClientAddress client, codec::Request request);
  // Takes the request's place in the table, or sheds it.
  [[nodiscard]] std::optional<raft::RequestNumber> admit(ClientAddress client, codec::RequestId id,
                                                         RequestKind kind);
  void expire_requests();

  void answer(raft::RequestNumber number, const codec::ReplyBody& body);
  void answer_status(raft::RequestNumber number, const raft::Status& status);
  void answer_completed(const raft::Complete& completed);
  void reply(const ClientAddress& client, const codec::RequestId& id, const codec::ReplyBody& body);
  [[nodiscard]] std::optional<codec::LeaderHint> leader_hint() const;
  [[nodiscard]] std::string dump(const raft::Status& status);

  const settings::Settings& settings_;
  codec::ClientLimits client_limits_;
  ActorLog log_;
  PeerListener peers_;
  UnsentReplies unsent_replies_{256 << 20};  // beyond it, reads are answered `busy`
  ClientListener clients_;
  Links links_;
  const Logging& logging_;
  Counters& counters_;
  RefusalLog refusals_;
  RequestTable table_;
  raft::Standing standing_;
  raft::Configuration members_;  // in force, as event_handler said last
  raft::Milliseconds now_;
  raft::Milliseconds dumped_at_ = 0;  // to the log
  std::set<raft::NodeId> heard_;      // since the last tick
  // What this turn hands out.
  ClientEvents events_;
  LocalQueries queries_;
  std::vector<DatabaseReplay> replays_;
  SnapshotReads snapshot_reads_;
};

}  // namespace actors
