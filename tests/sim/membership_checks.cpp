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
