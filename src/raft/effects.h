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
  NodeId to;
  Message message;
};

// To be written in this order: the hard state, the truncation, the entries; then one sync; then
// `promises` leave, and Persisted{number} comes back. Orders are carried out one after the other,
// so promises also wait for every order before this one. A failed sync stops the node.
struct Persist {
  std::uint64_t number = 0;             // 1, 2, 3 …
  std::optional<HardState> hard_state;  // where it changed
  std::optional<Index> truncate_from;   // this entry and all after it are removed
  std::vector<Entry> entries;           // appended after the truncation, consecutive
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
// many as max_bytes and last_index allow. Answered by EntriesFetched.
struct FetchEntries {
  std::optional<NodeId> peer;  // for whom; none: to be applied here
  Index first_index = 0;
  Index last_index = 0;
  std::size_t max_bytes = 0;
};

enum class RefusalReason : std::uint8_t {
  kNoLeader,        // not taken: no leader is known
  kBusy,            // not taken: a limit is reached
  kUnknownOutcome,  // taken, and leadership was lost: it may or may not take effect
};

// The end of a client request that the state machine will not answer.
struct Refuse {
  RequestNumber request;
  RefusalReason reason;
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
  std::vector<Refuse> refusals;
  std::vector<FetchEntries> fetches;
  std::optional<Standing> standing;
  std::vector<Trace> traces;
};

}  // namespace raft
