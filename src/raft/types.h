// The words of Figure 2 of the Raft paper (Ongaro and Ousterhout, 2014) as types.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace raft {

using NodeId = std::uint64_t;  // 1 and above
using Term = std::uint64_t;    // 0 before the first election, then only rising
using Index = std::uint64_t;   // of a log entry: the first is 1; 0 means "before the first"

// Of a data directory, drawn at its creation; 0: not known. A node that lost its directory is
// another one, whatever its id (A28).
using Identity = std::uint64_t;

// A client request while this process runs; unique within the data directory: the number of
// starts of the directory in the upper 20 bits, a counter in the lower 44: a million starts, and
// nearly three years without one at 200,000 requests a second. Numbers only rise.
using RequestNumber = std::uint64_t;
inline constexpr int kRequestCounterBits = 44;

// Milliseconds on a clock that never goes back; its zero means nothing. 64 bits never overflow.
using Milliseconds = std::uint64_t;

// Where a message comes from or goes to: a node, and the data directory it is meant for.
struct Peer {
  NodeId id = 0;
  Identity identity = 0;

  friend bool operator==(const Peer&, const Peer&) = default;
};

// kLearner: a follower that is no voter; it never stands.
enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader, kLearner };

[[nodiscard]] constexpr std::string_view role_name(Role role) {
  switch (role) {
    case Role::kFollower:
      return "follower";
    case Role::kPreCandidate:
      return "pre_candidate";
    case Role::kCandidate:
      return "candidate";
    case Role::kLeader:
      return "leader";
    case Role::kLearner:
      return "learner";
  }
  return "unknown";
}

// What room the disk of a node has. kLow: it takes no more commands on as a leader, and what is
// under way still fits. kFull: it takes no commands at all; only what is small and seldom, and term
// and vote, which need no room.
enum class DiskSpace : std::uint8_t { kEnough, kLow, kFull };

// A place in the log, with what the next record has to follow.
struct LogPosition {
  Index index = 0;
  Term term = 0;
  std::uint64_t checksum = 0;  // of the record at index; 0 at index 0
  Milliseconds time_ms = 0;    // the log's time there

  friend bool operator==(const LogPosition&, const LogPosition&) = default;
};

// What must be on disk before a promise: Figure 2, "persistent state on all servers". The log,
// the third part of it, is stored by itself.
struct HardState {
  Term current_term = 0;
  std::optional<NodeId> voted_for;  // in current_term

  friend bool operator==(const HardState&, const HardState&) = default;
};

}  // namespace raft
