// State: everything one server knows, as in Figure 2, and the effects it has yet to hand out.
// Internal to src/raft: the rules stand in a file a concept, as functions over this state; tests
// and the simulator read it.
//
// Invariants: invariants.h, checked after every step.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "base/random.h"
#include "raft/durability.h"
#include "raft/effects.h"
#include "raft/log.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/server.h"

namespace raft {

struct FollowerState {
  std::optional<NodeId> leader;          // of current_term
  std::optional<Milliseconds> heard_at;  // when the leader was last heard
  Milliseconds election_deadline = 0;
};

struct PreCandidateState {
  std::set<NodeId> granted;  // this node included
  Milliseconds election_deadline = 0;
};

struct CandidateState {
  std::set<NodeId> granted;  // this node once its own vote is on disk
  Milliseconds election_deadline = 0;
};

// A command taken in this turn, to be encoded with the others of the turn in one block.
struct PendingCommand {
  std::optional<NodeId> forwarded_by;
  RequestNumber request;
  base::SharedBytes command;
};

// A read asked here or by a follower; it is answered at `index` once its round is confirmed.
struct PendingRead {
  std::optional<NodeId> asked_by;
  std::uint64_t request;  // the RequestNumber here, the round of the follower there
};

struct ReadRound {
  std::uint64_t number = 0;
  Index index = 0;  // commit index when the round began
  std::vector<PendingRead> reads;
};

struct LeaderState {
  std::map<NodeId, Progress> peers;
  Index first_index_of_term = 0;  // its no-op
  Milliseconds heartbeat_due = 0;
  Index settled_index = 0;          // as last counted, State::settled_index()
  std::size_t unsettled_bytes = 0;  // of the entries after it that are in memory

  std::vector<PendingCommand> pending_commands;
  std::size_t pending_bytes = 0;
  std::map<NodeId, RequestNumber> forwarded_up_to;         // of each sender: each is taken once
  std::map<NodeId, ForwardCommandsReply> forward_replies;  // of this turn

  std::vector<PendingRead> waiting_reads;  // for the next round
  std::optional<ReadRound> read_round;     // the one that is being confirmed
  std::uint64_t last_read_round = 0;
};

using RoleState = std::variant<FollowerState, PreCandidateState, CandidateState, LeaderState>;

// A client of this node waits for the entry at `index`, if it is of `term` (A13).
struct WaitingWrite {
  Index index;
  Term term;
  RequestNumber request;
};

// Requests of this node's clients on their way through the leader.
struct Forwarding {
  std::vector<ForwardedCommand> commands;  // of this turn
  std::set<RequestNumber> unanswered;      // sent to the leader, not yet accepted or refused

  // The round is the number of its last read: rising, and never used again after a restart.
  struct AskedReads {
    std::uint64_t round;
    std::vector<RequestNumber> requests;
  };
  std::vector<RequestNumber> reads;  // of this turn
  std::deque<AskedReads> asked;      // sent to the leader, by rising round
  Milliseconds asked_at = 0;         // when the newest round was sent
};

// A read of a client of this node that may be answered once `index` is applied here.
struct IndexedRead {
  Index index;
  RequestNumber request;
};

// What was handed out, so that each order is given once.
struct Output {
  Effects effects;
  bool hard_state_changed = false;
  std::vector<Send> promises;
  std::optional<Index> truncate_from;
  Index persisted_to = 0;  // entries up to here were handed out in Persist
  Index applied_to = 0;    // entries up to here were handed out in Apply
  bool fetching_to_apply = false;
  struct Applying {
    Index last_index;
    std::size_t bytes;
  };
  std::deque<Applying> applying;  // handed out, not yet applied
  std::size_t applying_bytes = 0;
  std::optional<Standing> standing;  // as last handed out
};

static_assert(std::variant_size_v<RoleState> == static_cast<std::size_t>(Role::kLeader) + 1,
              "RoleState lists its alternatives in the order of Role");

struct State {
  State(Options options, const Restored& restored);

  Options options;
  Quorum quorum;
  base::Random random;
  HardState hard_state;
  Log log;
  Durability durability;
  RoleState role_state;
  Milliseconds now = 0;
  bool clock_started = false;
  Index commit_index = 0;
  Index applied_index = 0;
  std::deque<WaitingWrite> waiting_writes;  // by rising index; at a leader, all in its log
  std::deque<IndexedRead> indexed_reads;
  std::vector<RequestNumber> expired;  // in this turn
  Forwarding forwarding;
  Output output;

  [[nodiscard]] NodeId id() const { return options.id; }
  [[nodiscard]] Term current_term() const { return hard_state.current_term; }
  [[nodiscard]] Role role() const { return static_cast<Role>(role_state.index()); }
  [[nodiscard]] std::optional<NodeId> leader() const;
  template <typename Kind>
  [[nodiscard]] Kind* as() {
    return std::get_if<Kind>(&role_state);
  }
  template <typename Kind>
  [[nodiscard]] const Kind* as() const {
    return std::get_if<Kind>(&role_state);
  }

  [[nodiscard]] bool hard_state_durable() const {
    return !output.hard_state_changed && durability.hard_state_durable();
  }

  // Committed, and on this node's disk: nothing takes these entries away any more.
  [[nodiscard]] Index settled_index() const {
    return std::min(commit_index, durability.durable_index());
  }

  // To leave as soon as the term it carries is on disk.
  void send(NodeId to, Message message);
  void send_to_peers(const Message& message);
  // To leave only after everything handed out so far is on disk.
  void promise(NodeId to, Message message);
  void refuse(RequestNumber request, RefusalReason reason);
  void trace(TraceLevel level, std::string text);
};

}  // namespace raft
