// The part of world.h about the second phase: what a healed majority has to do.
#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "world.h"

namespace sim {
namespace {

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

// Changes whenever the node has got on with its work.
std::uint64_t progress_of(const Node& node) {
  if (!node.runs()) return 0;
  const raft::Status status = node.status();
  std::uint64_t sum = status.commit_index + node.disk().last_index() +
                      node.machine().applied_index() + node.reads_done() + status.snapshot_index;
  for (const auto& peer : status.peers) sum += peer.match_index;
  if (const auto* leader = node.state().as<raft::LeaderState>()) {
    for (const auto& [peer, progress] : leader->peers) {
      sum += progress.snapshot_demand().next_offset - progress.snapshot_demand().to_copy;
    }
  }
  return sum;
}

}  // namespace

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

// It is gone; or still speaks but hears nothing (A27), or the other way round; or its disk hangs.
// Its disk and its clock are as they were, and may end it.
void World::break_for_good(Node& node) {
  switch (end_random_.between(0, 3)) {
    case 0:
      network_.deafen(node.id());
      break;
    case 1:
      network_.mute(node.id());
      waits_in_vain_.insert(node.id());  // for the answers of a leader whom it hears
      break;
    case 2:
      node.hang_disk();
      waits_in_vain_.insert(node.id());  // for the entries that it would have to store
      clients_.write(node);              // a leader learns of it by what it has to write
      break;
    default:
      node.end(End::kKill);
  }
}

void World::step() { require(schedule_.run_next(), "what is waited for can still come"); }

template <typename... Arguments>
void World::require_in_time(bool in_time, fmt::format_string<Arguments...> format,
                            Arguments&&... arguments) {
  if (in_time) return;
  // Until it noticed that it reaches nobody, a leader that stays broken may have taken a last
  // change, by which only it counts.
  if (!is_due()) throw NotDue();
  throw Broken("liveness: " + fmt::format(format, std::forward<Arguments>(arguments)...));
}

// A voter that a change leaves out is fed once the change cannot be committed, or has to fall
// silent once it is: until then the leader may have a backlog to work off.
void World::require_leader() {
  require_progress(10 * options_.core.election_timeout_ms * 1000,
                   "a leader that all healed nodes follow", [this] { return has_leader(); });
}

void World::require_within(Microseconds limit, const char* what,
                           const std::function<bool()>& holds) {
  const Microseconds end = schedule_.now() + limit;
  while (!holds()) {
    require_in_time(schedule_.now() <= end, "{}, not within {} ms after the world healed", what,
                    limit / 1000);
    step();
  }
}

// What a snapshot may take: part by part, each of which waits for the answer to the one before, and
// for the rate at which they are sent, while others get theirs.
Microseconds World::wait_for_snapshots() const {
  const std::uint64_t rate = options_.core.snapshot_bytes_per_second;
  std::uint64_t largest = 0;
  for (const auto& node : nodes_) {
    if (!node->runs() || !node->state().snapshots.newest) continue;
    largest = std::max(largest, node->state().snapshots.newest->size);
  }
  const std::uint64_t parts = largest / options_.core.max_append_bytes + 1;
  const Microseconds one_by_one = parts * 2 * options_.core.heartbeat_interval_ms * 1000;
  return one_by_one + (rate == 0 ? 0 : nodes_.size() * largest * 1'000'000 / rate);
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
    step();
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
      step();  // a request that is refused at once would come before all else
      ticket = (clients_.*ask)(node);
    }
    require_in_time(schedule_.now() <= end,
                    "a new request is answered, not within {} ms after the world healed",
                    limit / 1000);
    step();
  }
}

