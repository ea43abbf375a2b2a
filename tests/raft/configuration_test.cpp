#include "raft/configuration.h"

#include <catch2/catch.hpp>

#include "cluster.h"
#include "raft/membership.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

std::vector<Member> members_of(const std::vector<NodeId>& ids) {
  std::vector<Member> members;
  for (const NodeId id : ids) members.push_back(member_of(id));
  return members;
}

// Members 1 to `count`, of whom `voters` vote.
Configuration of(NodeId count, std::vector<NodeId> voters, std::vector<NodeId> old_voters = {},
                 std::vector<NodeId> goal = {}, std::vector<NodeId> demoted = {}) {
  std::vector<NodeId> ids;
  for (NodeId id = 1; id <= count; ++id) ids.push_back(id);
  return {members_of(ids), std::move(voters), std::move(old_voters), std::move(goal),
          std::move(demoted)};
}

std::vector<NodeId> ids(const Configuration& configuration) {
  std::vector<NodeId> ids;
  for (const Member& member : configuration.members) ids.push_back(member.id);
  return ids;
}

using Ids = std::vector<NodeId>;

struct Change {
  Ids add;
  Ids learner = {};
  Ids promote = {};
  Ids remove = {};
};

base::Result<Configuration> after(const Configuration& before, const Change& change) {
  return changed(
      before, {members_of(change.add), members_of(change.learner), change.promote, change.remove});
}

std::string error(const Configuration& before, const Change& change) {
  const auto result = after(before, change);
  return result ? "none" : result.error();
}

}  // namespace

TEST_CASE("configuration_returns_as_it_was_encoded") {
  for (const Configuration& each :
       {of(3, {1, 2, 3}), of(5, {2, 4}, {1, 2, 3}), of(4, {1, 2, 3}, {}, {1, 4}), Configuration{},
        of(64, {1, 64}), of(3, {1, 2}, {1, 2, 3}, {}, {3})}) {
    const auto decoded = decode_configuration(encode_configuration(each).span());
    REQUIRE(decoded);
    REQUIRE(*decoded == each);
  }
}

TEST_CASE("configuration_every_cut_is_noticed") {
  const std::string whole(encode_configuration(of(4, {1, 2}, {2, 3})).view());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    REQUIRE_FALSE(decode_configuration(bytes(whole.substr(0, size)).span()).ok());
  }
  REQUIRE_FALSE(decode_configuration(bytes(whole + '\0').span()).ok());
}

TEST_CASE("configuration_every_flipped_bit_gives_another_one_or_none") {
  const Configuration before = of(4, {1, 2}, {2, 3});
  const std::string whole(encode_configuration(before).view());
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string flipped = whole;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto decoded = decode_configuration(bytes(flipped).span());
    if (!decoded) continue;
    REQUIRE_FALSE(*decoded == before);
    // What is taken holds the invariants: it can be encoded, and is what the bytes say.
    REQUIRE(encode_configuration(*decoded).view() == flipped);
  }
}

TEST_CASE("configuration_that_breaks_its_invariants_is_refused") {
  // The last two bytes are the number of nodes in the goal, before it old voters, before it voters.
  const auto spoiled = [](std::size_t from_end, char value) {
    std::string whole(encode_configuration(of(3, {1, 2})).view());
    whole[whole.size() - from_end] = value;
    return decode_configuration(bytes(whole).span()).ok();
  };
  REQUIRE(spoiled(12, 3));        // voters 1 and 3
  REQUIRE_FALSE(spoiled(12, 4));  // no member
  REQUIRE_FALSE(spoiled(12, 1));  // twice
  REQUIRE_FALSE(spoiled(20, 3));  // out of order
  std::string no_voters(encode_configuration(of(1, {1})).view());
  no_voters.erase(no_voters.size() - 12, 8);
  no_voters[no_voters.size() - 6] = 0;
  REQUIRE_FALSE(decode_configuration(bytes(no_voters).span()).ok());
  // Whoever stays as a learner is named only where a vote is to be lost, and never as an empty
  // list.
  std::string demoted(encode_configuration(of(2, {1, 2})).view());
  REQUIRE_FALSE(decode_configuration(bytes(demoted + std::string(2, '\0')).span()).ok());
  demoted += std::string("\1\0\2\0\0\0\0\0\0\0", 10);
  REQUIRE_FALSE(decode_configuration(bytes(demoted).span()).ok());
}

