// The part of world.h about the first phase: what goes wrong.
#include <algorithm>

#include "world.h"

namespace sim {

void World::plan_faults() {
  const auto add = [this](std::uint64_t interval_ms, std::function<void(base::Random&)> happens) {
    const std::uint64_t seed = options_.seed ^ (0xfa017 + faults_.size());
    faults_.push_back({interval_ms, base::Random(seed), std::move(happens)});
  };
  const NodeOptions& node = options_.node;
  const auto any = [this](base::Random& random) -> Node& {
    return *nodes_[random.between(0, nodes_.size() - 1)];
  };
  add(node.kill_interval_ms, [this](base::Random& random) { end_some(random, End::kKill); });
  add(node.power_cut_interval_ms,
      [this](base::Random& random) { end_some(random, End::kPowerCut); });
  add(node.pause_interval_ms, [this, any](base::Random& random) {
    Node& one = any(random);
    const Microseconds length = random.between(0, options_.node.pause_ms * 1000);
    if (one.runs()) one.pause(length);
  });
  add(node.clock_jump_interval_ms, [this, any](base::Random& random) {
    Node& one = any(random);
    one.jump_clock(random.between(0, options_.node.clock_jump_ms));
  });
  add(options_.network.partition_interval_ms, [this](base::Random& random) { partition(random); });
  add(node.churn_interval_ms, [this](base::Random& random) { change_members(random); });
  add(node.transfer_interval_ms, [this](base::Random& random) { hand_over(random); });
  add(node.snapshot_interval_ms, [this](base::Random& random) { take_snapshot(random); });
  add(node.full_disk_interval_ms, [this](base::Random& random) { fill_disks(random); });
  const bool leases = options_.core.read_lease_drift_percent > 0;
  add(leases ? options_.network.partition_interval_ms : 0,
      [this](base::Random& random) { delay_answers(random); });
  add(options_.network.flap_interval_ms, [this](base::Random& random) {
    network_.flap(random.between(0, options_.network.flap_length_ms * 1000));
  });
  add(options_.network.stall_interval_ms, [this, any](base::Random& random) {
    stall(any(random).id(), random.between(0, options_.network.stall_length_ms * 1000));
  });
  add(node.replacement_interval_ms, [this](base::Random& random) { replace_members(random); });
  for (std::size_t place = 0; place < faults_.size(); ++place) repeat(place);
}

void World::repeat(std::size_t place) {
  Repeated& fault = faults_[place];
  if (fault.interval_ms == 0) return;
  schedule_.after(fault.random.between(0, 2000 * fault.interval_ms), [this, place] {
    if (healing_) return;
    faults_[place].happens(faults_[place].random);
    repeat(place);
  });
}

void World::end_some(base::Random& random, End end) {
  const bool all = random.chance(1, 10);
  const raft::NodeId one = random.between(1, nodes_.size());
  for (const auto& node : nodes_) {
    if (node->runs() && (all || node->id() == one)) node->end(end);
  }
}

void World::on_ended(Node& node) {
  clients_.on_ended(node);
  schedule_.after(random_.between(0, options_.node.down_ms * 1000), [this, &node] {
    if (healing_ || node.runs() || node.refused()) return;
    if (may_lose(node)) {
      if (random_.chance(options_.node.wipe_per_mille, 1000)) {
        node.wipe(!may_ask_others(node.id()));
      } else {
        node.damage();
      }
    }
    node.start();
  });
}

// A first member without data asks the other first ones whether there was a cluster before. So one
// of them has to be left that knows; an operator sees to that, and else lets the node join.
bool World::may_ask_others(raft::NodeId node) {
  lost_first_.insert(node);
  return lost_first_.size() < options_.nodes;
}

std::vector<raft::Configuration> World::configurations() const {
  std::vector<raft::Configuration> all;
  const auto* committed = checks_.committed_configuration();
  if (committed != nullptr) all.push_back(*committed);
  for (const auto& node : nodes_) {
    if (!node->runs() || node->state().configuration().members.empty()) continue;
    // One without data takes part by none: the log of a leader tells it which counts.
    if (committed != nullptr && node->state().awaits_admission()) continue;
    all.push_back(node->state().configuration());
  }
  // And what those with a goal come to.
  for (std::size_t place = all.size(); place-- > 0;) {
    if (all[place].goal.empty()) continue;
    all.push_back(all[place]);
    all.back().voters = all.back().goal;
  }
  return all;
}

bool World::majorities(const std::function<bool(raft::NodeId)>& whole) const {
  const auto all = configurations();
  return std::all_of(all.begin(), all.end(), [&](const raft::Configuration& configuration) {
    std::set<raft::NodeId> intact;
    for (const raft::Member& member : configuration.members) {
      const bool known = member.identity == 0 || checks_.is_intact(configuration, member.id);
      if (known && whole(member.id)) intact.insert(member.id);
    }
    return has_majorities(configuration, intact);
  });
}

// Nodes whose disks are damaged do not vote until they are repaired.
bool World::may_lose(const Node& node) const {
  const bool formed = checks_.committed_configuration() != nullptr;
  return formed && majorities([&](raft::NodeId id) {
           return id != node.id() && !nodes_[id - 1]->disk().damaged();
         });
}

Node* World::running(base::Random& random) {
  Node& node = *nodes_[random.between(0, nodes_.size() - 1)];
  return node.runs() ? &node : nullptr;
}

void World::delay_answers(base::Random& random) {
  const auto leading = leader();
  if (!leading) return;
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const Microseconds answered = options_.core.heartbeat_interval_ms * 1000;
  const Microseconds given = answered + random.between(election_us / 4, election_us);
  network_.hold_to(*leading);
  const auto later = [this](Microseconds delay, std::function<void()> step) {
    schedule_.after(delay, [this, step = std::move(step)] {
      if (!healing_) step();
    });
  };
  later(answered, [this, node = *leading] { network_.hold_from_too(node); });
  later(given, [this, node = *leading] { network_.give_to(node); });
  later(given + 2 * election_us, [this] { network_.heal_partition(); });
}

void World::ask_both_sides(raft::NodeId leader, Microseconds length, base::Random& random) {
  for (const auto& node : nodes_) {
    schedule_.after(random.between(0, length), [this, leader, &node] {
      if (healing_ || !node->runs()) return;
      if (node->id() != leader) clients_.write(*node);
      if (nodes_[leader - 1]->runs()) clients_.read(*nodes_[leader - 1]);
    });
  }
}

void World::stall(raft::NodeId node, Microseconds length) {
  network_.stall(node);
  schedule_.after(length, [this, node] { network_.end_stall(node); });
}

void World::fill_disks(base::Random& random) {
  const bool all = random.chance(1, 4);
  const raft::NodeId one = random.between(1, nodes_.size());
  for (const auto& node : nodes_) {
    const Microseconds length = random.between(0, options_.node.full_disk_length_ms * 1000);
    if (all || node->id() == one) node->fill_disk(length);
  }
}

void World::partition(base::Random& random) {
  // What a leader took and nobody else has is what the next one lets go: that makes truncations.
  const auto cut_off = leader();
  const bool parts_logs = random.chance(1, 4);
  if (parts_logs && cut_off) {
    part_logs(random, *cut_off);
    return;
  }
  network_.partition(cut_off);
  schedule_.after(random.between(0, options_.network.partition_length_ms * 1000),
                  [this] { network_.heal_partition(); });
}

std::optional<raft::NodeId> World::leader() const {
  std::optional<raft::NodeId> leader;
  for (const auto& node : nodes_) {
    if (node->runs() && node->state().role() == raft::Role::kLeader) leader = node->id();
  }
  return leader;
}

// The next leader has had the time for a few entries when the cut heals: fewer, as a rule, than the
// one that was cut off wrote for itself. A snapshot then ends in the middle of those.
void World::part_logs(base::Random& random, raft::NodeId leader) {
  network_.isolate(leader);
  for (std::uint64_t writes = random.between(1, 20); writes > 0; --writes) {
    clients_.write(*nodes_[leader - 1]);
  }
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const Microseconds length = random.between(2 * election_us, 6 * election_us);
  schedule_.after(length, [this] { network_.heal_partition(); });
  if (options_.node.snapshot_interval_ms == 0) return;
  schedule_.after(random.between(length / 2, length), [this] {
    for (const auto& node : nodes_) {
      if (node->runs() && !healing_) take_snapshot(*node);
    }
  });
}

}  // namespace sim
