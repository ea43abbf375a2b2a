// What nodes say to each other: one struct a message, no field with two meanings. Every message
// carries its sender's current term; who sent it and to whom stands in the envelope (codec), each
// with the identity of a data directory. A node takes only what is addressed to its own directory;
// a Hello alone may be addressed to another, and thereby tells that the directory was replaced.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "raft/configuration.h"
#include "raft/entry.h"
#include "raft/snapshot_head.h"
#include "raft/types.h"

namespace raft {

// Dissertation §9.6: asks whether a vote would be granted, before any term is raised.
struct PreVoteRequest {
  Term term;           // the sender's current term, not raised yet
  Term proposed_term;  // the term it would stand in
  Index last_log_index;
  Term last_log_term;
};

struct PreVoteReply {
  Term term;
  Term proposed_term;  // of the request
  bool vote_granted;   // binds nobody and is not stored
};

// §5.2, §5.4.1
struct RequestVote {
  Term term;
  Index last_log_index;
  Term last_log_term;
  bool transfer = false;  // the leader itself wants this election: do not withhold the vote for it
};

struct RequestVoteReply {
  Term term;
  bool vote_granted;  // durable before this leaves
};

// §5.3. Entries travel as the records they are on disk.
struct AppendEntries {
  Term term;
  Index prev_log_index;
  Term prev_log_term;
  Index leader_commit;
  std::vector<Entry> entries;  // consecutive, from prev_log_index + 1
};

// The follower's log matches the leader's up to match_index, on disk.
struct AppendEntriesAccepted {
  Term term;
  Index match_index;
};

// The consistency check of §5.3 failed, with a hint that skips whole terms: the follower's log
// holds hint_index with hint_term, the last place that can match at or below prev_log_index.
struct AppendEntriesRejected {
  Term term;
  Index prev_log_index;  // of the request: tells a late rejection from a current one
  Index hint_index;
  Term hint_term;
};

// Keeps followers from standing, tells them what is committed, and confirms leadership for reads.
// It touches no disk, so that a busy disk neither delays reads nor unseats a leader.
struct Heartbeat {
  Term term;
  Index commit_index;        // at most what the receiver is known to hold
  std::uint64_t read_round;  // the newest round of ReadIndex (§6.4 of the dissertation)
};

struct HeartbeatReply {
  Term term;
  std::uint64_t read_round;  // of the heartbeat answered
  Index last_log_index;      // shows the leader that a message before was lost
};

// Tells a follower that more is committed, where no entries carry it. Nothing answers it: a
// heartbeat says the same again.
struct CommitAdvanced {
  Term term;
  Index commit_index;  // as in Heartbeat
};

struct ForwardedCommand {
  RequestNumber request;  // the sender's
  base::SharedBytes command;
};

// A follower passes commands on to the leader of `term`. The leader takes each at most once: the
// numbers of a sender only rise, and a message of another term is refused.
struct ForwardCommands {
  Term term;
  std::vector<ForwardedCommand> commands;
};

struct AcceptedCommand {
  RequestNumber request;
  Index index;  // of the entry, in the reply's term
};

// Answers ForwardCommands: what was appended, and what was surely not taken. A receiver that does
// not lead cannot tell whether it took a late copy while it led, so it names nothing.
struct ForwardCommandsReply {
  Term term;
  std::vector<AcceptedCommand> accepted;
  std::vector<RequestNumber> refused_busy;  // beyond the leader's limits
  std::vector<RequestNumber> passed_back;   // leadership is handed over: for the next leader
};

// A follower asks for the index that a read asked before this message must wait for.
struct ReadIndexRequest {
  Term term;
  std::uint64_t round;  // the sender's own count
};

struct ReadIndexReply {
  Term term;
  std::uint64_t round;
  std::optional<Index> read_index;  // none: the receiver does not lead, ask another
};

// Dissertation §3.10: the leader asks the receiver to stand at once.
struct TimeoutNow {
  Term term;
};

// §7: a part of a snapshot, for a follower whose next entry is compacted away: of the table of its
// blocks, or of its content.
struct InstallSnapshot {
  Term term;
  SnapshotHead head;
  std::uint64_t offset;  // of `bytes` in what travels (SnapshotHead::transfer_size)
  base::SharedBytes bytes;
};

// Answers InstallSnapshot: what the next part should be. Says nothing about what is installed;
// AppendEntriesAccepted does, once the snapshot is whole and on disk.
struct InstallSnapshotReply {
  Term term;
  Index snapshot_index;
  SnapshotDemand demand;
};

// What members are to become of the cluster, in one step (§4.3).
struct MembershipChange {
  std::vector<Member> add_voters;    // learners until they have caught up
  std::vector<Member> add_learners;  // and they stay learners
  std::vector<NodeId> promote;       // learners that become voters
  std::vector<NodeId> remove;

