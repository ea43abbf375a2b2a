#include "node.h"

#include <algorithm>
#include <exception>
#include <functional>

namespace sim {
namespace {

constexpr Microseconds kTickUs = 10'000;

}  // namespace

Node::Node(Environment& environment, raft::NodeId id, bool first)
    : environment_(environment),
      id_(id),
      random_(environment.options.seed * 1000 + id),
      repair_random_(~(environment.options.seed * 1000 + id)),
      disk_options_(environment.options.disk),
      apply_delay_us_(environment.options.node.apply_delay_us),
      disk_(environment.options.disk, random_.next(), id),
      first_(first),
      image_(database::make_memory_image()) {
  const auto drift = static_cast<std::int64_t>(environment.options.node.drift_per_mille);
  const auto drawn = random_.between(0, static_cast<std::uint64_t>(2 * drift));
  drift_per_mille_ = static_cast<std::int64_t>(drawn) - drift;
}

raft::Milliseconds Node::clock() const {
  const auto rate = static_cast<std::uint64_t>(1000 + drift_per_mille_);
  const Microseconds run_us = environment_.schedule.now() - booted_at_.value_or(0);
  const raft::Milliseconds start_ms = booted_at_ ? 1 : environment_.options.node.clock_start_ms;
  return start_ms + jumped_ms_ + run_us * rate / 1000 / 1000;
}

raft::Member Node::description() const {
  return {
      .id = id_,
      .identity = disk_.identity(),
      .priority = environment_.options.node.priorities ? static_cast<std::uint32_t>(id_ % 3) : 0,
      .peer = fmt::format("tcp://node:{}", id_),
      .client = {},
      .publish = {}};
}

raft::Options Node::core_options() {
  raft::Options options = environment_.options.core;
  options.self = description();
  for (raft::NodeId node = 1; first_ && node <= environment_.options.nodes; ++node) {
    options.first_members.push_back({.id = node});
  }
  options.seed = random_.next();
  return options;
}

bool Node::start_is_interrupted() {
  const std::uint64_t per_mille = environment_.options.node.interrupted_start_per_mille;
  const bool any = random_.chance(per_mille, 1000);
  // A repair is rare, and has many places in which it can end.
  const bool repair = per_mille > 0 && disk_.damaged() && repair_random_.chance(1, 2);
  return (any || repair) && !healed_;
}

void Node::start() {
  const bool interrupted = start_is_interrupted();
  try {
    run(open(interrupted));
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.starts_failed;
    on_disk_fault(fault);
  } catch (const Broken&) {
    throw;
  } catch (const std::runtime_error& refusal) {  // Damage or Refused
    require(disk_.damaged(), "a node whose disk is whole starts again: node {} refuses: {}", id_,
            refusal.what());
    // An only voter has no peers; by a log that was cut it may be one again.
    const bool has_peers =
        environment_.options.nodes > 1 && !environment_.surroundings.was_only_voter(id_);
    require(!disk_.repairable() || !has_peers, "damage in log or snapshot is repaired: node {} {}",
            id_, refusal.what());
    ++environment_.report.statistics.refused_damage;
    environment_.report.say(id_, std::string("refuses to start: ") + refusal.what());
    refused_ = true;
    machine_.reset();
    disk_.close(End::kKill, {});
  }
}

class Node::MachineAtStart final : public storage::StateMachineAtStart {
 public:
  explicit MachineAtStart(Node& node) : node_(node) {}

  [[nodiscard]] raft::Index applied_index() const override {
    return node_.machine_->applied_index();
  }
  void clear() override {
    node_.machine_.reset();
    node_.image_ = database::make_memory_image();
    node_.machine_ = std::make_unique<StateMachine>(node_.image_);
  }
  [[nodiscard]] std::function<base::SharedBytes()> read_snapshot() override {
    return [reader = std::shared_ptr(node_.machine_->read_snapshot())] {
      constexpr std::size_t kSliceBytes = 4000;
      return reader->next(kSliceBytes);
    };
  }

