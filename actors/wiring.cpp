#include "actors/wiring.h"

#include <fmt/format.h>

#include <utility>

#include "actors/socket_options.h"

namespace actors {
namespace {

// Batches of peer messages, of one turn of socket_server each, that wait for event_handler.
constexpr std::size_t kPeerBatches = 64;
// Batches of messages to peers that wait for outbound_dispatcher, of one turn of their sender.
constexpr std::size_t kOutboundBatches = 1024;

// Lists of members, learned by joiner, that wait for outbound_dispatcher.
constexpr std::size_t kPeersLearned = 8;

constexpr const char* kTicks = "clock/ticks";
constexpr const char* kStatus = "event_handler/status";
constexpr const char* kHeard = "socket_server/heard";

}  // namespace

void listen(zmq::socket_t& socket, const std::string& endpoint, const std::string& key) {
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& error) {
    throw CannotListen(fmt::format(
        "cannot listen on {} (key `{}` of this node's [[member]]): {}; stop what uses the port, "
        "or name another",
        endpoint, key, error.what()));
  }
}

SocketServer::Sockets open_listeners(Contexts& contexts, const settings::Settings& settings) {
  SocketServer::Sockets sockets{zmq::socket_t(contexts.peers, zmq::socket_type::router),
                                zmq::socket_t(contexts.clients, zmq::socket_type::router)};
  set_peer_router_options(sockets.peers, settings);
  set_client_router_options(sockets.clients, settings);
  listen(sockets.peers, settings.self().peer, "peer");
  listen(sockets.clients, settings.self().client, "client");
  return sockets;
}

zmq::socket_t open_publisher(Contexts& contexts, const settings::Settings& settings) {
  zmq::socket_t socket(contexts.clients, zmq::socket_type::xpub);
  set_publisher_options(socket);
  listen(socket, settings.self().publish, "publish");
  return socket;
}

Wiring wire(zmq::context_t& inside, Ends ends) {
  // Who waits for the disk has a thread to itself in any case.
  const Ends at_disk = Ends::kApart;
  // Bounded by max_requests_in_flight: each request is one event, and at most one that it
  // expired, and gets one answer. Standing: one a turn, read at once.
  auto clients = make_link<ClientEvents, HandlerAnswers>(inside, "socket_server/event_handler",
                                                         kMustArrive, ends);
  // Dropped where event_handler does not keep up: Raft repairs it.
  auto peers =
      make_link<PeerMessages>(inside, "socket_server/event_handler/peers", kPeerBatches, ends);
  // Bounded by the core: max_uncommitted_bytes of entries, the window of each peer, and one fetch
  // a peer.
  auto log =
      make_link<LogOrders, LogReport>(inside, "event_handler/log_writer", kMustArrive, at_disk);
  // Dropped where outbound_dispatcher does not keep up: Raft repairs it.
  auto sends = make_link<OutboundMessages>(inside, "event_handler/outbound_dispatcher",
                                           kOutboundBatches, ends);
  auto promises = make_link<OutboundMessages>(inside, "log_writer/outbound_dispatcher",
                                              kOutboundBatches, at_disk);
  // Bounded by max_applying_bytes in the core, and by max_requests_in_flight.
  auto committed = make_link<DatabaseOrders, DatabaseReport>(inside, "event_handler/database",
                                                             kMustArrive, ends);
  // Bounded by max_requests_in_flight.
  auto queries =
      make_link<LocalQueries, DatabaseAnswers>(inside, "socket_server/database", kMustArrive, ends);
  // Bounded by the core, one part of a snapshot to be stored, and by event_handler, one to be read
  // for each peer.
  auto snapshots = make_link<SnapshotOrders, SnapshotReport>(inside, "event_handler/snapshot_store",
                                                             kMustArrive, at_disk);
  // Bounded by database: a few slices of a snapshot that it takes, one of one that it installs.
  auto content = make_link<ContentOrder, ContentReport>(inside, "database/snapshot_store",
                                                        kMustArrive, at_disk);
  // Bounded by max_requests_in_flight, and by snapshot_store in bytes: beyond it, `busy`.
  auto parts = make_link<SnapshotReads, SnapshotReadAnswers>(inside, "socket_server/snapshot_store",
                                                             kMustArrive, at_disk);
  // The members, once each time that joiner asks for them; nobody sends where no joiner is.
  auto learned = make_link<PeersLearned>(inside, "joiner/outbound_dispatcher", kPeersLearned, ends);
  // One at each change of the configuration, of which one at a time is not committed.
  auto members = make_link<raft::Members>(inside, "event_handler/joiner", kMustArrive, ends);
  // Bounded by the sender: max_publishing_bytes, beyond which it drops.
  auto changes = make_link<AppliedBroadcasts, BroadcastsPublished>(inside, "database/publisher",
                                                                   kMustArrive, ends);
  // Sources before listeners, which are made in turn from here on.
  BroadcastSource<Tick> ticks(inside, kTicks);
  BroadcastSource<NodeStatus> status(inside, kStatus);
  BroadcastSource<PeerHeard> heard(inside, kHeard);
  return {
      .clock = std::move(ticks),
      .socket_server = {std::move(clients.near),
                        std::move(peers.near),
                        std::move(queries.near),
                        std::move(parts.near),
                        {inside, kTicks},
                        std::move(heard)},
      .event_handler = {std::move(clients.far),
                        std::move(peers.far),
                        std::move(log.near),
                        std::move(sends.near),
                        std::move(committed.near),
                        std::move(snapshots.near),
                        {inside, kTicks},
                        std::move(status),
                        std::move(members.near)},
      .outbound_dispatcher = {std::move(sends.far),
                              std::move(promises.far),
                              {inside, kTicks},
                              {inside, kHeard},
                              std::move(learned.far)},
      .log_writer = {std::move(log.far), std::move(promises.near), {inside, kTicks}},
      .state_machine = {std::move(committed.far),
                        std::move(queries.far),
                        std::move(changes.near),
                        std::move(content.near),
                        {inside, kTicks}},
      .snapshot_store = {std::move(snapshots.far), std::move(content.far), std::move(parts.far)},
      .publisher = {std::move(changes.far), {inside, kStatus}, {inside, kTicks}},
      .joiner = {std::move(members.far), std::move(learned.near), {inside, kTicks}}};
}

}  // namespace actors
