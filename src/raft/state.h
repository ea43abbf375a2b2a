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
#include <utility>
#include <variant>
#include <vector>

#include "base/random.h"
#include "raft/configurations.h"
#include "raft/durability.h"
#include "raft/effects.h"
#include "raft/log.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/server.h"
#include "raft/snapshot_rate.h"

namespace raft {

struct FollowerState {
  std::optional<Peer> leader;  // of current_term
  // When the leader was last heard: the tick before it, then the tick after it. So it counts as
  // heard no shorter than it was, whatever a pause lies between (read leases).
  std::optional<Milliseconds> heard_at;
  bool heard_since_tick = false;
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

// A change of members that was passed on by another node, or asked here.
struct PendingChange {
  std::optional<NodeId> asked_by;  // none: a client of this node
  RequestNumber request;
  MembershipChange change;
};

// Leadership is being handed over (dissertation §3.10). New commands are held meanwhile.
struct Transfer {
  NodeId target;
  Milliseconds deadline;  // given up then
  Milliseconds told_at = 0;
  bool told = false;  // to stand at once
  struct Asked {
    std::optional<NodeId> asked_by;  // none: a client of this node
    RequestNumber request;
  };
  std::vector<Asked> asked;  // who waits for it
};

// A server that the configuration drops, until it knows (departures.h).
struct Departure {
  Identity identity;
  Index index;             // of the configuration without it
  Milliseconds behind_at;  // when it was last seen not to have that, or that was not committed
};

// Messages that a majority answered were sent after this leader could still lead (read leases).
struct SentRound {
  std::uint64_t number;
  Milliseconds sent_at;
};

struct LeaderState {
  std::map<NodeId, Progress> peers;  // all other members, and departures
  std::map<NodeId, Departure> departures;
  Index first_index_of_term = 0;  // its no-op
  Milliseconds began_at = 0;
  Milliseconds log_time_ms = 0;  // the log's time when it began
  Milliseconds heartbeat_due = 0;
  Index settled_index = 0;          // as last counted, State::settled_index()
  std::size_t unsettled_bytes = 0;  // of the entries after it that are in memory

  std::vector<PendingCommand> pending_commands;
  std::size_t pending_bytes = 0;
  std::map<Identity, RequestNumber> forwarded_up_to;       // of each sender: each is taken once
  std::map<NodeId, ForwardCommandsReply> forward_replies;  // of this turn

  std::vector<PendingChange> pending_changes;       // of this turn
  std::map<Identity, RequestNumber> changes_up_to;  // of each sender: each is taken once
  std::map<NodeId, Member> descriptions;            // as members said, where it is news
  std::optional<Transfer> transfer;
  Milliseconds next_preference_at = 0;  // when a node of higher priority is looked for again
  Milliseconds leave_disk_at = 0;       // when a node with more room is looked for again
  bool asked_to_stand = false;          // someone was, in this term: no lease is safe any more
  bool leaving = false;                 // a committed configuration goes on without this node

  std::vector<PendingRead> waiting_reads;  // for the next round
  std::optional<ReadRound> read_round;     // the one that is being confirmed
  std::uint64_t last_read_round = 0;
  std::deque<SentRound> sent_rounds;        // where reads have a lease, not yet confirmed
  std::optional<Milliseconds> lease_began;  // when the newest confirmed round was sent
};

using RoleState = std::variant<FollowerState, PreCandidateState, CandidateState, LeaderState>;

// A client of this node waits for the entry at `index`, if it is of `term` (A13).
struct WaitingWrite {
  Index index;
  Term term;
  RequestNumber request;
};

// Commands of this node's clients by the number of their request: a leader takes those of one
// sender only as they rise.
class CommandsByRequest {
 public:
  using Commands = std::map<RequestNumber, base::SharedBytes>;

