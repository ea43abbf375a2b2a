// Quorum: what a majority of the voters is, and what it agrees on. The only place that counts.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "raft/types.h"

namespace raft {

class Quorum {
 public:
  // Distinct, not empty.
  explicit Quorum(std::vector<NodeId> voters);

  [[nodiscard]] const std::vector<NodeId>& voters() const { return voters_; }
  [[nodiscard]] bool is_voter(NodeId node) const;
  // More than half, also of an even number (A9).
  [[nodiscard]] std::size_t majority() const { return voters_.size() / 2 + 1; }

  // Whether those of `nodes` that are voters form a majority.
  [[nodiscard]] bool is_majority(const std::set<NodeId>& nodes) const;
  // The largest value that a majority of the voters has reached, of `reached(voter)`.
  template <typename Reached>
  [[nodiscard]] std::uint64_t reached_by_majority(Reached reached) const {
    std::vector<std::uint64_t> values;
    values.reserve(voters_.size());
    for (const NodeId voter : voters_) values.push_back(reached(voter));
    return nth_largest(values, majority());
  }

 private:
  [[nodiscard]] static std::uint64_t nth_largest(std::vector<std::uint64_t>& values, std::size_t n);
  std::vector<NodeId> voters_;
};

}  // namespace raft
