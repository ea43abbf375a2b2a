// What happens to a server, in the past tense. The core learns of the world only through these.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "raft/messages.h"
#include "raft/types.h"

namespace raft {

// The clock ticked. Ticks may be late or missing; time may jump forward, never back.
struct TickElapsed {
  Milliseconds now;
};

// A message that is addressed to this server and passed the guards of the codec.
struct MessageReceived {
  Peer from;
  Message message;
  Identity addressed = 0;  // the directory it is meant for: this one, but in a Hello
};

// A client of this node wants `command` in the replicated log.
struct CommandSubmitted {
  RequestNumber request;
  base::SharedBytes command;
};

// A client of this node wants a read that sees everything acknowledged before now.
struct ReadRequested {
  RequestNumber request;
};

// A client of this node wants other members.
struct ChangeSubmitted {
  RequestNumber request;
  MembershipChange change;
};

// A client of this node wants leadership to go to `target`; none: wherever it is best.
struct TransferRequested {
  RequestNumber request;
  std::optional<NodeId> target;
};

// A client of this node wants a snapshot here, now.
struct SnapshotRequested {
  RequestNumber request;
};

// Nobody waits for this request any more (it timed out): forget it.
struct RequestExpired {
  RequestNumber request;
};

// Everything handed out up to Persist number `number` is on disk. In the order of the numbers.
struct Persisted {
  std::uint64_t number;
};

// The state machine has applied everything up to `index`.
struct EntriesApplied {
  Index index;
};

// Answers FetchEntries: entries read back from this node's own log, consecutive, from the index
// that was asked for. None where they are gone, by a truncation or behind a snapshot: whoever asked
// may need others by then, and waits for this answer.
struct EntriesFetched {
  std::optional<NodeId> peer;  // as in the effect
  std::vector<Entry> entries;
};

// Answers StoreFirstConfiguration: it is on disk.
struct FirstConfigurationStored {
  Configuration configuration;
};

// Answers TakeSnapshot: it is whole and on disk.
struct SnapshotTaken {
  SnapshotHead head;
};

// Answers FetchSnapshotChunk: a part of the newest snapshot. No bytes before its end: that snapshot
// is gone.
struct SnapshotChunkFetched {
  NodeId peer;
  SnapshotHead head;
  std::uint64_t offset;
  base::SharedBytes bytes;
};

// Answers StoreSnapshotChunk: what is missing yet. `complete`: nothing is, all is on disk, and its
// checksums are right; from here on the snapshot is found at a start.
struct SnapshotChunkStored {
  Peer from;
  SnapshotHead head;
  SnapshotDemand demand;
  bool complete;
};

// Answers InstallSnapshotContent: the state machine is what the snapshot says.
struct SnapshotInstalled {
  Index index;
};

// Answers TakeSnapshot: there was no room for it, and nothing is left of it.
struct SnapshotNotTaken {};

// Answers StoreSnapshotChunk: there was no room for it.
struct SnapshotChunkNotStored {};

// The disk of this node has room as it says from now on; kEnough until the first of these.
struct DiskSpaceChanged {
  DiskSpace space;
};

using Event =
    std::variant<TickElapsed, MessageReceived, CommandSubmitted, ReadRequested, ChangeSubmitted,
                 TransferRequested, SnapshotRequested, RequestExpired, Persisted, EntriesApplied,
                 EntriesFetched, SnapshotTaken, SnapshotChunkFetched, SnapshotChunkStored,
                 SnapshotInstalled, FirstConfigurationStored, SnapshotNotTaken,
                 SnapshotChunkNotStored, DiskSpaceChanged>;

}  // namespace raft
