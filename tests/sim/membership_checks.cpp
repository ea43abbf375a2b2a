// The part of checks.h about members: which configuration counts, and when it may change.
#include <algorithm>
#include <iterator>

#include "checks.h"
#include "raft/repair.h"

namespace sim {

bool has_majorities(const raft::Configuration& configuration, const std::set<raft::NodeId>& nodes) {
  const auto has_majority = [&](const std::vector<raft::NodeId>& voters) {
    const auto count = std::count_if(voters.begin(), voters.end(),
                                     [&](raft::NodeId voter) { return nodes.contains(voter); });
    return 2 * static_cast<std::size_t>(count) > voters.size();
  };
  return has_majority(configuration.voters) &&
         (configuration.old_voters.empty() || has_majority(configuration.old_voters));
}

namespace {

using Ids = std::set<raft::NodeId>;

Ids to_set(const std::vector<raft::NodeId>& nodes) { return {nodes.begin(), nodes.end()}; }

template <typename Holds>
Ids members_where(const raft::Configuration& configuration, Holds holds) {
  Ids nodes;
  for (const raft::Member& member : configuration.members) {
    if (holds(member.id)) nodes.insert(member.id);
  }
  return nodes;
}

Ids members_of(const raft::Configuration& configuration) {
  return members_where(configuration, [](raft::NodeId) { return true; });
}

// The voters that it has, or comes to.
Ids wanted_voters(const raft::Configuration& configuration) {
  return to_set(configuration.goal.empty() ? configuration.voters : configuration.goal);
}

// Those who leave with the old voters do so together, and nobody else does.
Ids members_after_joint(const raft::Configuration& joint) {
  return members_where(joint, [&](raft::NodeId id) {
    return !raft::contains(joint.old_voters, id) || raft::contains(joint.voters, id) ||
           raft::contains(joint.demoted, id);
  });
}

}  // namespace

// dissertation §4.3: voters change by way of a joint configuration, and in no other.
void Checks::check_transition(const View& view, const raft::Configuration& after) const {
  const raft::Index index = view.last() + 1;
  const raft::Configuration* before =
      view.configurations.empty() ? committed_configuration_at(view.base)
                                  : view.at(view.configurations.back())->configuration.get();
  if (before == nullptr) return;  // the first one
  const bool leaves = before->joint() && !after.joint();
  require(before->joint() == after.joint() ? before->old_voters == after.old_voters
                                           : leaves || after.old_voters == before->voters,
          "a joint configuration has the voters of before (A2): entry {} has others", index);
  require(after.voters == before->voters || (after.joint() && !before->joint()),
          "voters change by way of a joint configuration (A2): entry {} changes them at once",
          index);
  require(!leaves || members_of(after) == members_after_joint(*before),
          "with the old voters go those who lose their vote, and nobody else: entry {} has {} "
          "members",
          index, after.members.size());
}

void Checks::require_changed(raft::Index index, const raft::MembershipChange& change) const {
  const auto found = committed_configurations_.find(index);
  const raft::Configuration* before = committed_configuration_at(index - 1);
  require(found != committed_configurations_.end() && before != nullptr,
          "a change of members is answered with its entry: {} is none", index);
  const raft::Configuration& after = *found->second;
  Ids wanted = wanted_voters(*before);
  Ids members = members_of(*before);
  for (const raft::Member& member : change.add_learners) members.insert(member.id);
  for (const raft::Member& member : change.add_voters) {
    members.insert(member.id);
    wanted.insert(member.id);
  }
  wanted.insert(change.promote.begin(), change.promote.end());
  for (const raft::NodeId id : change.remove) {
    wanted.erase(id);
    if (!raft::contains(before->voters, id)) members.erase(id);  // else it goes with the old ones
  }
  // One that left and comes again as a learner was never gone.
  for (const raft::Member& member : change.add_learners) members.insert(member.id);
  require(wanted_voters(after) == wanted && members_of(after) == members,
          "a change of members leads to what was asked, and nothing else: entry {} to {} voters, "
          "{} members",
          index, wanted_voters(after).size(), after.members.size());
}

const raft::Configuration* Checks::committed_configuration_at(raft::Index index) const {
  const auto after = committed_configurations_.upper_bound(index);
  return after == committed_configurations_.begin() ? nullptr : std::prev(after)->second.get();
}

void Checks::check_configurations(const raft::State& state, View& view) const {
  check_in_force(state, view);
  check_snapshot(state, view);
  if (state.role() == raft::Role::kLeader) check_changes(state, view);
}

// The configuration in force is the last one in the log, committed or not, and all is counted by
// it.
void Checks::check_in_force(const raft::State& state, View& view) const {
  const raft::Index index = view.configurations.empty() ? 0 : view.configurations.back();
  const std::pair seen(state.configurations.version(), index);
  if (seen == view.version_and_index) return;
  view.version_and_index = seen;
  const raft::Configuration& in_force = state.configuration();
  const raft::Configuration* expected =
      index == 0 ? committed_configuration_at(view.base) : view.at(index)->configuration.get();
  require(expected == nullptr || in_force == *expected,
          "the last configuration in the log is in force (A3): node {} goes by that of {}, its log "
          "has one at {}",
          state.id(), state.configurations.index(), index);
  const raft::Quorum counted(in_force.voters, in_force.old_voters);
  require(state.quorum.voters() == counted.voters(),
          "the configuration in force is the one that counts (A3): node {} counts {} voters of {}",
          state.id(), state.quorum.voters().size(), counted.voters().size());
}

void Checks::check_snapshot(const raft::State& state, View& view) const {
  const auto& newest = state.snapshots.newest;
  if (!newest || newest->last.index == view.snapshot) return;
  view.snapshot = newest->last.index;
  const raft::Configuration* expected = committed_configuration_at(view.snapshot);
  require(
      expected == nullptr || newest->configuration == *expected,
      "a snapshot holds the configuration at its last entry (A24): node {} has another one at {}",
      state.id(), view.snapshot);
}

// dissertation §4: what a leader may append of configurations, and when.
void Checks::check_changes(const raft::State& state, const View& view) const {
  std::size_t uncommitted = 0;
  for (auto index = view.configurations.rbegin();
       index != view.configurations.rend() && *index > committed_.size(); ++index) {
    ++uncommitted;
  }
  require(uncommitted <= 1, "at most one uncommitted configuration (A2): node {} has {}",
          state.id(), uncommitted);
  // As far as it knows itself, of what it appended: an older one may be committed by then.
  const auto unknown = std::count_if(view.configurations.begin(), view.configurations.end(),
                                     [&](raft::Index index) { return index > state.commit_index; });
  require(view.configurations.empty() || unknown <= 1 ||
              view.at(view.configurations.back())->term != state.current_term(),
          "a leader appends one configuration after the other (A2): node {} has {} that it does "
          "not know to be committed",
          state.id(), unknown);
  const auto& leader = *state.as<raft::LeaderState>();
  if (state.configurations.index() <= leader.first_index_of_term) return;
  require(state.commit_index >= leader.first_index_of_term,
          "no change before a commit in the own term (A2): node {} of term {} has committed {}",
          state.id(), state.current_term(), state.commit_index);
  const raft::Configuration& configuration = state.configuration();
  if (!configuration.joint()) return;
  for (const raft::NodeId voter : configuration.voters) {
    if (raft::contains(configuration.old_voters, voter) || voter == state.id()) continue;
    // A request that is late may deny again what it has got since.
    if (raft::is_in_doubt(state, leader.peers.at(voter))) continue;
    require(leader.peers.at(voter).match_index() >= leader.first_index_of_term,
            "a learner is promoted once it has caught up (A5): node {} has {} of {}", voter,
            leader.peers.at(voter).match_index(), state.log.last_index());
  }
}

}  // namespace sim
