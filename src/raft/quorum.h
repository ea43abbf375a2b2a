// Quorum: what a majority of the voters is, and what it agrees on. The only place that counts. In a
// joint configuration the old and the new voters have to agree, each by a majority of its own
// (dissertation §4.3).
#pragma once

#include <algorithm>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "raft/types.h"

namespace raft {

class Quorum {
 public:
  // Each distinct. Without voters nothing is ever agreed on.
  explicit Quorum(std::vector<NodeId> voters, std::vector<NodeId> old_voters = {});

  // Old and new ones, by rising id.
  [[nodiscard]] const std::vector<NodeId>& voters() const { return all_; }
  [[nodiscard]] bool is_voter(NodeId node) const;
  // More than half, also of an even number (A9).
  [[nodiscard]] static std::size_t majority_of(std::size_t voters) { return voters / 2 + 1; }

  // Whether those of `nodes` that are voters form a majority, of the old ones too where joint.
  [[nodiscard]] bool is_majority(const std::set<NodeId>& nodes) const;
  // The largest value that a majority of the voters has reached, of `reached(voter)`; where joint,
  // the lower one of both majorities. 0 without voters.
  template <typename Reached>
  [[nodiscard]] std::uint64_t reached_by_majority(Reached reached) const {
    const std::uint64_t by_new = reached_by(voters_, reached);
    return old_voters_.empty() ? by_new : std::min(by_new, reached_by(old_voters_, reached));
  }

 private:
  template <typename Reached>
  [[nodiscard]] static std::uint64_t reached_by(const std::vector<NodeId>& voters,
                                                Reached& reached) {
    if (voters.empty()) return 0;
    std::vector<std::uint64_t> values;
    values.reserve(voters.size());
    for (const NodeId voter : voters) values.push_back(reached(voter));
    return nth_largest(values, majority_of(voters.size()));
  }
  [[nodiscard]] static std::uint64_t nth_largest(std::vector<std::uint64_t>& values, std::size_t n);

  std::vector<NodeId> voters_;
  std::vector<NodeId> old_voters_;  // empty where not joint
  std::vector<NodeId> all_;
};

}  // namespace raft
