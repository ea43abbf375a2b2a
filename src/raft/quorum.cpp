#include "raft/quorum.h"

#include <algorithm>
#include <functional>

#include "base/check.h"

namespace raft {

Quorum::Quorum(std::vector<NodeId> voters) : voters_(std::move(voters)) {
  std::sort(voters_.begin(), voters_.end());
  CHECK(!voters_.empty(), "a cluster without voters");
  CHECK(std::adjacent_find(voters_.begin(), voters_.end()) == voters_.end(),
        "a voter is named twice");
}

bool Quorum::is_voter(NodeId node) const {
  return std::binary_search(voters_.begin(), voters_.end(), node);
}

bool Quorum::is_majority(const std::set<NodeId>& nodes) const {
  const auto count = std::count_if(voters_.begin(), voters_.end(),
                                   [&](NodeId voter) { return nodes.contains(voter); });
  return static_cast<std::size_t>(count) >= majority();
}

std::uint64_t Quorum::nth_largest(std::vector<std::uint64_t>& values, std::size_t n) {
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(n - 1);
  std::nth_element(values.begin(), nth, values.end(), std::greater<>());
  return *nth;
}

}  // namespace raft