void World::require_answers() {
  for (const auto& node : nodes_) {
    if (is_healed(*node)) require_answer(*node, &Clients::write);
    if (is_healed(*node)) require_answer(*node, &Clients::read);
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
  require_answers();
  // What is lost is asked again by whoever waits for it; from here on nobody has to.
  network_.lose_no_more();
  clients_.expect_answers(10 * election_us + wait_for_snapshots(),
                          [this](const Node& node) { return !waits_in_vain_.contains(node.id()); });
  require_answers();
  require_operators_served();
  require_within(options_.client.timeout_ms * 1000 + 11 * election_us + wait_for_snapshots(),
                 "every open request ends", [this] { return clients_.open() == 0; });
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

// What it asks is done, though it may have to ask again.
void World::require_done(const char* what, const std::function<void()>& ask,
                         const std::function<bool()>& holds) {
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const Microseconds end = schedule_.now() + 40 * election_us + 3 * wait_for_snapshots();
  Microseconds next = schedule_.now();
  while (!holds()) {
    require_in_time(schedule_.now() <= end, "{}, not within {} ms", what, 40 * election_us / 1000);
    if (schedule_.now() >= next) {
      ask();
      next = schedule_.now() + 4 * election_us;
    }
    step();
  }
}

// Leadership comes to a healed node, also from one whose disk hangs (it has something to write by
// now); it goes where an operator wants it, and the members change as one wants.
void World::require_operators_served() {
  const bool any = std::any_of(nodes_.begin(), nodes_.end(),
                               [this](const auto& node) { return is_healed(*node); });
  if (!any) return;  // no cluster was founded, or all of it is lost
  const Microseconds election_us = options_.core.election_timeout_ms * 1000;
  const Microseconds disk_us = options_.core.max_disk_wait_ms * 1000;
  require_within(3 * disk_us + 10 * election_us, "a healed node leads", [this] {
    const auto leading = leader();
    return leading && is_healed(*nodes_[*leading - 1]) && has_leader();
  });
  require_transferred();
  require_changed();
}

void World::require_transferred() {
  const auto* committed = checks_.committed_configuration();
  std::vector<raft::NodeId> fit;
  for (const raft::NodeId id : committed->voters) {
    const Node& node = *nodes_[id - 1];
    if (is_healed(node) && node.runs() && node.state().may_stand()) fit.push_back(id);
  }
  if (fit.size() < 2) return;
  const raft::NodeId target = fit[end_random_.between(0, fit.size() - 1)];
  require_done(
      "leadership goes where it is asked to",
      [this, target] {
        const auto leading = leader();
        if (!leading || leading == target) return;
        clients_.ask(*nodes_[*leading - 1], [target](raft::RequestNumber number) {
          return raft::TransferRequested{number, target};
        });
        for (const auto& node : nodes_) {  // who asks meanwhile is answered
          if (is_healed(*node)) clients_.write(*node);
        }
      },
      [this, target] { return leader() == target; });
}

// A learner that is there is promoted; else a voter leaves, where a majority of the others is
// healed.
void World::require_changed() {
  const auto* committed = checks_.committed_configuration();
  if (committed->changing()) return;  // it waits for somebody who never comes
  raft::MembershipChange change;
  for (const raft::Member& member : committed->members) {
    const Node& node = *nodes_[member.id - 1];
    if (!committed->is_voter(member.id) && is_healed(node)) change.promote = {member.id};
  }
  if (change.promote.empty()) {
    const auto& voters = committed->voters;
    const raft::NodeId leaves = voters[end_random_.between(0, voters.size() - 1)];
    const auto healed = std::count_if(voters.begin(), voters.end(), [&](raft::NodeId id) {
      return id != leaves && is_healed(*nodes_[id - 1]);
    });
    if (2 * static_cast<std::size_t>(healed) <= voters.size() - 1) return;
    change.remove = {leaves};
  }
  require_done(
      "members change as they are asked to",
      [&] {
        if (const auto leading = leader()) ask_for_change(*nodes_[*leading - 1], change);
      },
      [&] {
        const auto* now = checks_.committed_configuration();
        const bool is_voter =
            now->is_voter(change.promote.empty() ? change.remove.front() : change.promote.front());
        return !now->changing() && is_voter == !change.promote.empty();
      });
}

}  // namespace sim
