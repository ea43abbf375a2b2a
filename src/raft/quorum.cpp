#include "raft/quorum.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "base/check.h"

namespace raft {

namespace {

void sort_distinct(std::vector<NodeId>& voters) {
  std::sort(voters.begin(), voters.end());
  CHECK(std::adjacent_find(voters.begin(), voters.end()) == voters.end(), "a voter is named twice");
}

bool holds_majority(const std::set<NodeId>& nodes, const std::vector<NodeId>& voters) {
  const auto count = std::count_if(voters.begin(), voters.end(),
                                   [&](NodeId voter) { return nodes.contains(voter); });
  return static_cast<std::size_t>(count) >= Quorum::majority_of(voters.size());
}

}  // namespace

Quorum::Quorum(std::vector<NodeId> voters, std::vector<NodeId> old_voters)
    : voters_(std::move(voters)), old_voters_(std::move(old_voters)) {
  sort_distinct(voters_);
  sort_distinct(old_voters_);
  std::set_union(voters_.begin(), voters_.end(), old_voters_.begin(), old_voters_.end(),
                 std::back_inserter(all_));
}

bool Quorum::is_voter(NodeId node) const {
  return std::binary_search(all_.begin(), all_.end(), node);
}

bool Quorum::is_majority(const std::set<NodeId>& nodes) const {
  return holds_majority(nodes, voters_) &&
         (old_voters_.empty() || holds_majority(nodes, old_voters_));
}

std::uint64_t Quorum::nth_largest(std::vector<std::uint64_t>& values, std::size_t n) {
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(n - 1);
  std::nth_element(values.begin(), nth, values.end(), std::greater<>());
  return *nth;
}

}  // namespace raft
