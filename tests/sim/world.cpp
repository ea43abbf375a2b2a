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

// A backlog takes as long as it takes while it moves, but no longer than this. A snapshot that goes
// byte by byte, where that is drawn, takes minutes.
constexpr Microseconds kWorkOffUs = 1'200'000'000;

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

// No majority is left that could do what is asked for.
struct NotDue {};

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
    for (const auto& [peer, progress] : leader->peers) {
      sum += progress.snapshot_demand().next_offset - progress.snapshot_demand().to_copy;
    }
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
      end_random_(options.seed ^ 0xdead),
      report_(schedule_),
      environment_{options_, schedule_, report_, *this},
      network_(
          options_, schedule_, report_,
          [this](raft::NodeId to, raft::MessageReceived message) {
            nodes_[to - 1]->receive(std::move(message));
          },
          [this](raft::NodeId node) { return nodes_[node - 1]->disk().identity(); }),
      checks_(nodes_, options_, report_),
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

// A first member that never heard all others needs one of them, or a leader, to take part; so does
// one that is damaged.
bool World::may_count(raft::NodeId id) const {
  const Node& node = *nodes_[id - 1];
  return !dead_[id - 1] && !node.disk().damaged() &&
         !(node.runs() && node.state().awaits_admission());
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
    if (dead_[node->id() - 1]) {
      if (node->runs()) break_for_good(*node);
      continue;
    }
    node->heal(delay_max_us);
    if (!node->runs()) node->start();
  }
}

// It is gone; or still speaks but hears nothing (A27), or the other way round. Its disk and its
// clock are as they were, and may end it.
void World::break_for_good(Node& node) {
  switch (end_random_.between(0, 2)) {
    case 0:
      network_.deafen(node.id());
      break;
    case 1:
      network_.mute(node.id());
      break;
    default:
      node.end(End::kKill);
  }
}

template <typename... Arguments>
void World::require_in_time(bool in_time, fmt::format_string<Arguments...> format,
                            Arguments&&... arguments) {
  if (in_time) return;
  // Until it noticed that it reaches nobody, a leader that stays broken may have taken a last
  // change, by which only it counts.
  if (!is_due()) throw NotDue();
  throw Broken("liveness: " + fmt::format(format, std::forward<Arguments>(arguments)...));
}

// Every message that is still lost may cost an election: the time counts from the last one on.
void World::require_leader() {
  const Microseconds limit = 10 * options_.core.election_timeout_ms * 1000;
  Microseconds end = schedule_.now() + limit;
  std::uint64_t losses = network_.last_losses();
  while (!has_leader()) {
    if (std::exchange(losses, network_.last_losses()) != network_.last_losses()) {
      end = schedule_.now() + limit;
    }
    require_in_time(schedule_.now() <= end,
                    "a leader that all healed nodes follow, not within {} ms after the world "
                    "healed",
                    limit / 1000);
    schedule_.run_next();
  }
}

void World::require_within(Microseconds limit, const char* what,
                           const std::function<bool()>& holds) {
  const Microseconds end = schedule_.now() + limit;
  while (!holds()) {
    require_in_time(schedule_.now() <= end, "{}, not within {} ms after the world healed", what,
                    limit / 1000);
    schedule_.run_next();
  }
}

// What a snapshot may wait for the rate at which they are sent, while others get theirs.
Microseconds World::wait_for_snapshots() const {
  const std::uint64_t rate = options_.core.snapshot_bytes_per_second;
  if (rate == 0) return 0;
  std::uint64_t largest = 0;
  for (const auto& node : nodes_) {
    if (!node->runs() || !node->state().snapshots.newest) continue;
    largest = std::max(largest, node->state().snapshots.newest->size);
  }
  return nodes_.size() * largest * 1'000'000 / rate;
}

