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
  Encoder(const PeerIdentity& from, raft::NodeId to) : from_(from), to_(to), writer_(header_) {
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
    envelope(PeerKind::kRequestVote, {message.term, message.last_log_index, message.last_log_term});
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
    envelope(PeerKind::kForwardCommandsReply, {message.term}, 2);
    writer_.array(message.accepted.size() * 2);
    for (const auto& each : message.accepted) {
      writer_.number(each.request);
      writer_.number(each.index);
    }
    list(message.refused_busy);
  }
  void operator()(const raft::ReadIndexRequest& message) {
    envelope(PeerKind::kReadIndexRequest, {message.term, message.round});
  }
  void operator()(const raft::ReadIndexReply& message) {
    envelope(PeerKind::kReadIndexReply, {message.term, message.round}, 1);
    if (message.read_index) {
      writer_.number(*message.read_index);
    } else {
      writer_.nil();
    }
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
    constexpr std::size_t kEnvelopeFields = 5;
    writer_.array(kEnvelopeFields + numbers.size() + more);
    writer_.number(kPeerProtocol);
    writer_.text(from_.cluster);
    writer_.number(from_.node);
    writer_.number(to_);
    writer_.number(static_cast<std::uint64_t>(kind));
    for (const auto number : numbers) writer_.number(number);
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
  raft::NodeId to_;
  std::string header_;
  Writer writer_;
  Frames further_;
};

}  // namespace

Frames encode_peer_message(const PeerIdentity& from, raft::NodeId to,
                           const raft::Message& message) {
  Encoder encoder(from, to);
  std::visit(encoder, message);
  return encoder.finish();
}

}  // namespace codec
