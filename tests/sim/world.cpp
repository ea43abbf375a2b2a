#include "world.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

namespace sim {
namespace {

const World* world_under_way = nullptr;  // for the handler of SIGABRT alone

extern "C" void print_story(int signal_number) {
  std::signal(signal_number, SIG_DFL);  // returning from here ends the process
  if (world_under_way != nullptr) std::fputs(world_under_way->story().c_str(), stderr);
}

// A backlog takes as long as it takes while it moves, but no longer than this.
constexpr Microseconds kWorkOffUs = 120'000'000;

// The tables and queues of the core that are empty when nothing is under way (A30).
constexpr std::string_view kEmptyWhenIdle[] = {"append_entries_in_flight",
                                               "append_entries_bytes_in_flight",
                                               "uncommitted_bytes",
                                               "reads_waiting_for_a_round",
                                               "persist_orders_outstanding",
                                               "applying_bytes",
                                               "waiting_writes",
                                               "indexed_reads",
                                               "forwarded_commands",
                                               "asked_read_rounds",
                                               "pending_commands",
                                               "released_commands",
                                               "waiting_transfers"};

std::string list_of(const std::vector<raft::NodeId>& nodes) {
  std::string text;
  for (const raft::NodeId node : nodes) text += fmt::format("{}{}", text.empty() ? "" : ",", node);
  return text;
}

std::string describe(const Node& node) {
  if (!node.runs()) return fmt::format("  node {}: down\n", node.id());
  const raft::Status status = node.status();
  std::string text = fmt::format(
      "  node {}: {} of term {}, leader {}, commit {}, applied {}, durable {}, last {}, on disk {}",
      node.id(), raft::role_name(status.role), status.term, status.leader.value_or(0),
      status.commit_index, status.applied_index, status.durable_index, status.last_index,
      node.disk().last_index());
  for (const auto& [name, value] : status.counters) {
    if (value != 0) text += fmt::format(", {} {}", name, value);
  }
  for (const auto& peer : status.peers) {
    text += fmt::format(", of node {}: match {} next {}{}", peer.id, peer.match_index,
                        peer.next_index, peer.reachable ? "" : " (lost)");
  }
  const raft::Configuration& members = status.configuration;
  text += fmt::format("; voters {} of configuration {}", list_of(members.voters),
                      status.configuration_index);
  if (members.joint()) text += fmt::format(", before {}", list_of(members.old_voters));
  if (!members.goal.empty()) text += fmt::format(", goal {}", list_of(members.goal));
  return text + '\n';
}

// Changes whenever the node has got on with its work.
std::uint64_t progress_of(const Node& node) {
  if (!node.runs()) return 0;
  const raft::Status status = node.status();
  std::uint64_t sum = status.commit_index + node.disk().last_index() +
                      node.machine().applied_index() + status.snapshot_index;
  for (const auto& peer : status.peers) sum += peer.match_index;
  if (const auto* leader = node.state().as<raft::LeaderState>()) {
    for (const auto& [peer, progress] : leader->peers) sum += progress.snapshot_offset();
  }
  return sum;
}

std::string command_line(const RunOptions& options) {
  const RunOptions drawn = draw_options(options.seed);
  std::string text = fmt::format("raft-simulate --seed {}", options.seed);
  if (options.nodes != drawn.nodes) text += fmt::format(" --nodes {}", options.nodes);
  if (options.milliseconds != drawn.milliseconds) {
    text += fmt::format(" --seconds {}", options.milliseconds / 1000);
  }
  if (options.client.operations != drawn.client.operations) {
    text += fmt::format(" --operations {}", options.client.operations);
  }
  if (!(options.faults == drawn.faults)) {
    text += fmt::format(" --faults {}", describe(options.faults));
  }
  return text;
}

}  // namespace

World::World(const RunOptions& options)
    : options_(options),
      random_(options.seed ^ 0x5eed),
      report_(schedule_),
      environment_{options_, schedule_, report_, *this},
      network_(
          options_, schedule_, report_,
          [this](raft::NodeId to, raft::MessageReceived message) {
            nodes_[to - 1]->receive(std::move(message));
          },
          [this](raft::NodeId node) { return nodes_[node - 1]->disk().identity(); }),
      checks_(nodes_, report_),
      clients_(environment_, checks_, nodes_),
      dead_(all_nodes(options_)) {
  for (raft::NodeId id = 1; id <= all_nodes(options_); ++id) {
    nodes_.push_back(std::make_unique<Node>(environment_, id, id <= options_.nodes));
  }
  world_under_way = this;
}

World::~World() { world_under_way = nullptr; }

void World::on_sent(const Node& node, const raft::Send& send) {
  checks_.on_sent(node, send);
  network_.send(node.id(), send);
}

std::string World::story() const {
  std::string nodes;
  for (const auto& node : nodes_) nodes += describe(*node);
  return fmt::format("{}seed {} drew\n{}{}run this seed again: {}\n", report_.last_events(),
                     options_.seed, describe(options_), nodes, command_line(options_));
}

RunResult World::run() {
  RunResult result;
  try {
    for (const auto& node : nodes_) node->start();
    clients_.run();
    plan_faults();
    while (schedule_.now() < options_.milliseconds * 1000) schedule_.run_next();
    heal();
    check_liveness();
    clients_.check_histories();
  } catch (const std::exception& broken) {
    result.failure = fmt::format("broken: {}\n{}", broken.what(), story());
  }
  result.hash = report_.hash();
  result.statistics = report_.statistics;
  return result;
}

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
  if (const auto* committed = checks_.committed_configuration()) all.push_back(*committed);
  for (const auto& node : nodes_) {
    if (node->runs() && !node->state().configuration().members.empty()) {
      all.push_back(node->state().configuration());
    }
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

// Nodes whose disks are damaged may yet be refused at their next start.
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
    }
  }
  const auto is_there = [&](raft::NodeId id) {
    return checks_.is_intact(*committed, id) && !nodes_[id - 1]->disk().damaged();
  };
  // Lost members go as soon as they can.
  for (const raft::NodeId id : std::set<raft::NodeId>(voters)) {
    if (is_there(id) || !random.chance(1, 2)) continue;
    change.remove.push_back(id);
    voters.erase(id);
  }
  const auto there = std::count_if(voters.begin(), voters.end(), is_there);
  if (asked == nullptr || committed == nullptr || change == raft::MembershipChange{} ||
      2 * static_cast<std::size_t>(there) <= voters.size()) {
    return;
  }
  report_.note(asked->id(), "is asked to add {}, promote {} and remove {} members",
               change.add_voters.size() + change.add_learners.size(), change.promote.size(),
               change.remove.size());
  clients_.ask(*asked, [&](raft::RequestNumber number) {
    return raft::ChangeSubmitted{number, change};
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
}

void World::take_snapshot(base::Random& random) {
  Node* asked = running(random);
  if (asked == nullptr) return;
  clients_.ask(*asked, [&](raft::RequestNumber number) { return raft::SnapshotRequested{number}; });
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
  std::optional<raft::NodeId> leader;
  for (const auto& node : nodes_) {
    if (node->runs() && node->state().role() == raft::Role::kLeader) leader = node->id();
  }
  network_.partition(leader);
  schedule_.after(random.between(0, options_.network.partition_length_ms * 1000),
                  [this] { network_.heal_partition(); });
}

// At least a majority recovers. Those whose disks are lost never do, others may not.
void World::choose_dead_nodes() {
  const auto lives = [this](raft::NodeId id) { return may_count(id); };
  for (const auto& node : nodes_) dead_[node->id() - 1] = node->refused();
  if (!random_.chance(1, 3)) return;
  for (std::uint64_t tries = random_.between(1, nodes_.size()); tries > 0; --tries) {
    const std::size_t place = random_.between(0, dead_.size() - 1);
    const bool was_dead = dead_[place];
    dead_[place] = true;
    if (!majorities(lives)) dead_[place] = was_dead;
  }
}

// A first member that never heard all others needs one of them, or a leader, to take part.
bool World::may_count(raft::NodeId id) const {
  const Node& node = *nodes_[id - 1];
  return !dead_[id - 1] && !(node.runs() && node.state().awaits_admission());
}

bool World::is_healed(const Node& node) const {
  const auto* committed = checks_.committed_configuration();
  return !dead_[node.id() - 1] && committed != nullptr && checks_.is_intact(*committed, node.id());
}

void World::heal() {
  healing_ = true;
  clients_.stop();
  choose_dead_nodes();
  report_.note(kWorld, "heals, but for {} nodes",
               static_cast<std::uint64_t>(std::count(dead_.begin(), dead_.end(), true)));
  const Microseconds delay_max_us = options_.core.heartbeat_interval_ms * 1000 / 4;
  network_.heal(delay_max_us);
  for (const auto& node : nodes_) {
    node->heal(delay_max_us);
    const bool dead = dead_[node->id() - 1];
    if (dead && node->runs()) {
      // It is gone, or still speaks but hears nothing (A27).
      random_.chance(1, 2) ? network_.deafen(node->id()) : node->end(End::kKill);
    }
    if (!dead && !node->runs()) node->start();
  }
}

void World::require_within(Microseconds limit, const char* what,
                           const std::function<bool()>& holds) {
  const Microseconds end = schedule_.now() + limit;
  while (!holds()) {
    require(schedule_.now() <= end, "liveness: {}, not within {} ms after the world healed", what,
            limit / 1000);
    schedule_.run_next();
  }
}

void World::require_progress(Microseconds limit, const char* what,
                             const std::function<bool()>& holds) {
  const auto measure = [this] {
    std::uint64_t sum = 0;
    for (const auto& node : nodes_) sum += is_healed(*node) ? progress_of(*node) : 0;
    return sum;
  };
  std::uint64_t before = measure();
  Microseconds end = schedule_.now() + limit;
  const Microseconds last_end = schedule_.now() + kWorkOffUs;
  while (!holds()) {
    if (const std::uint64_t now = measure(); now != before) {
      before = now;
      end = std::min(schedule_.now() + limit, last_end);
    }
    require(schedule_.now() <= end, "liveness: {}: nothing moved for {} ms", what, limit / 1000);
    schedule_.run_next();
  }
}

bool World::has_leader() const {
  std::optional<raft::Standing> common;
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    if (!is_healed(*node)) return true;
    if (!node->runs()) return false;
    const raft::State& state = node->state();
    const raft::Standing standing{raft::Role::kFollower, state.current_term(), state.leader()};
    if (!common) common = standing;
    return standing.leader && common == standing;
  });
}

