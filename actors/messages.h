// What actors say to each other: one struct for each direction of a link. Each message is the
// batch of one turn; its parts are in the order in which they happened.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "codec/client_codec.h"
#include "database/database.h"
#include "raft/effects.h"
#include "raft/events.h"
#include "raft/server.h"

namespace actors {

// ---- broadcast links: may be missed ----

// clock to all who measure time.
using Tick = raft::TickElapsed;

// event_handler to publisher: at each change of role, term or leader, and about twice a second.
struct NodeStatus {
  raft::Standing standing;
  raft::Index commit_index;
  raft::Index first_index;
};

// socket_server to outbound_dispatcher: a valid message of this peer has arrived. At most one a
// tick and peer.
struct PeerHeard {
  raft::NodeId peer;
};

// ---- socket_server and event_handler ----

// A linearizable read. event_handler keeps the key until the core lets the read pass.
struct ReadSubmitted {
  raft::RequestNumber request;
  std::string key;
};

// Status of the core, for `status` and `debug`.
struct StatusAsked {
  raft::RequestNumber request;
};

using ClientEvent =
    std::variant<raft::CommandSubmitted, ReadSubmitted, raft::RequestExpired, StatusAsked>;

struct ClientEvents {
  std::vector<ClientEvent> events;
};

struct PeerMessages {
  std::vector<raft::MessageReceived> messages;
};

struct HandlerAnswers {
  std::optional<raft::Standing> standing;  // where it changed
  std::vector<raft::Refuse> refusals;
  std::vector<raft::RequestNumber> status_asked;
  std::optional<raft::Status> status;  // for all of them
};

// ---- event_handler and log_writer ----

struct LogOrders {
  std::optional<raft::Persist> persist;
  std::vector<raft::FetchEntries> fetches;
};

struct LogReport {
  std::optional<raft::Persisted> persisted;
  std::vector<raft::EntriesFetched> fetched;
};

// ---- event_handler or log_writer to outbound_dispatcher ----

struct OutboundMessages {
  std::vector<raft::Send> sends;
};

// ---- event_handler and database ----

struct DatabaseRead {
  raft::RequestNumber request;
  std::string key;
};

// `reads` see all of `apply`, and all orders before.
struct DatabaseOrders {
  std::optional<raft::Apply> apply;
  std::vector<DatabaseRead> reads;
};

using DatabaseReport = raft::EntriesApplied;

// ---- socket_server and database ----

struct DatabaseReplay {
  raft::RequestNumber request;
  codec::ReplayRequest replay;
};

// What this node answers by itself, from what it has applied so far.
struct LocalQueries {
  std::vector<DatabaseRead> reads;
  std::vector<DatabaseReplay> replays;
  std::size_t answers_taken_bytes = 0;  // these bytes of DatabaseAnswers are off the link
};

struct CommandOutcome {
  raft::RequestNumber request;
  raft::Index index;
  database::Outcome outcome;
};

struct ReadOutcome {
  raft::RequestNumber request;
  std::optional<database::Found> found;
};

struct ReplayOutcome {
  raft::RequestNumber request;
  std::variant<database::Replay, database::Compacted> result;
};

struct DatabaseAnswers {
  std::vector<CommandOutcome> commands;
  std::vector<ReadOutcome> reads;
  std::vector<ReplayOutcome> replays;
  std::vector<raft::RequestNumber> refused_busy;  // reads beyond what the link may hold
  std::size_t bytes = 0;                          // of all values and payloads

  [[nodiscard]] bool empty() const {
    return commands.empty() && reads.empty() && replays.empty() && refused_busy.empty();
  }
};

// ---- database and publisher ----

// The broadcasts of all entries up to `applied_index`, in log order.
struct AppliedBroadcasts {
  std::vector<database::Broadcast> broadcasts;
  std::size_t bytes;  // of all topics and payloads
  raft::Index applied_index;
};

// These bytes of AppliedBroadcasts are off the link.
struct BroadcastsPublished {
  std::size_t bytes;
};

}  // namespace actors