void World::require_progress(Microseconds limit, const char* what,
                             const std::function<bool()>& holds) {
  // What is still lost, once of each kind on each link, may each time cost an election that takes
  // all who are healed.
  const auto measure = [this] {
    std::uint64_t sum = network_.last_losses();
    for (const auto& node : nodes_) sum += is_healed(*node) ? progress_of(*node) : 0;
    return sum;
  };
  std::uint64_t before = measure();
  Microseconds end = schedule_.now() + limit + wait_for_snapshots();
  const Microseconds last_end = schedule_.now() + kWorkOffUs;
  while (!holds()) {
    if (const std::uint64_t now = measure(); now != before) {
      before = now;
      end = schedule_.now() + limit + wait_for_snapshots();
    }
    require_in_time(schedule_.now() <= last_end, "{}: not done after {} ms", what,
                    kWorkOffUs / 1000);
    require_in_time(schedule_.now() <= end, "{}: nothing moved for {} ms", what, limit / 1000);
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

bool World::has_converged() const {
  return is_settled() && std::all_of(nodes_.begin(), nodes_.end(), [this](const auto& node) {
           return !is_healed(*node) || checks_.has_all_committed(*node);
         });
}

void World::require_converged() {
  require_progress(10 * options_.core.election_timeout_ms * 1000,
                   "the healed nodes work off what was asked before",
                   [this] { return has_converged(); });
}

// A late message of the time before may still unseat a leader, so once may not be enough. Nor where
// the next entry of the node is compacted away just then: it answers when it has applied the write,
// and a write more would make the leader begin again with a newer snapshot.
void World::require_answer(Node& node, Clients::Ticket (Clients::*ask)(Node&)) {
  Clients::Ticket ticket = (clients_.*ask)(node);
  const Microseconds limit = 10 * options_.core.election_timeout_ms * 1000 +
                             5 * options_.client.timeout_ms * 1000 + wait_for_snapshots();
  Microseconds end = schedule_.now() + limit;
  while (is_healed(node)) {  // or voted out meanwhile
    const Outcome outcome = clients_.outcome(ticket);
    if (outcome == Outcome::kDone) return;
    if (outcome != Outcome::kOpen) {
      const Microseconds before = schedule_.now();
      require_converged();
      end += schedule_.now() - before;
      schedule_.run_next();  // a request that is refused at once would come before all else
      ticket = (clients_.*ask)(node);
    }
    require_in_time(schedule_.now() <= end,
                    "a new request is answered, not within {} ms after the world healed",
                    limit / 1000);
    schedule_.run_next();
  }
}

bool World::is_idle(const Node& node) const {
  const std::size_t most = options_.core.log_memory_bytes + kLargestEntryBytes;  // the last stays
  if (node.state().log.memory_bytes() > most) return false;
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

// A server that was dropped, and asks the leader for its vote, learns of it and asks no more (A6).
// One in a higher term is not told: its answers would unseat a leader that the members follow. Nor
// is one that knows the leader as no voter yet, as it asks only others.
bool World::is_silent(const Node& node) const {
  const auto leading = leader();
  if (!node.runs() || dead_[node.id() - 1] || is_healed(node) || !leading) return true;
  const Node& leads = *nodes_[*leading - 1];
  const raft::State& state = node.state();
  if (state.leader() == leading) return true;  // it is being told, perhaps by a long snapshot
  const bool can_ask = state.is_member({*leading, leads.disk().identity()}) &&
                       state.quorum.is_voter(*leading) &&
                       state.current_term() <= leads.state().current_term();
  return !can_ask || !state.may_stand();
}

bool World::is_due() {
  if (majorities([this](raft::NodeId id) { return may_count(id); })) return true;
  ++report_.statistics.liveness_not_due;  // an operator's mistake, or a loss, too many
  return false;
}

void World::check_liveness() {
  try {
    require_liveness();
  } catch (const NotDue&) {  // and counted
  }
}

void World::require_liveness() {
  if (!is_due()) return;
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const auto each_healed = [this](const std::function<bool(const Node&)>& holds) {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [&](const auto& node) { return !is_healed(*node) || holds(*node); });
  };
  // Syncs that hang and nodes that sleep do so until now.
  const std::uint64_t hang_ms = options_.disk.hang_per_mille > 0 ? options_.disk.hang_ms : 0;
  const std::uint64_t pause_ms = options_.node.pause_interval_ms > 0 ? options_.node.pause_ms : 0;
  const Microseconds settled = schedule_.now() + (hang_ms + pause_ms) * 1000;
  while (schedule_.now() < settled && schedule_.run_next()) {
  }
  // A leader that stays broken may have taken a last change, by which only it counts.
  if (!is_due()) return;
  require_leader();
  require_converged();
  for (const auto& node : nodes_) {
    if (is_healed(*node)) require_answer(*node, &Clients::write);
    if (is_healed(*node)) require_answer(*node, &Clients::read);
  }
  require_within(options_.client.timeout_ms * 1000 + election_us, "every open request ends",
                 [this] { return clients_.open() == 0; });
  require_within(10 * election_us, "the healed nodes have every committed entry, and no other",
                 [this] { return has_converged(); });
  require_within(10 * election_us, "whoever was dropped falls silent (A6)", [this] {
    return std::all_of(nodes_.begin(), nodes_.end(),
                       [this](const auto& node) { return is_silent(*node); });
  });
  // A change of members that was asked last may wait for its time to be up.
  require_within(10 * election_us + options_.client.timeout_ms * 1000,
                 "counters and windows return to 0 when idle (A30)",
                 [&] { return each_healed([this](const Node& n) { return is_idle(n); }); });
  for (const auto& node : nodes_) {
    if (is_healed(*node)) checks_.require_same_state(*node);
  }
}

RunResult run(const RunOptions& options, std::FILE* trace) {
  World world(options);
  if (trace != nullptr) world.trace_to(trace);
  return world.run();
}

void print_story_on_abort() { std::signal(SIGABRT, print_story); }

}  // namespace sim
