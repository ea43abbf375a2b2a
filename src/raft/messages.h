// What nodes say to each other: one struct a message, no field with two meanings. Every message
// carries its sender's current term; who sent it and to whom stands in the envelope (codec).
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "raft/entry.h"
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

using Message =
    std::variant<PreVoteRequest, PreVoteReply, RequestVote, RequestVoteReply, AppendEntries,
                 AppendEntriesAccepted, AppendEntriesRejected, Heartbeat, HeartbeatReply,
                 ForwardCommands, ForwardCommandsReply, ReadIndexRequest, ReadIndexReply>;

[[nodiscard]] Term message_term(const Message& message);
[[nodiscard]] std::string_view message_name(const Message& message);

}  // namespace raft
