// The part of world.h about the first phase: what operators do.
#include <algorithm>

#include "world.h"

namespace sim {

bool World::is_there(const raft::Configuration& configuration, raft::NodeId id) const {
  return checks_.is_intact(configuration, id) && !nodes_[id - 1]->disk().damaged();
}

bool World::has_majority_there(const raft::Configuration& configuration,
                               const std::set<raft::NodeId>& voters) const {
  const auto there = std::count_if(voters.begin(), voters.end(),
                                   [&](raft::NodeId id) { return is_there(configuration, id); });
  return 2 * static_cast<std::size_t>(there) > voters.size();
}

void World::ask_for_change(Node& asked, const raft::MembershipChange& change) {
  report_.note(asked.id(), "is asked to add {}, promote {} and remove {} members",
               change.add_voters.size() + change.add_learners.size(), change.promote.size(),
               change.remove.size());
  clients_.ask_for_change(asked, change);
}

// As an operator would: whatever comes of it, a majority of the voters is there.
void World::change_members(base::Random& random) {
  Node* asked = running(random);
  const auto* committed = checks_.committed_configuration();
  raft::MembershipChange change;
  std::set<raft::NodeId> voters;
  if (committed != nullptr) voters.insert(committed->voters.begin(), committed->voters.end());
  for (const auto& node : nodes_) {
    const raft::Member* member = committed == nullptr ? nullptr : committed->find(node->id());
    const bool is_chosen = random.chance(1, nodes_.size());
    const std::uint64_t kind = random.between(0, 5);
    if (!is_chosen || node->refused() || node->disk().identity() == 0) continue;
    if (member == nullptr) {
      (kind == 0 ? change.add_learners : change.add_voters).push_back(node->description());
      if (kind == 1) {  // an operator need not know the directory
        change.add_voters.back().identity = 0;
      }
    } else if (!committed->is_voter(member->id) && kind < 3) {
      change.promote.push_back(member->id);
    } else {
      change.remove.push_back(member->id);
      voters.erase(member->id);
      const bool stays = kind == 5 && committed->is_voter(member->id);
      if (stays) change.add_learners.push_back(node->description());
    }
  }
  // Lost members go as soon as they can.
  for (const raft::NodeId id : std::set<raft::NodeId>(voters)) {
    if (is_there(*committed, id) || !random.chance(1, 2)) continue;
    change.remove.push_back(id);
    voters.erase(id);
  }
  if (asked == nullptr || committed == nullptr || change == raft::MembershipChange{} ||
      !has_majority_there(*committed, voters)) {
    return;
  }
  ask_for_change(*asked, change);
  if (random.chance(1, 3)) disturb_change(random);
}

// Members that leave, lose their directories and are let in again, by the settings of before. Often
// they are a majority of the first members, and so all that could found a cluster.
void World::replace_members(base::Random& random) {
  const auto leading = leader();
  const auto* committed = checks_.committed_configuration();
  const std::uint64_t majority = options_.nodes / 2 + 1;
  const std::uint64_t most = random.chance(1, 2) ? majority : random.between(1, options_.nodes);
  const raft::NodeId first = random.between(1, options_.nodes);
  if (!leading || committed == nullptr) return;
  raft::MembershipChange change;
  std::set<raft::NodeId> voters(committed->voters.begin(), committed->voters.end());
  for (raft::NodeId place = 0; place < options_.nodes && change.remove.size() < most; ++place) {
    const raft::NodeId id = (first + place) % options_.nodes + 1;
    if (voters.erase(id) > 0) change.remove.push_back(id);
  }
  if (change.remove.empty() || !has_majority_there(*committed, voters)) return;
  ++report_.statistics.replacements;
  report_.note(kWorld, "replaces {} members", change.remove.size());
  ask_for_change(*nodes_[*leading - 1], change);
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  schedule_.after(random.between(0, 4 * election_us), [this, left = change.remove, &random] {
    if (!healing_) lose_directories(left, random);
  });
}

void World::lose_directories(const std::vector<raft::NodeId>& left, base::Random& random) {
  std::vector<raft::NodeId> lost;
  for (const raft::NodeId id : left) {
    Node& node = *nodes_[id - 1];
    if (checks_.committed_configuration()->find(id) != nullptr || node.refused()) continue;
    if (!may_lose(node)) continue;
    if (node.runs()) node.end(End::kKill);
    node.wipe(!may_ask_others(id));
    lost.push_back(id);
  }
  const Microseconds limit = (options_.node.down_ms + options_.core.election_timeout_ms) * 1000;
  schedule_.after(random.between(0, limit), [this, lost = std::move(lost), &random] {
    if (!healing_) let_in_again(lost, random);
  });
}

void World::let_in_again(const std::vector<raft::NodeId>& lost, base::Random& random) {
  const auto leading = leader();
  const Microseconds length = random.between(0, 8 * options_.core.election_timeout_ms * 1000);
  const bool overtakes = options_.network.stall_interval_ms > 0 && random.chance(3, 4);
  raft::MembershipChange change;
  for (const raft::NodeId id : lost) {
    const bool is_new = checks_.committed_configuration()->find(id) == nullptr;
    if (!is_new || nodes_[id - 1]->disk().identity() == 0) continue;
    change.add_voters.push_back(nodes_[id - 1]->description());
    // Whoever greets them from now on does so before their log comes.
    if (overtakes) stall(id, length);
  }
  if (!leading || change.add_voters.empty()) return;
  ask_for_change(*nodes_[*leading - 1], change);
}

void World::disturb_change(base::Random& random) {
  const bool cuts = random.chance(1, 2) && options_.network.partition_interval_ms > 0;
  const bool kills = !cuts && options_.node.kill_interval_ms > 0;
  const Microseconds limit = 2 * options_.core.election_timeout_ms * 1000;
  schedule_.after(random.between(0, limit), [this, cuts, kills, &random] {
    const auto leading = leader();
    if (healing_ || !leading) return;
    if (cuts) partition(random);
    if (kills) nodes_[*leading - 1]->end(End::kKill);
  });
}

void World::hand_over(base::Random& random) {
  Node* asked = running(random);
  const auto target = random.chance(1, 3) ? std::optional<raft::NodeId>()
                                          : std::optional(random.between(1, nodes_.size()));
  if (asked == nullptr) return;
  report_.note(asked->id(), "is asked to hand leadership over to {}", target.value_or(0));
  clients_.ask(*asked, [&](raft::RequestNumber number) {
    return raft::TransferRequested{number, target};
  });
  if (random.chance(1, 2)) disturb_transfer(random);
}

void World::disturb_transfer(base::Random& random) {
  if (options_.network.partition_interval_ms == 0) return;
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  schedule_.after(random.between(0, options_.network.delay_max_us), [this, election_us, &random] {
    const auto leading = leader();
    if (healing_ || !leading) return;
    network_.hold(*leading);
    const Microseconds length = random.between(0, election_us);
    ask_both_sides(*leading, length, random);
    schedule_.after(length, [this] { network_.heal_partition(); });
  });
}

void World::take_snapshot(base::Random& random) {
  if (Node* asked = running(random)) take_snapshot(*asked);
}

void World::take_snapshot(Node& node) {
  clients_.ask(node, [&](raft::RequestNumber number) { return raft::SnapshotRequested{number}; });
}

}  // namespace sim