  // One that is not there.
  void add(RequestNumber request, base::SharedBytes command);
  // Its command; none where the request is not there.
  std::optional<base::SharedBytes> remove(RequestNumber request) {
    auto found = commands_.extract(request);
    if (found.empty()) return std::nullopt;
    bytes_ -= record_bytes(found.mapped());
    return std::move(found.mapped());
  }
  [[nodiscard]] Commands take_all() {
    bytes_ = 0;
    return std::exchange(commands_, {});
  }
  [[nodiscard]] bool empty() const { return commands_.empty(); }
  [[nodiscard]] std::size_t size() const { return commands_.size(); }
  // As a leader counts them.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  [[nodiscard]] static std::size_t record_bytes(const base::SharedBytes& command) {
    return kRecordHeaderSize + command.size();
  }

 private:
  Commands commands_;
  std::size_t bytes_ = 0;
};

// Requests of this node's clients on their way through the leader.
struct Forwarding {
  CommandsByRequest commands;  // of this turn
  // Taken while this node led, and never in its log, or passed back by who hands leadership over:
  // they go to the next leader, but not to that of `passed_back_in`, which did not take them.
  CommandsByRequest released;
  Milliseconds released_at = 0;  // the first of them
  Term passed_back_in = 0;
  CommandsByRequest unanswered;                // sent to the leader, not yet accepted or refused
  std::set<RequestNumber> unanswered_changes;  // of members, the same
  // Of all commands in it.
  [[nodiscard]] std::size_t bytes() const {
    return commands.bytes() + released.bytes() + unanswered.bytes();
  }

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

// A transfer that a client of this node waits for: until `target` leads.
struct WaitingTransfer {
  RequestNumber request;
  std::optional<NodeId> target;  // none: whoever leads next
  NodeId from;                   // who led when it was asked
  Term term;                     // and in which term
};

// Before it is part of a cluster (A28): what the other first members said of themselves.
struct Admission {
  std::map<NodeId, Member> heard;
  bool replaced = false;       // the cluster knows this node under another directory
  bool storing = false;        // all are heard, the first configuration goes to disk
  bool told_unknown = false;   // a member does not know this node as one: told once
  bool told_left = false;      // that this node has left the cluster: told once
  Milliseconds hello_due = 0;  // to all, while no leader is known
};

struct Snapshots {
  explicit Snapshots(SnapshotRate of_sending) : rate(of_sending) {}

  std::optional<SnapshotHead> newest;  // on this node's disk
  bool taking = false;
  bool installing = false;
  bool storing = false;  // a part of one: the next is not taken before, so that none is replaced
                         // while it is installed
  std::size_t log_bytes_since = 0;         // applied since the newest, or the one being taken
  std::size_t log_bytes_taking = 0;        // applied before the one being taken
  Milliseconds not_before = 0;             // after one that found no room
  std::vector<RequestNumber> asked;        // clients of this node that wait for one
  std::vector<RequestNumber> asked_later;  // came while one was being taken: for the next
  SnapshotRate rate;                       // of sending, as a leader
  NodeId served_last = 0;                  // where that is limited: who got the last part
};

// The stored log was damaged and cut: this node may lack what it once acknowledged (repair.h).
struct Doubt {
  Index from = 0;           // the first entry that may be lacking
  Index proven = 0;         // up to here the log is as acknowledged, or a leader showed it since
  std::uint64_t nonce = 0;  // of this start: tells its answers from those to an earlier one
  std::optional<Index> target;  // committed up to here, the log is whole; none: no leader said yet
  Term asked_in = 0;            // the leader of this term was asked
  Milliseconds ask_at = 0;      // to be asked again then
  Milliseconds tell_at = 0;     // people are told then that no leader is heard
  std::optional<std::uint64_t> order;  // the number of the Persist that ends it
};

// What was handed out, so that each order is given once.
struct Output {
  Effects effects;
  bool hard_state_changed = false;
  std::optional<LogPosition> reset_to;
  std::optional<Index> compact_to;
  std::vector<Send> promises;
  std::optional<Index> truncate_from;
  bool settles_doubt = false;
  Index persisted_to = 0;  // entries up to here were handed out in Persist
  Index applied_to = 0;    // entries up to here were handed out in Apply, or in a snapshot
  std::optional<LogPosition> applied_position;  // of applied_to, where it is known
  bool fetching_to_apply = false;
  struct Applying {
    Index last_index;
    std::size_t bytes;
  };
  std::deque<Applying> applying;  // handed out, not yet applied
  std::size_t applying_bytes = 0;
  std::optional<Standing> standing;   // as last handed out
  std::uint64_t members_version = 0;  // of the configuration handed out last
};

static_assert(std::variant_size_v<RoleState> == static_cast<std::size_t>(Role::kLeader) + 1,
              "RoleState lists its alternatives in the order of Role");

struct State {
  State(Options options, const Restored& restored);

