// What a server orders the world to do. One batch holds the effects of one turn of many events.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "raft/entry.h"
#include "raft/messages.h"
#include "raft/types.h"

namespace raft {

struct Send {
  Peer to;
  Message message;
};

// To be written in this order: the hard state, the new beginning or the
// truncation, the entries, what is compacted; then one sync, and only then that a doubt is settled;
// then `promises` leave, and
// Persisted{number} comes back. Orders are carried out one after the other, so promises also wait
// for every order before this one. A failed sync stops the node. One for which the disk has no
// room waits until there is some, and all after it do.
struct Persist {
  std::uint64_t number = 0;             // 1, 2, 3 …
  std::optional<HardState> hard_state;  // where it changed
  std::optional<LogPosition> reset_to;  // all entries go; the log begins anew after this one
  std::optional<Index> truncate_from;   // this entry and all after it are removed
  std::vector<Entry> entries;           // appended after the truncation, consecutive
  std::optional<Index> compact_to;      // entries up to this one may go
  bool settles_doubt = false;           // the log holds all that was ever promised again
  std::vector<Send> promises;           // leave only after the sync
};

struct CommittedEntry {
  Entry entry;
  std::optional<RequestNumber> request;  // a client of this node waits for its outcome
};

// Committed entries for the state machine, on this node's disk already: consecutive, each handed
// out once in the life of this process. Promptly answered by EntriesApplied.
struct Apply {
  std::vector<CommittedEntry> entries;
};

// Entries wanted back from this node's own log: from first_index, at least one entry, then as
// many as max_bytes and last_index allow. Always answered by EntriesFetched.
struct FetchEntries {
  std::optional<NodeId> peer;  // for whom; none: to be applied here
  Index first_index = 0;
  Index last_index = 0;
  std::size_t max_bytes = 0;
};

// The configuration that the cluster begins with is to be kept as the snapshot of index 0, which
// has no content. Answered by FirstConfigurationStored.
struct StoreFirstConfiguration {
  Configuration configuration;
};

// A snapshot of the state machine as it is after `last`, which is the last entry handed out before
// this. Answered by SnapshotTaken or SnapshotNotTaken; one at a time.
struct TakeSnapshot {
  LogPosition last;
  Configuration configuration;
};

// A part of the newest snapshot is wanted, if that is still the one of `index`. Answered by
// SnapshotChunkFetched.
struct FetchSnapshotChunk {
  NodeId peer;
  Index index;
  std::uint64_t offset;
  std::size_t max_bytes;
};

// A part of a snapshot to be kept. Answered by SnapshotChunkStored or SnapshotChunkNotStored.
struct StoreSnapshotChunk {
  Peer from;
  SnapshotHead head;
  std::uint64_t offset;
  base::SharedBytes bytes;
};

// The state machine, after everything handed out before, becomes what the newest snapshot, that of
// `index`, says. Answered by SnapshotInstalled; entries that follow it may be handed out meanwhile.
struct InstallSnapshotContent {
  Index index;
};

// The end of a client request that the state machine will not answer.
struct Refuse {
  RequestNumber request;
  RefusalReason reason;
  std::string detail;  // a sentence for people, may be empty
};

// A transfer of leadership or a snapshot is done: `number` is the leader now, or the index.
struct Complete {
  RequestNumber request;
  std::uint64_t number;
};

// The configuration in force, handed out whenever it changed.
struct Members {
  Index index;  // of its entry; 0: the first one
  Configuration configuration;
};

// This node's place in the cluster, handed out whenever it changed.
struct Standing {
  Role role = Role::kFollower;
  Term term = 0;
  std::optional<NodeId> leader;

  friend bool operator==(const Standing&, const Standing&) = default;
};

enum class TraceLevel : std::uint8_t { kDebug, kInformation, kWarning };

// A sentence for the node's log.
struct Trace {
  TraceLevel level;
  std::string text;
};

struct Effects {
  std::optional<Persist> persist;
  std::vector<Send> sends;  // may leave at once
  std::optional<Apply> apply;
  std::vector<RequestNumber> serve_reads;  // answer from the state machine once `apply` and all
                                           // before it are applied
  std::optional<InstallSnapshotContent> install;  // before `apply`
  std::optional<TakeSnapshot> take_snapshot;      // after `apply`
  std::vector<Refuse> refusals;
  std::vector<Complete> completions;
  std::vector<FetchEntries> fetches;
  std::vector<FetchSnapshotChunk> chunk_fetches;
  std::vector<StoreSnapshotChunk> chunk_stores;
  std::optional<StoreFirstConfiguration> first_configuration;
  std::optional<Members> members;
  std::vector<Member> contacts;  // where nodes said that they are found
  std::optional<Standing> standing;
  std::vector<Trace> traces;
};

}  // namespace raft