TEST_CASE("configuration_more_members_than_can_be_are_refused_B19") {
  REQUIRE_FALSE(decode_configuration(bytes(std::string("\xff\xff", 2)).span()).ok());
  REQUIRE_FALSE(decode_members(bytes(std::string("\x41\x00", 2)).span()).ok());
}

TEST_CASE("changed_new_voters_are_learners_with_a_goal_first (A5)") {
  const auto next = after(of(3, {1, 2, 3}), {.add = {4, 5}});
  REQUIRE(next);
  REQUIRE(ids(*next) == Ids{1, 2, 3, 4, 5});
  REQUIRE(next->voters == Ids{1, 2, 3});
  REQUIRE_FALSE(next->joint());
  REQUIRE(next->goal == Ids{1, 2, 3, 4, 5});
}

TEST_CASE("changed_voters_that_only_go_go_by_joint_consensus_at_once") {
  const auto next = after(of(3, {1, 2, 3}), {.add = {}, .remove = {1, 2}});
  REQUIRE(next);
  REQUIRE(next->old_voters == Ids{1, 2, 3});
  REQUIRE(next->voters == Ids{3});
  REQUIRE(ids(*next) == Ids{1, 2, 3});
  const Configuration last = without_old_voters(*next);
  REQUIRE(last.voters == Ids{3});
  REQUIRE(ids(last) == Ids{3});
  REQUIRE_FALSE(last.changing());
}

TEST_CASE("changed_learners_come_and_go_without_a_vote") {
  const auto with = after(of(3, {1, 2, 3}), {.add = {}, .learner = {7}});
  REQUIRE(with);
  REQUIRE(ids(*with) == Ids{1, 2, 3, 7});
  REQUIRE_FALSE(with->changing());
  const auto without = after(*with, {.add = {}, .remove = {7}});
  REQUIRE(without);
  REQUIRE(*without == of(3, {1, 2, 3}));
}

TEST_CASE("changed_all_in_one_step") {
  const auto next =
      after(of(4, {1, 2, 3}), {.add = {5}, .learner = {6}, .promote = {4}, .remove = {1, 2}});
  REQUIRE(next);
  REQUIRE(next->goal == Ids{3, 4, 5});
  REQUIRE(next->voters == Ids{1, 2, 3});
  const Configuration joint = joint_to_goal(*next);
  REQUIRE(joint.old_voters == Ids{1, 2, 3});
  REQUIRE(joint.voters == Ids{3, 4, 5});
  REQUIRE(joint.goal.empty());
  REQUIRE(ids(without_old_voters(joint)) == Ids{3, 4, 5, 6});
}

TEST_CASE("changed_what_is_under_way_can_be_changed_again") {
  const Configuration waits = of(4, {1, 2, 3}, {}, {1, 2, 3, 4});
  const auto undone = after(waits, {.add = {}, .remove = {4}});
  REQUIRE(undone);
  REQUIRE(*undone == of(3, {1, 2, 3}));
  const auto more = after(waits, {.add = {5}, .remove = {1}});
  REQUIRE(more);
  REQUIRE(more->goal == Ids{2, 3, 4, 5});
  REQUIRE(more->voters == Ids{1, 2, 3});
}

TEST_CASE("changed_adding_a_member_again_changes_nothing_of_it") {
  REQUIRE(*after(of(3, {1, 2, 3}), {.add = {3}}) == of(3, {1, 2, 3}));
  Member moved = member_of(3);
  moved.peer = "elsewhere";
  REQUIRE(*changed(of(3, {1, 2, 3}), {{moved}, {}, {}, {}}) == of(3, {1, 2, 3}));
  // A directory that was not known becomes known.
  Configuration unseen = of(3, {1, 2});
  unseen.members[2].identity = 0;
  REQUIRE(*changed(unseen, {{}, {member_of(3)}, {}, {}}) == of(3, {1, 2}));
}

