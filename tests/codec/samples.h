// Valid messages and requests, to be compared, cut and mutated by the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include "codec/peer_codec.h"
#include "raft/entry.h"

namespace samples {

inline const codec::PeerIdentity kSender{"test", 1, 1001};
inline const codec::PeerIdentity kReceiver{"test", 2, 1002};

// `count` entries of `term` from `first_index`, chained to `previous_checksum`, in one block.
inline std::vector<raft::Entry> entries(raft::Index first_index, std::size_t count, raft::Term term,
                                        std::uint64_t previous_checksum,
                                        std::size_t payload_bytes = 5) {
  raft::EntryBlockBuilder builder(previous_checksum);
  for (std::size_t i = 0; i < count; ++i) {
    builder.add(first_index + i, term, raft::EntryKind::kCommand,
                base::SharedBytes::take(std::string(payload_bytes, 'x')));
  }
  return builder.finish();
}

// `blocks` blocks of `per_block` entries each from `first_index`, one chain.
inline std::vector<raft::Entry> blocks(raft::Index first_index, std::size_t blocks,
                                       std::size_t per_block, raft::Term term) {
  std::vector<raft::Entry> all;
  std::uint64_t previous = first_index == 1 ? 0 : 77;
  for (std::size_t i = 0; i < blocks; ++i) {
    auto block = entries(first_index + all.size(), per_block, term, previous);
    previous = block.back().checksum();
    all.insert(all.end(), block.begin(), block.end());
  }
  return all;
}

inline raft::AppendEntries append(std::vector<raft::Entry> entries) {
  const raft::Index first = entries.front().index;
  const raft::Term term = entries.front().term;
  return {.term = 9,
          .prev_log_index = first - 1,
          .prev_log_term = first == 1 ? 0 : term,
          .leader_commit = 3,
          .entries = std::move(entries)};
}

inline raft::Member member(raft::NodeId id) {
  return {id, 1000 + id, 7, "tcp://127.0.0.1:3111", "tcp://127.0.0.1:4111", "tcp://127.0.0.1:5111"};
}

inline raft::SnapshotHead snapshot_head() {
  return {
      {40, 7, 0xfeedfeedfeedfeed, 12'345}, {{member(1), member(2)}, {1}, {}, {1, 2}}, 1000, 99, 3};
}

// One of each kind at least; lists empty and filled.
inline std::vector<raft::Message> messages() {
  const auto command = [](std::string_view text) { return base::SharedBytes::copy_of(text); };
  return {
      raft::PreVoteRequest{7, 8, 20, 6},
      raft::PreVoteRequest{0, 1, 0, 0},
      raft::PreVoteReply{7, 8, true},
      raft::RequestVote{8, 20, 6},
      raft::RequestVote{8, 20, 6, true},
      raft::RequestVoteReply{8, false},
      raft::AppendEntries{8, 20, 6, 19, {}},
      append(blocks(1, 1, 3, 4)),
      append(blocks(21, 3, 2, 5)),
      raft::AppendEntriesAccepted{8, 26},
      raft::AppendEntriesRejected{8, 20, 15, 4},
      raft::Heartbeat{8, 19, 300},
      raft::HeartbeatReply{8, 300, 26},
      raft::ForwardCommands{8, {{1001, command("one")}, {1002, command("")}, {1003, command("3")}}},
      raft::ForwardCommands{8, {{std::uint64_t{1} << 40, command("alone")}}},
      raft::ForwardCommands{8, {}},
      raft::ForwardCommandsReply{8, {{1001, 27}, {1003, 28}}, {1004, 1005}, {1006}},
      raft::ForwardCommandsReply{8, {}, {}, {}},
      raft::ReadIndexRequest{8, 12},
      raft::ReadIndexReply{8, 12, 26},
      raft::ReadIndexReply{8, 13, std::nullopt},
      raft::TimeoutNow{8},
      raft::InstallSnapshot{8, snapshot_head(), 100, command("a part")},
      raft::InstallSnapshot{8, snapshot_head(), 0, command("")},
      raft::InstallSnapshotReply{8, 40, {106, 894, 70}},
      raft::ForwardChange{8, 77, {{member(4), member(5)}, {member(6)}, {3}, {1, 2}}},
      raft::ForwardChange{8, 78, {{}, {}, {}, {1}}},
      raft::ForwardChangeReply{8, 77, 41, raft::RefusalReason::kNoLeader, ""},
      raft::ForwardChangeReply{8, 77, std::nullopt, raft::RefusalReason::kConflict, "No."},
      raft::ForwardTransfer{8, 79, 3},
      raft::ForwardTransfer{8, 80, std::nullopt},
      raft::ForwardTransferReply{8, 79, raft::RefusalReason::kBusy, "Later."},
      raft::Hello{0, member(1), true, true},
      raft::Hello{8, member(1), false, false},
      raft::RepairRequest{8, std::uint64_t{1} << 60, 20},
      raft::RepairReply{8, std::uint64_t{1} << 60, 26},
      raft::DiskSpaceReport{8, raft::DiskSpace::kFull},
      raft::ForwardCommandsRefused{8, {1004, 1005}, raft::RefusalReason::kDiskFull, "No room."},
      raft::CommitAdvanced{8, 19},
  };
}

inline codec::Frames encoded(const raft::Message& message) {
  return codec::encode_peer_message(kSender, {kReceiver.node, kReceiver.identity}, message);
}

}  // namespace samples
