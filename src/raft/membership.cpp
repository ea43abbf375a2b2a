#include "raft/membership.h"

#include <algorithm>
#include <set>

#include "raft/forwarding.h"
#include "raft/repair.h"
#include "raft/replication.h"

namespace raft {
namespace {

std::vector<NodeId> to_list(const std::set<NodeId>& nodes) { return {nodes.begin(), nodes.end()}; }

base::Error cannot(std::string why) { return base::Error{std::move(why)}; }

// True where it is a member already. `member` takes the place by its id.
base::Result<bool> add_member(Configuration& configuration, const Member& member) {
  if (member.id == 0) return cannot("The id of a node is 1 or more.");
  for (const auto* endpoint : {&member.peer, &member.client, &member.publish}) {
    if (endpoint->size() <= kMaxEndpointBytes) continue;
    return cannot(fmt::format("An endpoint of node {} has {} bytes, at most {} are taken.",
                              member.id, endpoint->size(), kMaxEndpointBytes));
  }
  auto& members = configuration.members;
  const auto place = std::lower_bound(members.begin(), members.end(), member.id,
                                      [](const Member& m, NodeId id) { return m.id < id; });
  if (place == members.end() || place->id != member.id) {
    if (members.size() == kMaxMembers) {
      return cannot(fmt::format("A cluster has at most {} members.", kMaxMembers));
    }
    members.insert(place, member);
    return false;
  }
  if (place->identity != 0 && member.identity != 0 && place->identity != member.identity) {
    return cannot(fmt::format(
        "Node {} is a member with another data directory: let that one leave first.", member.id));
  }
  if (place->identity == 0) place->identity = member.identity;
  return true;
}

bool is_named(const std::vector<Member>& members, NodeId node) {
  return std::any_of(members.begin(), members.end(),
                     [&](const Member& member) { return member.id == node; });
}

// What a change is to lead to.
struct Wanted {
  std::set<NodeId> voters;
  std::set<NodeId> demoted;  // lose their vote, and stay