  Options options;
  Configurations configurations;
  Quorum quorum;  // of the configuration in force
  base::Random random;
  HardState hard_state;
  Log log;
  Durability durability;
  RoleState role_state;
  Milliseconds now = 0;
  bool clock_started = false;
  Milliseconds started_at = 0;                // where the clock has started
  DiskSpace disk_space = DiskSpace::kEnough;  // of this node
  Index commit_index = 0;
  Index applied_index = 0;
  std::deque<WaitingWrite> waiting_writes;  // by rising index; at a leader, all in its log
  std::deque<IndexedRead> indexed_reads;
  std::vector<RequestNumber> expired;  // in this turn
  Forwarding forwarding;
  std::vector<WaitingTransfer> waiting_transfers;
  Admission admission;
  std::optional<Doubt> doubt;
  Snapshots snapshots;
  Output output;

  [[nodiscard]] NodeId id() const { return options.self.id; }
  [[nodiscard]] const Configuration& configuration() const { return configurations.current(); }
  // The log, and with it the configuration in force.
  void append_to_log(std::vector<Entry> entries);
  void truncate_log_from(Index index);
  // Count by the configuration in force now.
  void follow_configuration();
  // Whether this directory, not only this id, has a vote in the configuration in force.
  [[nodiscard]] bool is_voter() const;
  // Whether it may stand: it vouches for its log, and is a voter, or one that a configuration votes
  // out which is not known to be committed; it may be the only one to hold it (dissertation
  // §4.2.2). Of those before it the last one that is committed may be any (it may have been let in
  // since what it knows to be committed). Its own vote counts by the configuration in force all the
  // same.
  [[nodiscard]] bool may_stand() const;
  // Whether a configuration that is known to be committed does without this directory: then it
  // waits in silence to be let in again (dissertation §4.2.3).
  [[nodiscard]] bool has_left() const;
  // One of the first members, to which the directories of the others are not known yet: it takes no
  // part until it has heard all of them, or the log of a leader names its own directory (A28).
  [[nodiscard]] bool awaits_admission() const;
  // Whether `peer` is a member, by the directory that the configuration in force names.
  [[nodiscard]] bool is_member(const Peer& peer) const;
  // The address of a node: as the configuration in force, or else the leader itself, says.
  [[nodiscard]] Peer peer(NodeId node) const;
  [[nodiscard]] Term current_term() const { return hard_state.current_term; }
  [[nodiscard]] Role role() const { return static_cast<Role>(role_state.index()); }
  // As people see it: a follower without a vote is a learner.
  [[nodiscard]] Role standing_role() const {
    return role() == Role::kFollower && !quorum.is_voter(id()) ? Role::kLearner : role();
  }
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
  void send(const Peer& to, Message message);
  void send(NodeId to, Message message) { send(peer(to), std::move(message)); }
  void send_to_voters(const Message& message);
  // To leave only after everything handed out so far is on disk.
  void promise(const Peer& to, Message message);
  void refuse(RequestNumber request, RefusalReason reason, std::string detail = {});
  void complete(RequestNumber request, std::uint64_t number);
  void trace(TraceLevel level, std::string text);
};

}  // namespace raft
