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

// Status of the core, for `status`, `members` and `debug`.
struct StatusAsked {
  raft::RequestNumber request;
};

using ClientEvent = std::variant<raft::CommandSubmitted, ReadSubmitted, raft::ChangeSubmitted,
                                 raft::TransferRequested, raft::SnapshotRequested,
                                 raft::RequestExpired, StatusAsked>;

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
  std::optional<raft::Status> status;    // for all of them
  std::optional<raft::Members> members;  // where it changed
  std::vector<raft::Complete> completions;
};

// ---- event_handler and log_writer ----

struct LogOrders {
  std::optional<raft::Persist> persist;
  std::vector<raft::FetchEntries> fetches;
};

struct LogReport {
  std::optional<raft::Persisted> persisted;
  std::vector<raft::EntriesFetched> fetched;
  std::optional<raft::DiskSpaceChanged> space = std::nullopt;  // where it changed
};

// ---- event_handler or log_writer to outbound_dispatcher ----

struct OutboundMessages {
  std::vector<raft::Send> sends;
  // From event_handler, and to be known before `sends` leave: who the members are, where that
  // changed, and where nodes said that they are found.
  std::optional<raft::Members> members = std::nullopt;
  std::vector<raft::Member> contacts = {};
};

// joiner to outbound_dispatcher: members of the cluster that this node asks to be let in, so that
// it can answer them before their log has told it who they are.
struct PeersLearned {
  std::vector<raft::Member> members;
};

// ---- event_handler and snapshot_store ----

struct SnapshotOrders {
  std::optional<raft::StoreFirstConfiguration> first_configuration;
  std::vector<raft::StoreSnapshotChunk> stores;
  std::vector<raft::FetchSnapshotChunk> fetches;

  [[nodiscard]] bool empty() const {
    return !first_configuration && stores.empty() && fetches.empty();
  }
};

using SnapshotEvent = std::variant<raft::FirstConfigurationStored, raft::SnapshotChunkStored,
                                   raft::SnapshotChunkFetched, raft::SnapshotTaken,
                                   raft::SnapshotNotTaken, raft::SnapshotChunkNotStored>;

struct SnapshotReport {
  std::vector<SnapshotEvent> events;
};

// ---- event_handler and database ----

struct DatabaseRead {
  raft::RequestNumber request;
  std::string key;
};

// In this order: the content of a snapshot, then `apply`; `reads` see all of it, and all orders
// before; last the snapshot.
struct DatabaseOrders {
  std::optional<raft::InstallSnapshotContent> install;
  std::optional<raft::Apply> apply;
  std::vector<DatabaseRead> reads;
  std::optional<raft::TakeSnapshot> take_snapshot;

  [[nodiscard]] bool empty() const { return !install && !apply && reads.empty() && !take_snapshot; }
};

using DatabaseReport = std::variant<raft::EntriesApplied, raft::SnapshotInstalled>;

// ---- database and snapshot_store ----

// A snapshot that is being taken: its beginning, its content slice by slice, its end or that it
// was given up. Each slice is answered by SliceStored, the end by SnapshotTaken or SnapshotNotTaken
// to event_handler.
struct SnapshotBegun {
  raft::LogPosition last;
  raft::Configuration configuration;
};
struct SnapshotSlice {
  base::SharedBytes bytes;
};
struct SnapshotEnded {};
struct SnapshotGivenUp {};
// A slice of the newest snapshot is wanted, to be installed. Answered by ContentRead.
struct ContentWanted {
  raft::Index index;
  std::uint64_t offset;
};

using ContentOrder =
    std::variant<SnapshotBegun, SnapshotSlice, SnapshotEnded, SnapshotGivenUp, ContentWanted>;

struct SliceStored {};
// There is no room for the snapshot that is being taken: it ends or is given up, and nothing of it
// is kept.
struct NoRoomForSnapshot {};
struct ContentRead {
  raft::Index index;
  std::optional<base::SharedBytes> bytes;  // none: a newer snapshot has taken its place
  bool last;
};

using ContentReport = std::variant<SliceStored, NoRoomForSnapshot, ContentRead>;

// ---- socket_server and snapshot_store ----

struct SnapshotRead {
  raft::RequestNumber request;
  codec::SnapshotReadRequest read;
};

struct SnapshotReads {
  std::vector<SnapshotRead> reads;
  std::size_t answers_taken_bytes = 0;  // these bytes of SnapshotReadAnswers are off the link
};

// The part of the newest snapshot that was asked for.
struct SnapshotPart {
  raft::Index index;
  std::uint64_t size;           // of all parts: table and content
  std::vector<std::byte> head;  // as the file begins
  base::SharedBytes bytes;
};
// The newest is another, or none is there.
struct SnapshotGone {
  std::optional<raft::Index> newest;
};
struct SnapshotDamaged {};

struct SnapshotReadOutcome {
  raft::RequestNumber request;
  std::variant<SnapshotPart, SnapshotGone, SnapshotDamaged> result;
};

struct SnapshotReadAnswers {
  std::vector<SnapshotReadOutcome> outcomes;
  std::vector<raft::RequestNumber> refused_busy;  // beyond what the link may hold
  std::size_t bytes = 0;                          // of all parts
};

// ---- socket_server and database ----

struct DatabaseReplay {
  raft::RequestNumber request;
  codec::ReplayRequest replay;
};

// What this node answers by itself, from what it has applied so far. One replay at most, as it may
// take as long as a thousand reads.
struct LocalQueries {
  std::vector<DatabaseRead> reads;
  std::optional<DatabaseReplay> replay = std::nullopt;
  std::size_t answers_taken_bytes = 0;  // these bytes of DatabaseAnswers are off the link
};

struct CommandOutcome {
  raft::RequestNumber request;
  raft::Index index;
  database::Outcome outcome;
  raft::Index effect_index;  // where it took effect: an earlier one where it was repeated
};

// A change of members is committed, with the entry at `index`.
struct ChangeOutcome {
  raft::RequestNumber request;
  raft::Index index;
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
  std::vector<ChangeOutcome> changes = {};

  [[nodiscard]] bool empty() const {
    return commands.empty() && reads.empty() && replays.empty() && refused_busy.empty() &&
           changes.empty();
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
