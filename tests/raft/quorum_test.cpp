#include "raft/quorum.h"

#include <algorithm>
#include <array>
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

namespace {

std::vector<NodeId> list(unsigned bits) {
  const auto ids = subset(4, bits);
  return {ids.begin(), ids.end()};
}

}  // namespace

TEST_CASE("quorum_joint_needs_a_majority_of_both_all_pairs_of_4_nodes (4.3)") {
  for (unsigned old_bits = 1; old_bits < 16; ++old_bits) {
    for (unsigned new_bits = 1; new_bits < 16; ++new_bits) {
      const Quorum before(list(old_bits));
      const Quorum after(list(new_bits));
      const Quorum joint(list(new_bits), list(old_bits));
      for (unsigned one = 0; one < 16; ++one) {
        const bool majority = joint.is_majority(subset(4, one));
        REQUIRE(majority ==
                (before.is_majority(subset(4, one)) && after.is_majority(subset(4, one))));
        for (unsigned other = 0; majority && other < 16; ++other) {
          // No majority of the one before or the one after decides without it (A2).
          const bool decides =
              before.is_majority(subset(4, other)) || after.is_majority(subset(4, other));
          if (decides) REQUIRE((one & other) != 0);
        }
      }
      for (NodeId node = 1; node <= 5; ++node) {
        REQUIRE(joint.is_voter(node) == (before.is_voter(node) || after.is_voter(node)));
      }
    }
  }
}

TEST_CASE("quorum_joint_reached_is_the_lower_of_both (4.3)") {
  for (unsigned old_bits = 1; old_bits < 16; ++old_bits) {
    for (unsigned new_bits = 1; new_bits < 16; ++new_bits) {
      const Quorum joint(list(new_bits), list(old_bits));
      for (unsigned number = 0; number < 81; ++number) {
        const std::array<std::uint64_t, 4> match = {number % 3, number / 3 % 3, number / 9 % 3,
                                                    number / 27};
        const auto reached = joint.reached_by_majority([&](NodeId id) { return match[id - 1]; });
        std::set<NodeId> having;
        std::set<NodeId> having_more;
        for (NodeId id = 1; id <= 4; ++id) {
          if (match[id - 1] >= reached) having.insert(id);
          if (match[id - 1] > reached) having_more.insert(id);
        }
        REQUIRE(joint.is_majority(having));
        REQUIRE_FALSE(joint.is_majority(having_more));
      }
    }
  }
}

TEST_CASE("quorum_without_voters_agrees_on_nothing") {
  const Quorum none({});
  REQUIRE_FALSE(none.is_majority({}));
  REQUIRE_FALSE(none.is_majority({1, 2}));
  REQUIRE(none.reached_by_majority([](NodeId) { return std::uint64_t{7}; }) == 0);
}
