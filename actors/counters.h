// Counters of what was dropped or refused, for people (`debug`). Each is written by one actor and
// may be read by any; they only rise, and nothing is ever decided by them.
#pragma once

#include "actors/counter.h"
#include "actors/profile.h"

namespace actors {

struct Counters {
  // socket_server
  Counter requests;          // taken and passed on
  Counter requests_refused;  // malformed, or over a limit of size
  Counter requests_shed;     // answered `busy`: over a limit of requests in flight
  Counter requests_expired;
  Counter replies_lost;  // the client was gone or did not read
  Counter peer_messages_refused;
  Counter peer_messages_dropped;  // event_handler did not keep up
  // event_handler
  Counter peer_sends_dropped;      // outbound_dispatcher did not keep up
  Counter snapshot_parts_dropped;  // snapshot_store did not keep up
  // log_writer
  Counter promises_dropped;  // outbound_dispatcher did not keep up
  // outbound_dispatcher
  Counter sends_dropped;  // the peer is away, does not keep up, or nobody knows where it is
  Counter links_recreated;
  // database
  Counter broadcasts_dropped;  // publisher did not keep up

  Profile profile;  // of all actors, where it is asked for
};

}  // namespace actors