void World::require_write(Node& node) {
  // A late message of the time before may still unseat a leader, so once may not be enough.
  Clients::Ticket ticket = clients_.write(node);
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  require_within(10 * election_us + 5 * options_.client.timeout_ms * 1000,
                 "a new write is acknowledged", [&] {
                   if (!is_healed(node)) return true;  // voted out meanwhile
                   const Outcome outcome = clients_.outcome(ticket);
                   if (outcome == Outcome::kDone) return true;
                   if (outcome != Outcome::kOpen && schedule_.run_next())
                     ticket = clients_.write(node);
                   return false;
                 });
}

bool World::is_idle(const Node& node) const {
  const raft::Status status = node.status();
  return std::all_of(std::begin(kEmptyWhenIdle), std::end(kEmptyWhenIdle), [&](const auto name) {
    const auto counter = status.counters.find(std::string(name));
    return counter == status.counters.end() || counter->second == 0;
  });
}

// What was begun about members is carried through, but for learners that never come.
bool World::is_settled() const {
  const auto* committed = checks_.committed_configuration();
  return committed == nullptr || !committed->joint();
}

void World::check_liveness() {
  if (!majorities([this](raft::NodeId id) { return may_count(id); })) {
    ++report_.statistics.liveness_not_due;  // an operator's mistake, or a loss, too many
    return;
  }
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const auto each_healed = [this](const std::function<bool(const Node&)>& holds) {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [&](const auto& node) { return !is_healed(*node) || holds(*node); });
  };
  // Syncs that hang and nodes that sleep do so until now.
  const Microseconds settled =
      schedule_.now() + (options_.disk.hang_ms + options_.node.pause_ms) * 1000;
  while (schedule_.now() < settled && schedule_.run_next()) {
  }
  require_within(10 * election_us, "a leader that all healed nodes follow",
                 [this] { return has_leader(); });
  const auto converged = [&] {
    return is_settled() &&
           each_healed([this](const Node& n) { return checks_.has_all_committed(n); });
  };
  require_progress(10 * election_us, "the healed nodes work off what was asked before", converged);
  for (const auto& node : nodes_) {
    if (is_healed(*node)) require_write(*node);
  }
  require_within(options_.client.timeout_ms * 1000 + election_us, "every open request ends",
                 [this] { return clients_.open() == 0; });
  require_within(10 * election_us, "the healed nodes have every committed entry, and no other",
                 converged);
  require_within(10 * election_us, "counters and windows return to 0 when idle (A30)",
                 [&] { return each_healed([this](const Node& n) { return is_idle(n); }); });
}

RunResult run(const RunOptions& options, std::FILE* trace) {
  World world(options);
  if (trace != nullptr) world.trace_to(trace);
  return world.run();
}

void print_story_on_abort() { std::signal(SIGABRT, print_story); }

}  // namespace sim
