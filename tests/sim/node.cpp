#include "node.h"

#include <algorithm>
#include <exception>
#include <iterator>

namespace sim {
namespace {

constexpr Microseconds kTickUs = 10'000;

}  // namespace

Node::Node(Environment& environment, raft::NodeId id)
    : environment_(environment),
      id_(id),
      random_(environment.options.seed * 1000 + id),
      disk_options_(environment.options.disk),
      apply_delay_us_(environment.options.node.apply_delay_us),
      disk_(environment.options.disk, random_.next(), id) {
  const auto drift = static_cast<std::int64_t>(environment.options.node.drift_per_mille);
  const auto drawn = random_.between(0, static_cast<std::uint64_t>(2 * drift));
  drift_per_mille_ = static_cast<std::int64_t>(drawn) - drift;
}

raft::Milliseconds Node::clock() const {
  const auto rate = static_cast<std::uint64_t>(1000 + drift_per_mille_);
  return environment_.options.node.clock_start_ms + jumped_ms_ +
         environment_.schedule.now() * rate / 1000 / 1000;
}

raft::Options Node::core_options() {
  raft::Options options = environment_.options.core;
  options.id = id_;
  for (raft::NodeId node = 1; node <= environment_.options.nodes; ++node) {
    options.members.push_back(node);
  }
  options.seed = random_.next();
  return options;
}

void Node::start() {
  const NodeOptions& options = environment_.options.node;
  const bool interrupted =
      random_.chance(options.interrupted_start_per_mille, 1000) && interrupted_starts_;
  try {
    run(disk_.open(flushed_.applied_index(), random_.between(1, options.recent_bytes),
                   interrupted));
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.starts_failed;
    on_disk_fault(fault);
  } catch (const Broken&) {
    throw;
  } catch (const std::runtime_error& refusal) {  // Damage or Refused
    require(disk_.damaged(), "a node whose disk is whole starts again: node {} refuses: {}", id_,
            refusal.what());
    ++environment_.report.statistics.refused_damage;
    environment_.report.say(id_, std::string("refuses to start: ") + refusal.what());
    refused_ = true;
    disk_.close(End::kKill, {});
  }
}

void Node::run(raft::Restored restored) {
  ++starts_;
  ++lives_;
  requests_ = 0;
  machine_ = flushed_;
  environment_.report.note(id_, "starts in term {}, log to {}, applied to {}",
                           restored.hard_state.current_term, restored.last_index,
                           restored.applied_index);
  server_ = std::make_unique<raft::Server>(core_options(), std::move(restored));
  environment_.surroundings.on_hard_state_durable(*this);
  environment_.surroundings.on_stepped(*this);
  later(random_.between(0, kTickUs), [this] { tick(); });
}

void Node::damage() {
  if (!disk_.flip_bit()) return;
  ++environment_.report.statistics.bit_flips;
  environment_.report.note(id_, "a bit of what is stored changes");
}

void Node::on_disk_fault(const storage::DiskFault& fault) {
  environment_.report.say(id_, std::string("fault of the disk: ") + fault.what());
  end(random_.chance(1, 2) ? End::kKill : End::kPowerCut);
}

void Node::end(End end) {
  ++lives_;
  Statistics& statistics = environment_.report.statistics;
  ++(end == End::kKill ? statistics.kills : statistics.power_cuts);
  statistics.orders_lost += group_.size();
  for (const LogOrders& each : orders_) statistics.orders_lost += each.persist ? 1 : 0;
  environment_.report.note(id_,
                           end == End::kKill ? "is killed, orders under way {}, to come {}"
                                             : "loses power, orders under way {}, to come {}",
                           group_.size(), orders_.size());
  server_.reset();
  mailbox_.clear();
  orders_.clear();
  work_.clear();
  turn_planned_ = work_planned_ = awake_ = writing_ = false;
  paused_until_ = 0;
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
  interrupted_starts_ = false;
  disk_.stop_faults();
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
                                   raft::message_name(received->message).data(), received->from,
                                   raft::message_term(received->message));
  } else if (const auto* persisted = std::get_if<raft::Persisted>(&event)) {
    environment_.report.note(id_, "has persisted order {}", persisted->number);
  } else if (const auto* fetched = std::get_if<raft::EntriesFetched>(&event)) {
    environment_.report.note(id_, "has fetched {} entries from {}", fetched->entries.size(),
                             fetched->entries.front().index);
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
  if (effects.apply || !effects.serve_reads.empty()) {
    Work& work = work_.emplace_back();
    if (effects.apply) work.entries = std::move(effects.apply->entries);
    work.reads = std::move(effects.serve_reads);
    plan_work();
  }
}

Microseconds Node::draw_sync() {
  if (random_.chance(disk_options_.hang_per_mille, 1000)) {
    return random_.between(0, disk_options_.hang_ms * 1000);
  }
  return random_.between(disk_options_.sync_min_us, disk_options_.sync_max_us);
}

// The log writer takes all that waits, or some of it where more comes just then.
void Node::begin_writing() {
  if (writing_ || orders_.empty()) return;
  writing_ = true;
  const bool all = random_.chance(1, 2);
  std::size_t count = all ? orders_.size() : random_.between(1, orders_.size());
  while (count-- > 0) {
    LogOrders& orders = orders_.front();
    if (orders.persist) group_.push_back(std::move(*orders.persist));
    std::move(orders.fetches.begin(), orders.fetches.end(), std::back_inserter(fetches_));
    orders_.pop_front();
  }
  later(draw_sync(), [this] { finish_writing(); });
}

void Node::finish_writing() {
  std::vector<raft::EntriesFetched> fetched;
  try {
    if (!group_.empty()) disk_.persist(group_);
    // The promises leave before the fetches are served, and whether those succeed or not.
    std::vector<raft::Persist> group = std::exchange(group_, {});
    if (!group.empty()) {
      environment_.surroundings.on_hard_state_durable(*this);
      for (const raft::Persist& order : group) {
        for (const raft::Send& send : order.promises) {
          environment_.surroundings.on_sent(*this, send);
        }
      }
      receive(raft::Persisted{group.back().number});
    }
    fetched = disk_.fetch(std::exchange(fetches_, {}));
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.disk_faults;
    on_disk_fault(fault);
    return;
  }
  for (raft::EntriesFetched& each : fetched) receive(std::move(each));
  writing_ = false;
  begin_writing();
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
  for (const raft::CommittedEntry& committed : work.entries) {
    environment_.surroundings.on_apply(*this, committed.entry);
    const auto written = machine_.apply(committed.entry);
    environment_.surroundings.on_applied(*this);
    if (committed.request) {
      require(written.has_value(), "node {} answers request {} with an entry that is no write", id_,
              *committed.request);
      environment_.surroundings.on_written(*this, *committed.request, committed.entry.index,
                                           *written);
    }
  }
  for (const raft::RequestNumber request : work.reads) {
    environment_.surroundings.on_read(*this, request);
  }
  if (!work.entries.empty()) {
    if (random_.chance(1, 8)) flushed_ = machine_;
    receive(raft::EntriesApplied{machine_.applied_index()});
  }
  plan_work();
}

}  // namespace sim