TEST_CASE("changed_a_voter_that_is_demoted_stays_as_a_learner") {
  const auto next = after(of(3, {1, 2, 3}), {.add = {}, .learner = {3}, .remove = {3}});
  REQUIRE(next);
  REQUIRE(next->voters == Ids{1, 2});
  REQUIRE(next->old_voters == Ids{1, 2, 3});
  REQUIRE(next->demoted == Ids{3});
  REQUIRE(without_old_voters(*next) == of(3, {1, 2}));
}

TEST_CASE("changed_a_voter_that_was_to_leave_may_stay_as_a_learner") {
  const Configuration waits = of(4, {1, 2, 3}, {}, {1, 2, 4});
  const auto next = after(waits, {.add = {}, .learner = {3}});
  REQUIRE(next);
  REQUIRE(next->goal == Ids{1, 2, 4});
  REQUIRE(without_old_voters(joint_to_goal(*next)) == of(4, {1, 2, 4}));
  // And leave after all, or keep its vote.
  REQUIRE(after(*next, {.add = {}, .remove = {3}})->demoted.empty());
  REQUIRE(after(*next, {.add = {}, .promote = {3}})->demoted.empty());
  // What is under way keeps in mind who stays.
  REQUIRE(after(*next, {.add = {5}})->demoted == Ids{3});
}

TEST_CASE("changed_what_cannot_be_says_why") {
  const Configuration three = of(4, {1, 2, 3});
  REQUIRE(error(three, {.add = {}, .learner = {3}}) ==
          "Node 3 is a voter: it cannot become a learner.");
  REQUIRE(error(three, {.add = {}, .promote = {5}}) == "Node 5 is no member.");
  REQUIRE(error(three, {.add = {}, .remove = {5}}) == "Node 5 is no member.");
  REQUIRE(error(three, {.add = {5}, .remove = {5}}) == "Node 5 cannot come and go in one step.");
  REQUIRE(error(three, {.add = {}, .learner = {5}, .remove = {5}}) ==
          "Node 5 cannot come and go in one step.");
  REQUIRE(error(three, {.add = {}, .promote = {4}, .remove = {4}}) ==
          "Node 4 cannot come and go in one step.");
  REQUIRE(error(three, {.add = {}, .remove = {1, 2, 3}}) == "A cluster keeps at least one voter.");
  REQUIRE(error(of(64, {1}), {.add = {65}}) == "A cluster has at most 64 members.");
  REQUIRE(changed(three, {{member_of(3, 2)}, {}, {}, {}}).error() ==
          "Node 3 is a member with another data directory: let that one leave first.");
}

TEST_CASE("changed_a_member_that_no_configuration_can_hold_is_refused") {
  REQUIRE(error(of(3, {1, 2, 3}), {.add = {0}}) == "The id of a node is 1 or more.");
  Member member = member_of(4);
  for (std::string* endpoint : {&member.peer, &member.client, &member.publish}) {
    const std::string before = std::exchange(*endpoint, std::string(257, 'x'));
    REQUIRE(changed(of(3, {1, 2, 3}), {{}, {member}, {}, {}}).error() ==
            "An endpoint of node 4 has 257 bytes, at most 256 are taken.");
    *endpoint = before;
  }
}

TEST_CASE("configurations_the_last_one_is_in_force_and_truncation_brings_back (A3)") {
  Configurations all({}, of(3, {1, 2, 3}));
  all.append(4, of(3, {1, 2}));
  all.append(9, of(3, {1}));
  REQUIRE(all.index() == 9);
  REQUIRE(all.at(8).voters == Ids{1, 2});
  REQUIRE(all.at(3).voters == Ids{1, 2, 3});
  const auto version = all.version();
  all.truncate_from(10);
  REQUIRE(all.version() == version);
  all.truncate_from(9);
  REQUIRE(all.index() == 4);
  REQUIRE(all.current().voters == Ids{1, 2});
  REQUIRE(all.version() > version);
  all.compact(6);
  REQUIRE(all.at(6).voters == Ids{1, 2});
  REQUIRE(all.current().voters == Ids{1, 2});
  all.reset(20, of(2, {2}));
  REQUIRE(all.index() == 20);
  REQUIRE(all.at(20).voters == Ids{2});
}
