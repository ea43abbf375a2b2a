#include <algorithm>
#include <vector>

#include "codec/message_pack.h"
#include "codec/peer_codec.h"
#include "codec/peer_kind.h"

namespace codec {
namespace {

// Up to this many runs of entries travel as they are. Beyond, small runs are copied together:
// a frame costs more than the copy of a small run.
constexpr std::size_t kMaxRuns = 64;
// Of the bytes of all runs; a run of at least this share is never copied, so that at most
// kLargeShare large runs and the joined ones around them make a message.
constexpr std::size_t kLargeShare = 16;

// Neighbouring records of one buffer as one run.
std::vector<base::SharedBytes> merge_runs(const std::vector<raft::Entry>& entries) {
  std::vector<base::SharedBytes> runs;
  for (const auto& entry : entries) {
    if (!runs.empty() && runs.back().continues_with(entry.record)) {
      const base::SharedBytes& run = runs.back();
      runs.back() = {run.owner(), run.data(), run.size() + entry.record.size()};
    } else {
      runs.push_back(entry.record);
    }
  }
  return runs;
}

Frames join_small_runs(const std::vector<base::SharedBytes>& runs) {
  std::size_t total = 0;
  for (const auto& run : runs) total += run.size();

  Frames frames;
  std::string joined;
  const auto flush = [&] {
    if (!joined.empty()) frames.push_back(base::SharedBytes::take(std::move(joined)));
    joined.clear();
  };
  for (const auto& run : runs) {
    if (run.size() >= total / kLargeShare) {
      flush();
      frames.push_back(run);
    } else {
      joined.append(run.view());
    }
  }
  flush();
  return frames;
}

// Writes the fields of a message behind the envelope, and its further frames.
class Encoder {
 public:
  Encoder(const PeerIdentity& from, const raft::Peer& to) : from_(from), to_(to), writer_(header_) {
    header_.reserve(64 + from.cluster.size());
  }

  void operator()(const raft::PreVoteRequest& message) {
    envelope(PeerKind::kPreVoteRequest,
             {message.term, message.proposed_term, message.last_log_index, message.last_log_term});
  }
  void operator()(const raft::PreVoteReply& message) {
    envelope(PeerKind::kPreVoteReply, {message.term, message.proposed_term}, 1);
    writer_.boolean(message.vote_granted);
  }
  void operator()(const raft::RequestVote& message) {
    envelope(PeerKind::kRequestVote, {message.term, message.last_log_index, message.last_log_term},
             1);
    writer_.boolean(message.transfer);
  }
  void operator()(const raft::RequestVoteReply& message) {
    envelope(PeerKind::kRequestVoteReply, {message.term}, 1);
    writer_.boolean(message.vote_granted);
  }
  void operator()(const raft::AppendEntries& message) {
    envelope(PeerKind::kAppendEntries,
             {message.term, message.prev_log_index, message.prev_log_term, message.leader_commit});
    further_ = merge_runs(message.entries);
    if (further_.size() > kMaxRuns) further_ = join_small_runs(further_);
  }
  void operator()(const raft::AppendEntriesAccepted& message) {
    envelope(PeerKind::kAppendEntriesAccepted, {message.term, message.match_index});
  }
  void operator()(const raft::AppendEntriesRejected& message) {
    envelope(PeerKind::kAppendEntriesRejected,
             {message.term, message.prev_log_index, message.hint_index, message.hint_term});
  }
  void operator()(const raft::Heartbeat& message) {
    envelope(PeerKind::kHeartbeat, {message.term, message.commit_index, message.read_round});
  }
  void operator()(const raft::CommitAdvanced& message) {
    envelope(PeerKind::kCommitAdvanced, {message.term, message.commit_index});
  }
  void operator()(const raft::HeartbeatReply& message) {
    envelope(PeerKind::kHeartbeatReply, {message.term, message.read_round, message.last_log_index});
  }
  void operator()(const raft::ForwardCommands& message) {
    envelope(PeerKind::kForwardCommands, {message.term}, 1);
    writer_.array(message.commands.size() * 2);
    for (const auto& each : message.commands) {
      writer_.number(each.request);
      writer_.number(each.command.size());
    }
    further_.push_back(concatenate(message.commands));
  }
  void operator()(const raft::ForwardCommandsReply& message) {
    envelope(PeerKind::kForwardCommandsReply, {message.term}, 3);
    writer_.array(message.accepted.size() * 2);
    for (const auto& each : message.accepted) {
      writer_.number(each.request);
      writer_.number(each.index);
    }
    list(message.refused_busy);
    list(message.passed_back);
  }
  void operator()(const raft::ReadIndexRequest& message) {
    envelope(PeerKind::kReadIndexRequest, {message.term, message.round});
  }
  void operator()(const raft::ReadIndexReply& message) {
    envelope(PeerKind::kReadIndexReply, {message.term, message.round}, 1);
    optional(message.read_index);
  }
  void operator()(const raft::TimeoutNow& message) {
    envelope(PeerKind::kTimeoutNow, {message.term});
  }
  void operator()(const raft::InstallSnapshot& message) {
    const raft::SnapshotHead& head = message.head;
    envelope(PeerKind::kInstallSnapshot,
             {message.term, head.last.index, head.last.term, head.last.checksum, head.last.time_ms,
              head.size, head.content_checksum, head.blocks, message.offset});
    further_.push_back(raft::encode_configuration(head.configuration));
    further_.push_back(message.bytes);
  }
  void operator()(const raft::InstallSnapshotReply& message) {
    envelope(PeerKind::kInstallSnapshotReply,
             {message.term, message.snapshot_index, message.demand.next_offset,
              message.demand.wanted, message.demand.to_copy});
  }
  void operator()(const raft::ForwardChange& message) {
    envelope(PeerKind::kForwardChange, {message.term, message.request}, 2);
    list(message.change.promote);
    list(message.change.remove);
    further_.push_back(raft::encode_members(message.change.add_voters));
    further_.push_back(raft::encode_members(message.change.add_learners));
  }
  void operator()(const raft::ForwardChangeReply& message) {
    envelope(PeerKind::kForwardChangeReply, {message.term, message.request}, 3);
    optional(message.index);
    writer_.number(static_cast<std::uint64_t>(message.reason));
    writer_.text(message.detail);
  }
  void operator()(const raft::ForwardTransfer& message) {
    envelope(PeerKind::kForwardTransfer, {message.term, message.request}, 1);
    optional(message.target);
  }
  void operator()(const raft::ForwardTransferReply& message) {
    envelope(PeerKind::kForwardTransferReply,
             {message.term, message.request, static_cast<std::uint64_t>(message.reason)}, 1);
    writer_.text(message.detail);
  }
  void operator()(const raft::Hello& message) {
    envelope(PeerKind::kHello, {message.term, message.self.priority}, 5);
    writer_.text(message.self.peer);
    writer_.text(message.self.client);
    writer_.text(message.self.publish);
    writer_.boolean(message.asks);
    writer_.boolean(message.founding);
  }
  void operator()(const raft::RepairRequest& message) {
    envelope(PeerKind::kRepairRequest, {message.term, message.nonce, message.last_index});
  }
  void operator()(const raft::RepairReply& message) {
    envelope(PeerKind::kRepairReply, {message.term, message.nonce, message.last_index});
  }
  void operator()(const raft::DiskSpaceReport& message) {
    envelope(PeerKind::kDiskSpaceReport, {message.term, static_cast<std::uint64_t>(message.space)});
  }
  void operator()(const raft::ForwardCommandsRefused& message) {
    envelope(PeerKind::kForwardCommandsRefused,
             {message.term, static_cast<std::uint64_t>(message.reason)}, 2);
    writer_.text(message.detail);
    list(message.requests);
  }

