// PeerKind: which message a first frame carries. The numbers are on the wire (docs/protocol.md,
// "Peers") and never change their meaning. For the sources of src/codec alone.
#pragma once

#include <cstdint>

namespace codec {

enum class PeerKind : std::uint64_t {
  kPreVoteRequest = 1,
  kPreVoteReply = 2,
  kRequestVote = 3,
  kRequestVoteReply = 4,
  kAppendEntries = 5,
  kAppendEntriesAccepted = 6,
  kAppendEntriesRejected = 7,
  kHeartbeat = 8,
  kHeartbeatReply = 9,
  kForwardCommands = 10,
  kForwardCommandsReply = 11,
  kReadIndexRequest = 12,
  kReadIndexReply = 13,
  kTimeoutNow = 14,
  kInstallSnapshot = 15,
  kInstallSnapshotReply = 16,
  kForwardChange = 17,
  kForwardChangeReply = 18,
  kForwardTransfer = 19,
  kForwardTransferReply = 20,
  kHello = 21,
  kRepairRequest = 22,
  kRepairReply = 23,
  kDiskSpaceReport = 24,
  kForwardCommandsRefused = 25,
  kCommitAdvanced = 26,
};

}  // namespace codec