  void vote(NodeId node) {
    voters.insert(node);
    demoted.erase(node);
  }
};

base::Result<bool> add_members(Configuration& next, const MembershipChange& change,
                               Wanted& wanted) {
  for (const Member& member : change.add_learners) {
    const auto was_member = add_member(next, member);
    if (!was_member) return cannot(was_member.error());
    const bool leaves = std::count(change.remove.begin(), change.remove.end(), member.id) > 0;
    if (wanted.voters.contains(member.id) && !leaves) {
      return cannot(fmt::format("Node {} is a voter: it cannot become a learner.", member.id));
    }
    if (contains(next.voters, member.id)) wanted.demoted.insert(member.id);
  }
  for (const Member& member : change.add_voters) {
    const auto was_member = add_member(next, member);
    if (!was_member) return cannot(was_member.error());
    wanted.vote(member.id);
  }
  for (const NodeId node : change.promote) {
    if (next.find(node) == nullptr) return cannot(fmt::format("Node {} is no member.", node));
    wanted.vote(node);
  }
  return true;
}

base::Result<bool> remove_members(const Configuration& next, const MembershipChange& change,
                                  Wanted& wanted) {
  for (const NodeId node : change.remove) {
    if (next.find(node) == nullptr) return cannot(fmt::format("Node {} is no member.", node));
    const bool stays = is_named(change.add_learners, node);
    const bool comes = is_named(change.add_voters, node) ||
                       std::count(change.promote.begin(), change.promote.end(), node) > 0 ||
                       (stays && !contains(next.voters, node));
    if (comes) return cannot(fmt::format("Node {} cannot come and go in one step.", node));
    wanted.voters.erase(node);
    if (!stays) wanted.demoted.erase(node);
  }
  if (wanted.voters.empty()) return cannot("A cluster keeps at least one voter.");
  return true;
}

void drop(Configuration& configuration, const std::set<NodeId>& nodes) {
  std::erase_if(configuration.members,
                [&](const Member& member) { return nodes.contains(member.id); });
}

bool is_learner_of_goal(const Configuration& configuration, NodeId node) {
  return contains(configuration.goal, node) && !contains(configuration.voters, node);
}

// All of the goal have caught up and can be reached (A5).
bool goal_has_caught_up(const State& state, LeaderState& leader) {
  const Configuration& configuration = state.configuration();
  bool all = true;
  for (auto& [node, progress] : leader.peers) {
    if (!is_learner_of_goal(configuration, node)) continue;
    // Rounds are timed for each of them, also while others lag behind.
    const bool caught_up =
        progress.caught_up(state.log.last_index(), state.now, state.options.election_timeout_ms);
    all = all && caught_up && progress.reachable && configuration.find(node)->identity != 0 &&
          !is_in_doubt(state, progress);
  }
  return all;
}

void append_configuration(State& state, const Configuration& configuration) {
  append_as_leader(state, EntryKind::kConfiguration, encode_configuration(configuration));
}

void answer_refused(State& state, const PendingChange& pending, RefusalReason reason,
                    const std::string& detail) {
  if (pending.asked_by) {
    state.send(*pending.asked_by, ForwardChangeReply{state.current_term(), pending.request,
                                                     std::nullopt, reason, detail});
  } else {
    state.refuse(pending.request, reason, detail);
  }
}

void answer_taken(State& state, const PendingChange& pending) {
  const Index index = state.log.last_index();
  if (pending.asked_by) {
    state.send(*pending.asked_by,
               ForwardChangeReply{
                   state.current_term(), pending.request, index, RefusalReason::kNoLeader, {}});
  } else {
    state.waiting_writes.push_back({index, state.current_term(), pending.request});
  }
}

// A configuration may be appended now.
bool is_free(const State& state, const LeaderState& leader) {
  return state.commit_index >= leader.first_index_of_term &&
         state.configurations.index() <= state.commit_index && !leader.transfer && !leader.leaving;
}

void take_pending(State& state, LeaderState& leader) {
  for (const PendingChange& pending : std::exchange(leader.pending_changes, {})) {
    if (!is_free(state, leader) || state.configuration().joint()) {
      answer_refused(state, pending, RefusalReason::kBusy,
                     "Another change of members or of the leader is under way. Try again later.");
      continue;
    }
    const auto next = changed(state.configuration(), pending.change);
    if (!next) {
      answer_refused(state, pending, RefusalReason::kConflict, next.error());
      continue;
    }
    append_configuration(state, *next);
    answer_taken(state, pending);
    state.trace(TraceLevel::kInformation,
                fmt::format("changes the members with entry {}", state.log.last_index()));
  }
}

// Addresses, priorities and directories as members said themselves.
bool take_descriptions(State& state, LeaderState& leader) {
  if (leader.descriptions.empty()) return false;
  Configuration next = state.configuration();
  for (Member& member : next.members) {
    const auto said = leader.descriptions.find(member.id);
    if (said == leader.descriptions.end()) continue;
    const bool is_new_learner = member.identity == 0 && !next.is_voter(member.id);
    if (said->second.identity == member.identity || is_new_learner) member = said->second;
  }
  leader.descriptions.clear();
  if (next == state.configuration()) return false;
  append_configuration(state, next);
  return true;
}

}  // namespace

base::Result<Configuration> changed(const Configuration& configuration,
                                    const MembershipChange& change) {
  CHECK(!configuration.joint(), "a joint configuration is left before the next change");
  Configuration next = configuration;
  const auto& voters = configuration.goal.empty() ? configuration.voters : configuration.goal;
  Wanted wanted{{voters.begin(), voters.end()},
                {configuration.demoted.begin(), configuration.demoted.end()}};
  const auto added = add_members(next, change, wanted);
  if (!added) return cannot(added.error());
  const auto removed = remove_members(next, change, wanted);
  if (!removed) return cannot(removed.error());

  std::set<NodeId> leaving_learners;
  for (const NodeId node : change.remove) {
    if (!contains(next.voters, node)) leaving_learners.insert(node);
  }
  drop(next, leaving_learners);
  next.goal.clear();
  next.demoted.clear();
  if (to_list(wanted.voters) == next.voters) return next;
  const bool waits = std::any_of(wanted.voters.begin(), wanted.voters.end(),
                                 [&](NodeId node) { return !contains(next.voters, node); });
  next.goal = to_list(wanted.voters);
  next.demoted = to_list(wanted.demoted);
  return waits ? next : joint_to_goal(next);
}

Configuration joint_to_goal(const Configuration& configuration) {
  Configuration joint = configuration;
  joint.old_voters = configuration.voters;
  joint.voters = configuration.goal;
  joint.goal.clear();
  return joint;
}

Configuration without_old_voters(const Configuration& joint) {
  Configuration next = joint;
  std::set<NodeId> gone;
  for (const NodeId node : joint.old_voters) {
    if (!contains(joint.voters, node) && !contains(joint.demoted, node)) gone.insert(node);
  }
  next.old_voters.clear();
  next.demoted.clear();
  drop(next, gone);
  return next;
}

void on_change_submitted(State& state, ChangeSubmitted event) {
  const auto leader_id = state.leader();
  if (auto* leader = state.as<LeaderState>()) {
    leader->pending_changes.push_back({std::nullopt, event.request, std::move(event.change)});
  } else if (leader_id) {
    state.forwarding.unanswered_changes.insert(event.request);
    state.send(*leader_id,
               ForwardChange{state.current_term(), event.request, std::move(event.change)});
  } else {
    state.refuse(event.request, RefusalReason::kNoLeader);
  }
}

void on_forward_change(State& state, const Peer& from, ForwardChange message) {
  auto* leader = state.as<LeaderState>();
  // Whether a copy was taken before, a node that does not lead cannot say: it names no entry and
  // refuses nothing, and the sender learns the term.
  if (leader == nullptr || message.term != state.current_term()) {
    state.send(from, ForwardCommandsReply{state.current_term(), {}, {}, {}});
    return;
  }
  RequestNumber& taken_up_to = leader->changes_up_to[from.identity];
  if (message.request <= taken_up_to) return;  // a second copy of a message
  taken_up_to = message.request;
  leader->pending_changes.push_back({from.id, message.request, std::move(message.change)});
}

void on_forward_change_reply(State& state, const ForwardChangeReply& reply) {
  if (reply.index) {
    on_forward_commands_reply(state, {reply.term, {{reply.request, *reply.index}}, {}, {}});
  } else if (reply.term == state.current_term() &&
             state.forwarding.unanswered_changes.erase(reply.request) > 0) {
    state.refuse(reply.request, reply.reason, reply.detail);
  }
}

void refuse_pending_changes(State& state, LeaderState& leader) {
  for (const PendingChange& pending : std::exchange(leader.pending_changes, {})) {
    answer_refused(state, pending, RefusalReason::kNoLeader, {});
  }
}

void advance_membership(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  take_pending(state, *leader);
  if (!is_free(state, *leader)) return;
  const Configuration& configuration = state.configuration();
  if (configuration.joint()) {
    append_configuration(state, without_old_voters(configuration));
  } else if (!configuration.is_voter(state.id())) {
    leader->leaving = true;
  } else if (take_descriptions(state, *leader)) {
    state.trace(TraceLevel::kInformation, "notes where members are found now");
  } else if (!configuration.goal.empty() && goal_has_caught_up(state, *leader)) {
    state.trace(TraceLevel::kInformation, "the new voters have caught up");
    append_configuration(state, joint_to_goal(configuration));
  }
}

}  // namespace raft
