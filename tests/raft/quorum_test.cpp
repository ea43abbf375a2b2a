#include "raft/quorum.h"

#include <algorithm>
#include <catch2/catch.hpp>

using raft::NodeId;
using raft::Quorum;

namespace {

std::vector<NodeId> voters(std::size_t size) {
  std::vector<NodeId> ids;
  for (NodeId id = 1; id <= size; ++id) ids.push_back(id);
  return ids;
}

std::set<NodeId> subset(std::size_t size, unsigned bits) {
  std::set<NodeId> ids;
  for (std::size_t i = 0; i < size; ++i) {
    if ((bits >> i & 1) != 0) ids.insert(i + 1);
  }
  return ids;
}

}  // namespace

TEST_CASE("quorum_any_two_majorities_share_a_node_sizes_1_to_7 (A9)") {
  for (std::size_t size = 1; size <= 7; ++size) {
    const Quorum quorum(voters(size));
    for (unsigned one = 0; one < 1U << size; ++one) {
      const bool majority = quorum.is_majority(subset(size, one));
      REQUIRE(majority == (2 * subset(size, one).size() > size));
      for (unsigned other = 0; majority && other < 1U << size; ++other) {
        if (quorum.is_majority(subset(size, other))) REQUIRE((one & other) != 0);
      }
    }
  }
}

TEST_CASE("quorum_reached_is_what_a_majority_has_at_least_sizes_1_to_7 (A9)") {
  for (std::size_t size = 1; size <= 7; ++size) {
    const Quorum quorum(voters(size));
    std::vector<std::uint64_t> match(size, 0);
    // All combinations of match indices 0, 1, 2.
    std::size_t combinations = 1;
    for (std::size_t i = 0; i < size; ++i) combinations *= 3;
    for (std::size_t number = 0; number < combinations; ++number) {
      std::size_t rest = number;
      for (auto& each : match) {
        each = rest % 3;
        rest /= 3;
      }
      const auto reached = quorum.reached_by_majority([&](NodeId id) { return match[id - 1]; });
      const auto having = [&](std::uint64_t value) {
        return static_cast<std::size_t>(
            std::count_if(match.begin(), match.end(), [&](auto m) { return m >= value; }));
      };
      REQUIRE(2 * having(reached) > size);
      REQUIRE(2 * having(reached + 1) <= size);
    }
  }
}

TEST_CASE("quorum_nodes_that_do_not_vote_do_not_count (A4)") {
  const Quorum quorum({1, 2, 3});
  REQUIRE_FALSE(quorum.is_majority({1, 7, 8, 9}));
  REQUIRE(quorum.is_majority({1, 2, 9}));
}
