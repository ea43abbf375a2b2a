// The wiring of a node: its ZeroMQ contexts, its listening sockets and the links between its
// actors, with what bounds each. docs/architecture.md shows them as a table.
#pragma once

#include <stdexcept>
#include <string>
#include <zmq.hpp>

#include "actors/clock.h"
#include "actors/database.h"
#include "actors/event_handler.h"
#include "actors/joiner.h"
#include "actors/log_writer.h"
#include "actors/outbound_dispatcher.h"
#include "actors/publisher.h"
#include "actors/snapshot_store.h"
#include "actors/socket_server.h"
#include "settings/settings.h"

namespace actors {

// An endpoint cannot be listened on: names it, its key in the configuration and the cause.
class CannotListen : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Peers and clients have I/O threads of their own, so that neither starves the other (B8). What
// stays inside needs none.
struct Contexts {
  zmq::context_t inside{0};
  zmq::context_t peers{1};
  zmq::context_t clients{1};
};

// `key`: of the endpoint in the configuration.
void listen(zmq::socket_t& socket, const std::string& endpoint, const std::string& key);

[[nodiscard]] SocketServer::Sockets open_listeners(Contexts& contexts,
                                                   const settings::Settings& settings);
[[nodiscard]] zmq::socket_t open_publisher(Contexts& contexts, const settings::Settings& settings);

// Every actor's ends of all links.
struct Wiring {
  BroadcastSource<Tick> clock;
  SocketServer::Links socket_server;
  EventHandler::Links event_handler;
  OutboundDispatcher::Links outbound_dispatcher;
  LogWriter::Links log_writer;
  Database::Links state_machine;
  SnapshotStore::Links snapshot_store;
  Publisher::Links publisher;
  Joiner::Links joiner;
};
// `ends`: whether all actors share a thread, but those that wait for the disk.
[[nodiscard]] Wiring wire(zmq::context_t& inside, Ends ends);

}  // namespace actors
