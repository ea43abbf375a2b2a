// Configuration: who belongs to the cluster, and whose agreement counts. It is an entry of the log
// like any other, and in force as soon as it is in the log, committed or not (dissertation §4.1).
//
// A change of voters passes through a joint configuration (§4.3): `old_voters` and `voters` must
// agree, each by its own majority, until the joint configuration is committed and the next one
// drops `old_voters`. Members who are to become voters come in as learners first: `goal` names the
// voters wanted once all of them have caught up (§4.2.1). Who only loses the vote leaves with the
// joint configuration too, unless `demoted` says that it stays as a learner.
//
// Invariants, checked where bytes become a Configuration: members by rising id, at most
// kMaxMembers; each list by rising id, without doubles, and of members only; not both old_voters
// and goal; demoted only where there is one of the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "raft/types.h"

namespace raft {

inline constexpr std::size_t kMaxMembers = 64;
inline constexpr std::size_t kMaxEndpointBytes = 256;

struct Member {
  NodeId id = 0;
  Identity identity = 0;       // of its data directory; 0: not known yet
  std::uint32_t priority = 0;  // leadership settles on the highest that can have it
  std::string peer;            // endpoints, for other nodes, clients and subscribers
  std::string client;
  std::string publish;

  friend bool operator==(const Member&, const Member&) = default;
};

struct Configuration {
  std::vector<Member> members;     // voters and learners
  std::vector<NodeId> voters;      // of C_new where joint
  std::vector<NodeId> old_voters;  // of C_old; empty where not joint
  std::vector<NodeId> goal;        // the voters to be; empty where nobody has to catch up
  std::vector<NodeId> demoted;     // voters who stay as learners when they lose their vote

  [[nodiscard]] bool joint() const { return !old_voters.empty(); }
  // In C_old or C_new.
  [[nodiscard]] bool is_voter(NodeId node) const;
  [[nodiscard]] const Member* find(NodeId node) const;
  // A change of voters is under way: it waits for learners, or is joint.
  [[nodiscard]] bool changing() const { return joint() || !goal.empty(); }

  friend bool operator==(const Configuration&, const Configuration&) = default;
};

[[nodiscard]] bool contains(std::span<const NodeId> sorted, NodeId node);

// docs/log-format.md specifies the bytes. Members by themselves: as in a configuration, in any
// order.
[[nodiscard]] base::SharedBytes encode_members(std::span<const Member> members);
[[nodiscard]] base::Result<std::vector<Member>> decode_members(std::span<const std::byte> bytes);
[[nodiscard]] base::SharedBytes encode_configuration(const Configuration& configuration);
[[nodiscard]] base::Result<Configuration> decode_configuration(std::span<const std::byte> bytes);

}  // namespace raft
