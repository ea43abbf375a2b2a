// Server: the Raft consensus core of one node. Pure: events in, effects out; no clock, socket,
// file, thread or log call. Same options, same restored state, same events: the same effects,
// byte for byte. Owned by one actor and called from its thread alone.
//
//   for (event of a turn) server.step(event);
//   Effects effects = server.take_effects();   // one batch a turn: the group commit
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "raft/effects.h"
#include "raft/events.h"
#include "raft/types.h"

namespace raft {

struct Options {
  Member self;  // id, identity, endpoints, priority
  // The voters of a new cluster, this node among them; empty where this node is to join one. Used
  // where nothing is restored. Identities that are not known (0) are asked for, and nobody stands
  // before all are (A28).
  std::vector<Member> first_members;
  Milliseconds election_timeout_ms = 300;  // drawn anew from [this, 2 * this) for each wait
  Milliseconds heartbeat_interval_ms = 50;
  std::size_t max_append_bytes = 1 << 20;        // of entries in one AppendEntries
  std::size_t window_messages = 64;              // AppendEntries in flight to one peer
  std::size_t window_bytes = 8 << 20;            // entries in flight to one peer
  std::size_t max_uncommitted_bytes = 64 << 20;  // or not on the leader's own disk; beyond it, busy
  std::size_t max_applying_bytes = 8 << 20;      // handed out and not yet applied
  std::size_t log_memory_bytes = 32 << 20;       // of entries kept in memory
  std::size_t snapshot_log_bytes = 256 << 20;    // of entries applied since the last snapshot
  std::size_t trailing_entries = 10'000;         // kept behind a snapshot, for slow followers
  std::uint64_t snapshot_bytes_per_second = 0;   // sent to all followers together; 0: no limit
  Milliseconds max_disk_wait_ms = 1000;          // of a leader for its disk; beyond it, it leaves
  // Reads without asking a majority, as long as it answered within the election timeout, less this
  // many percent for clocks that run at different speeds. 0: off (A12).
  std::uint32_t read_lease_drift_percent = 0;
  std::uint64_t seed = 1;  // of the election timeouts
};

// What the disk held at start.
struct TermRun {
  Index first_index;  // from here on …
  Term term;          // … entries are of this term
};

struct ConfigurationEntry {
  Index index;
  Configuration configuration;
};

struct Restored {
  HardState hard_state;
  Index applied_index = 0;         // of the state machine
  LogPosition base;                // the stored log begins after it
  std::vector<TermRun> term_runs;  // of the whole stored log; empty where the log is
  std::vector<Entry> recent;       // a tail of the log, its last entry included; any part of it
  Index last_index = 0;            // base.index where the log is empty
  std::uint64_t last_checksum = 0;
  Milliseconds last_time_ms = 0;
  std::size_t log_bytes = 0;                       // of the whole stored log
  std::vector<ConfigurationEntry> configurations;  // all that the stored log holds
  // The newest, from base.index to last_index, where the log agrees with it (A19); that of index 0
  // has the first configuration and no content. None: the node has never been part of a cluster.
  std::optional<SnapshotHead> snapshot;
  // What was stored was damaged and cut off: from this entry on the log may lack what this node
  // once acknowledged (repair.h).
  std::optional<Index> doubt;
};

// For people and for status requests; a copy, valid at the moment it was made.
struct PeerStatus {
  NodeId id;
  bool reachable;     // answered within two election timeouts; known to the leader only
  Index match_index;  // known to the leader only, like next_index
  Index next_index;
};

struct Status {
  NodeId id;
  Role role;
  Term term;
  std::optional<NodeId> voted_for;
  std::optional<NodeId> leader;
  Index commit_index;
  Index applied_index;
  Index durable_index;
  Index first_index;
  Index last_index;
  Index snapshot_index;
  Index configuration_index;
  Configuration configuration;
  DiskSpace disk_space;
  std::vector<PeerStatus> peers;
  std::optional<Index> doubt;                     // from this entry on it cannot vouch for its log
  std::map<std::string, std::uint64_t> counters;  // sizes of every table and queue of the core
};

struct State;

class Server {
 public:
  Server(Options options, Restored restored);
  ~Server();
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;

  // Runs to completion. After each step the invariants are checked.
  void step(Event event);

  // The effects of all steps since the last call.
  [[nodiscard]] Effects take_effects();

  [[nodiscard]] Status status() const;
  // Read-only, for the invariants of tests and simulation.
  [[nodiscard]] const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace raft