  friend bool operator==(const MembershipChange&, const MembershipChange&) = default;
};

// A node passes a change of members on to the leader of `term`, as it does with commands.
struct ForwardChange {
  Term term;
  RequestNumber request;  // the sender's
  MembershipChange change;
};

enum class RefusalReason : std::uint8_t {
  kNoLeader,        // not taken: no leader is known
  kBusy,            // not taken: a limit is reached, or another such request is under way
  kUnknownOutcome,  // taken, and leadership was lost: it may or may not take effect
  kConflict,        // not taken: it does not fit the members or roles as they are
  kDiskFull,        // not taken: there is no room on the leader's disk, or on those of a majority
};

// Answers ForwardCommands too: surely not taken, and why.
struct ForwardCommandsRefused {
  Term term;
  std::vector<RequestNumber> requests;
  RefusalReason reason;
  std::string detail;  // a sentence for people, may be empty
};

// Answers ForwardChange.
struct ForwardChangeReply {
  Term term;
  RequestNumber request;
  std::optional<Index> index;  // of the entry, in the reply's term; none where it was refused
  RefusalReason reason = RefusalReason::kNoLeader;
  std::string detail;  // a sentence for people, may be empty
};

// A node passes the wish for another leader on to the leader of `term`. Only a refusal is
// answered: a transfer that succeeds is seen by everyone.
struct ForwardTransfer {
  Term term;
  RequestNumber request;
  std::optional<NodeId> target;  // none: the leader chooses
};

struct ForwardTransferReply {
  Term term;
  RequestNumber request;
  RefusalReason reason;
  std::string detail;
};

// Who the sender is, where it is found, and which directory it has: said at the start, and while it
// knows no leader.
struct Hello {
  Term term;
  Member self;
  bool asks = false;  // for a Hello in return
  // The sender waits for the first configuration, or knows no other yet (A28).
  bool founding = false;
};

// A node whose log was damaged asks the leader how far its own reaches (repair.h).
struct RepairRequest {
  Term term;
  std::uint64_t nonce;  // drawn at the start of the sender
  Index last_index;     // that the sender vouches for: what it acknowledged behind it may be lost
};

// Answers RepairRequest, where the receiver leads.
struct RepairReply {
  Term term;
  std::uint64_t nonce;  // of the request
  Index last_index;     // of the leader's log, now
};

// A follower tells its leader of its disk: before each HeartbeatReply as long as it has not enough
// room, and once when it has again.
struct DiskSpaceReport {
  Term term;
  DiskSpace space;
};

using Message =
    std::variant<PreVoteRequest, PreVoteReply, RequestVote, RequestVoteReply, AppendEntries,
                 AppendEntriesAccepted, AppendEntriesRejected, Heartbeat, HeartbeatReply,
                 ForwardCommands, ForwardCommandsReply, ReadIndexRequest, ReadIndexReply,
                 TimeoutNow, InstallSnapshot, InstallSnapshotReply, ForwardChange,
                 ForwardChangeReply, ForwardTransfer, ForwardTransferReply, Hello, RepairRequest,
                 RepairReply, DiskSpaceReport, ForwardCommandsRefused, CommitAdvanced>;

[[nodiscard]] Term message_term(const Message& message);
[[nodiscard]] std::string_view message_name(const Message& message);
// Whether it may be long, and so travels where small ones pass it by.
[[nodiscard]] bool is_bulk(const Message& message);

}  // namespace raft