 private:
  Node& node_;
};

raft::Restored Node::open(bool interrupted) {
  machine_ = std::make_unique<StateMachine>(image_);
  MachineAtStart machine(*this);
  std::vector<raft::NodeId> first_voters;
  for (raft::NodeId node = 1; first_ && node <= environment_.options.nodes; ++node) {
    first_voters.push_back(node);
  }
  const std::size_t recent_bytes = random_.between(1, environment_.options.node.recent_bytes);
  auto restored = disk_.open(machine, first_voters, recent_bytes, interrupted);
  for (const std::string& finding : disk_.findings()) environment_.report.say(id_, finding);
  if (restored.doubt) ++environment_.report.statistics.starts_in_doubt;
  load_snapshot(restored);
  return restored;
}

// A snapshot stands for what its log does not reach back to.
void Node::load_snapshot(raft::Restored& restored) {
  if (machine_->applied_index() < restored.base.index) machine_->load(disk_.snapshot_content());
  require(machine_->applied_index() <= restored.last_index,
          "the state machine of node {} has applied {}, its log on disk ends at {}", id_,
          machine_->applied_index(), restored.last_index);
  restored.applied_index = machine_->applied_index();
}

void Node::note_vouching() {
  if (!disk_.vouches_again()) return;
  ++environment_.report.statistics.repairs;
  environment_.report.note(id_, "vouches for its disk again");
  environment_.surroundings.on_vouching(*this);
  disk_.forget_lost();
}

void Node::run(raft::Restored restored) {
  ++starts_;
  ++lives_;
  requests_ = 0;
  space_ = raft::DiskSpace::kEnough;
  look_due_ = 0;
  environment_.report.note(id_, "starts in term {}, log to {}, applied to {}",
                           restored.hard_state.current_term, restored.last_index,
                           restored.applied_index);
  server_ = std::make_unique<raft::Server>(core_options(), std::move(restored));
  environment_.surroundings.on_hard_state_durable(*this);
  note_vouching();  // it ended in the middle of saying so
  environment_.surroundings.on_restored(*this);
  environment_.surroundings.on_stepped(*this);
  later(random_.between(0, kTickUs), [this] { tick(); });
}

void Node::damage() {
  if (!disk_.flip_bit()) return;
  ++environment_.report.statistics.bit_flips;
  environment_.report.note(id_, "a bit of what is stored changes");
}

void Node::wipe(bool joins) {
  first_ = first_ && !joins;
  ++environment_.report.statistics.wipes;
  environment_.report.note(id_, "loses everything on its disk");
  disk_.wipe();
  image_ = database::make_memory_image();
}

void Node::end(End end) {
  ++lives_;
  Statistics& statistics = environment_.report.statistics;
  ++(end == End::kKill ? statistics.kills : statistics.power_cuts);
  if (end == End::kPowerCut && environment_.options.node.clock_restarts) {
    booted_at_ = environment_.schedule.now();
    jumped_ms_ = 0;
  }
  statistics.orders_lost += group_.size();
  for (const LogOrders& each : orders_) statistics.orders_lost += each.persist ? 1 : 0;
  environment_.report.note(id_,
                           end == End::kKill ? "is killed, orders under way {}, to come {}"
                                             : "loses power, orders under way {}, to come {}",
                           group_.size(), orders_.size());
  server_.reset();
  reader_.reset();
  machine_.reset();
  mailbox_.clear();
  orders_.clear();
  work_.clear();
  turn_planned_ = work_planned_ = awake_ = writing_ = without_room_ = false;
  paused_until_ = kept_at_ = 0;
  disk_.close(end, group_);
  group_.clear();
  fetches_.clear();
  environment_.surroundings.on_ended(*this);
}

void Node::pause(Microseconds length) {
  ++environment_.report.statistics.pauses;
  environment_.report.note(id_, "is paused for {} us", length);
  paused_until_ = environment_.schedule.now() + length;
}

void Node::jump_clock(raft::Milliseconds ahead) {
  ++environment_.report.statistics.clock_jumps;
  environment_.report.note(id_, "sees its clock jump ahead by {} ms", ahead);
  jumped_ms_ += ahead;
}

void Node::heal(Microseconds delay_max_us) {
  paused_until_ = 0;
  healed_ = true;
  disk_.stop_faults();
  ++fills_;
  disk_options_.hang_per_mille = 0;
  disk_options_.sync_max_us = std::min(disk_options_.sync_max_us, delay_max_us);
  disk_options_.sync_min_us = std::min(disk_options_.sync_min_us, disk_options_.sync_max_us);
  apply_delay_us_ = std::min(apply_delay_us_, delay_max_us);
}

void Node::tick() {
  // A woken process may see the clock before or after the messages that waited for it.
  if (random_.chance(1, 2)) {
    mailbox_.emplace_back(std::in_place_type<raft::TickElapsed>, raft::TickElapsed{clock()});
  } else {
    mailbox_.emplace_front(std::in_place_type<raft::TickElapsed>, raft::TickElapsed{clock()});
  }
  plan_turn();
  later(kTickUs, [this] { tick(); });
  if (environment_.schedule.now() >= look_due_) {
    look_at_disk();
  } else {
    prepare_ahead();
  }
}

void Node::plan_turn() {
  if (turn_planned_) return;
  turn_planned_ = true;
  // To wake up takes a while; a node that is awake goes on until its mailbox is empty.
  const Microseconds wake_up_us = awake_ ? 0 : environment_.options.node.turn_delay_us;
  later(random_.between(0, wake_up_us), [this] { turn(); });
}

void Node::note_event(const raft::Event& event) {
  if (const auto* received = std::get_if<raft::MessageReceived>(&event)) {
    environment_.report.note_named(id_, "receives {3} from node {0} of term {1}",
                                   raft::message_name(received->message).data(), received->from.id,
                                   raft::message_term(received->message));
  } else if (const auto* persisted = std::get_if<raft::Persisted>(&event)) {
    environment_.report.note(id_, "has persisted order {}", persisted->number);
  } else if (const auto* fetched = std::get_if<raft::EntriesFetched>(&event)) {
    environment_.report.note(id_, "has fetched {} entries from {}", fetched->entries.size(),
                             fetched->entries.empty() ? 0 : fetched->entries.front().index);
  }
}

void Node::turn() {
  turn_planned_ = false;
  std::size_t count = random_.between(1, environment_.options.node.batch_events);
  while (count-- > 0 && !mailbox_.empty()) {
    raft::Event event = std::move(mailbox_.front());
    mailbox_.pop_front();
    note_event(event);
    ++environment_.report.statistics.steps;
    server_->step(std::move(event));
    environment_.surroundings.on_stepped(*this);
  }
  // A lease is judged by a clock that was just looked at.
  if (environment_.options.core.read_lease_drift_percent > 0) {
    server_->step(raft::TickElapsed{clock()});
  }
  raft::Effects effects = server_->take_effects();
  environment_.surroundings.on_stepped(*this);
  carry_out(std::move(effects));
  awake_ = !mailbox_.empty();
  if (awake_) plan_turn();
}

void Node::carry_out(raft::Effects effects) {
  for (const raft::Trace& trace : effects.traces) environment_.report.say(id_, trace.text);
  if (effects.persist || !effects.fetches.empty()) {
    if (effects.persist) {
      const raft::Persist& order = *effects.persist;
      environment_.report.note(id_, "orders {}: {} entries, {} promises", order.number,
                               order.entries.size(), order.promises.size());
      if (order.truncate_from) ++environment_.report.statistics.truncations;
    }
    environment_.report.statistics.fetches += effects.fetches.size();
    orders_.push_back({std::move(effects.persist), std::move(effects.fetches)});
    begin_writing();
  }
  for (const raft::Send& send : effects.sends) environment_.surroundings.on_sent(*this, send);
  for (const raft::Refuse& refusal : effects.refusals) {
    environment_.surroundings.on_refused(*this, refusal);
  }
  for (const raft::Complete& completion : effects.completions) {
    ++environment_.report.statistics.requests_completed;
    environment_.surroundings.on_completed(*this, completion);
  }
  carry_out_snapshot_orders(effects);
  if (effects.install || effects.apply || !effects.serve_reads.empty() || effects.take_snapshot) {
    Work& work = work_.emplace_back();
    work.install = effects.install;
    if (effects.apply) work.entries = std::move(effects.apply->entries);
    work.reads = std::move(effects.serve_reads);
    work.take_snapshot = std::move(effects.take_snapshot);
    plan_work();
  }
}

void Node::plan_work() {
  if (work_planned_ || work_.empty()) return;
  work_planned_ = true;
  later(random_.between(0, apply_delay_us_), [this] { work(); });
}

void Node::work() {
  work_planned_ = false;
  const Work work = std::move(work_.front());
  work_.pop_front();
  if (work.install && !install(work.install->index)) return;
  apply(work.entries);
  reads_done_ += work.reads.size();
  for (const raft::RequestNumber request : work.reads) {
    environment_.surroundings.on_read(*this, request);
  }
  if (!work.entries.empty()) {
    if (random_.chance(1, 8)) machine_->flush();
    receive(raft::EntriesApplied{machine_->applied_index()});
  }
  if (work.take_snapshot) take_snapshot(*work.take_snapshot);
  plan_work();
}

bool Node::install(raft::Index index) {
  std::string content;
  try {
    content = disk_.snapshot_content();
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.disk_faults;
    on_disk_fault(fault);
    return false;
  }
  machine_->load(content);
  environment_.report.note(id_, "installs a snapshot up to {}", machine_->applied_index());
  environment_.surroundings.on_restored(*this);
  receive(raft::SnapshotInstalled{index});
  return true;
}

void Node::apply(const std::vector<raft::CommittedEntry>& entries) {
  for (const raft::CommittedEntry& committed : entries) {
    environment_.surroundings.on_apply(*this, committed.entry);
    const AppliedEntry applied = machine_->apply(committed.entry);
    environment_.surroundings.on_applied(*this, committed.entry, applied);
    if (committed.request) {
      environment_.surroundings.on_written(*this, *committed.request, committed.entry.index,
                                           applied);
    }
  }
}

}  // namespace sim