  [[nodiscard]] Frames finish() {
    Frames frames;
    frames.reserve(1 + further_.size());
    frames.push_back(base::SharedBytes::take(std::move(header_)));
    std::move(further_.begin(), further_.end(), std::back_inserter(frames));
    return frames;
  }

 private:
  // `numbers` are the kind's first fields; `more` fields are written by the caller.
  void envelope(PeerKind kind, std::initializer_list<std::uint64_t> numbers, std::size_t more = 0) {
    constexpr std::size_t kEnvelopeFields = 7;
    writer_.array(kEnvelopeFields + numbers.size() + more);
    writer_.number(kPeerProtocol);
    writer_.text(from_.cluster);
    writer_.number(from_.node);
    writer_.number(to_.id);
    writer_.number(static_cast<std::uint64_t>(kind));
    writer_.number(from_.identity);
    writer_.number(to_.identity);
    for (const auto number : numbers) writer_.number(number);
  }

  void optional(const std::optional<std::uint64_t>& number) {
    if (number) {
      writer_.number(*number);
    } else {
      writer_.nil();
    }
  }

  void list(const std::vector<std::uint64_t>& numbers) {
    writer_.array(numbers.size());
    for (const auto number : numbers) writer_.number(number);
  }

  static base::SharedBytes concatenate(const std::vector<raft::ForwardedCommand>& commands) {
    if (commands.size() == 1) return commands.front().command;
    std::size_t size = 0;
    for (const auto& each : commands) size += each.command.size();
    std::string all;
    all.reserve(size);
    for (const auto& each : commands) all.append(each.command.view());
    return base::SharedBytes::take(std::move(all));
  }

  const PeerIdentity& from_;
  raft::Peer to_;
  std::string header_;
  Writer writer_;
  Frames further_;
};

}  // namespace

Frames encode_peer_message(const PeerIdentity& from, const raft::Peer& to,
                           const raft::Message& message) {
  Encoder encoder(from, to);
  std::visit(encoder, message);
  return encoder.finish();
}

}  // namespace codec
