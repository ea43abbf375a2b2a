#include "node.h"

#include <algorithm>

namespace sim {
namespace {

constexpr Microseconds kTickUs = 10'000;

}  // namespace

Node::Node(Environment& environment, raft::NodeId id)
    : environment_(environment),
      id_(id),
      disk_options_(environment.options.disk),
      apply_delay_us_(environment.options.node.apply_delay_us) {
  const auto drift = static_cast<std::int64_t>(environment.options.node.drift_per_mille);
  const auto drawn = environment.random.between(0, static_cast<std::uint64_t>(2 * drift));
  drift_per_mille_ = static_cast<std::int64_t>(drawn) - drift;
}

raft::Milliseconds Node::clock() const {
  const auto rate = static_cast<std::uint64_t>(1000 + drift_per_mille_);
  return environment_.options.node.clock_start_ms +
         environment_.schedule.now() * rate / 1000 / 1000;
}

void Node::start() {
  ++starts_;
  ++lives_;
  requests_ = 0;
  raft::Options options = environment_.options.core;
  options.id = id_;
  for (raft::NodeId node = 1; node <= environment_.options.nodes; ++node) {
    options.members.push_back(node);
  }
  options.seed = environment_.random.next();
  machine_ = {};
  require(flushed_index_ <= disk_.last_index(),
          "the state machine of node {} has flushed {}, its log on disk ends at {}", id_,
          flushed_index_, disk_.last_index());
  for (raft::Index index = 1; index <= flushed_index_; ++index) {
    machine_.apply(disk_.log()[index - 1]);
  }
  const std::size_t recent =
      environment_.random.between(1, environment_.options.node.recent_entries);
  server_ =
      std::make_unique<raft::Server>(std::move(options), disk_.restored(flushed_index_, recent));
  environment_.report.note(id_, "starts: term, last index, applied",
                           disk_.hard_state().current_term, disk_.last_index(), flushed_index_);
  environment_.surroundings.on_stepped(*this);
  later(environment_.random.between(0, kTickUs), [this] { tick(); });
}

void Node::crash() {
  ++lives_;
  ++environment_.report.statistics.crashes;
  server_.reset();
  mailbox_.clear();
  work_.clear();
  turn_planned_ = work_planned_ = awake_ = false;
  paused_until_ = 0;
  const std::size_t lost = disk_.crash(environment_.random);
  environment_.report.statistics.orders_lost += lost;
  environment_.report.note(id_, "crashes: orders lost, last index, term", lost, disk_.last_index(),
                           disk_.hard_state().current_term);
  environment_.surroundings.on_hard_state_durable(*this);
}

void Node::pause(Microseconds length) {
  ++environment_.report.statistics.pauses;
  environment_.report.note(id_, "paused: us", length);
  paused_until_ = environment_.schedule.now() + length;
}

void Node::heal(Microseconds delay_max_us) {
  paused_until_ = 0;
  disk_options_.hang_per_mille = 0;
  disk_options_.sync_max_us = std::min(disk_options_.sync_max_us, delay_max_us);
  disk_options_.sync_min_us = std::min(disk_options_.sync_min_us, disk_options_.sync_max_us);
  apply_delay_us_ = std::min(apply_delay_us_, delay_max_us);
}

void Node::tick() {
  // A woken process may see the clock before or after the messages that waited for it.
  if (environment_.random.chance(1, 2)) {
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
  later(environment_.random.between(0, wake_up_us), [this] { turn(); });
}

void Node::turn() {
  turn_planned_ = false;
  std::size_t count = environment_.random.between(1, environment_.options.node.batch_events);
  while (count-- > 0 && !mailbox_.empty()) {
    raft::Event event = std::move(mailbox_.front());
    mailbox_.pop_front();
    if (const auto* received = std::get_if<raft::MessageReceived>(&event)) {
      environment_.report.note(id_, raft::message_name(received->message).data(), received->from,
                               raft::message_term(received->message));
    } else if (const auto* persisted = std::get_if<raft::Persisted>(&event)) {
      environment_.report.note(id_, "persisted", persisted->number);
    }
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
  if (effects.persist) {
    const raft::Persist& order = *effects.persist;
    environment_.report.note(id_, "persist: number, entries, promises", order.number,
                             order.entries.size(), order.promises.size());
    if (order.truncate_from) ++environment_.report.statistics.truncations;
    disk_.order(std::move(*effects.persist));
    write_to_disk();
  }
  for (const raft::Send& send : effects.sends) environment_.surroundings.on_sent(*this, send);
  for (const raft::FetchEntries& wanted : effects.fetches) fetch(wanted);
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
  if (environment_.random.chance(disk_options_.hang_per_mille, 1000)) {
    return environment_.random.between(0, disk_options_.hang_ms * 1000);
  }
  return environment_.random.between(disk_options_.sync_min_us, disk_options_.sync_max_us);
}

void Node::write_to_disk() {
  if (disk_.writing() || disk_.waiting() == 0) return;
  const bool all = environment_.random.chance(1, 2);
  disk_.begin_sync(all ? disk_.waiting() : environment_.random.between(1, disk_.waiting()));
  later(draw_sync(), [this] { finish_writing(); });
}

void Node::finish_writing() {
  const std::vector<raft::Persist> orders = disk_.finish_sync();
  environment_.surroundings.on_hard_state_durable(*this);
  for (const raft::Persist& order : orders) {
    for (const raft::Send& send : order.promises) environment_.surroundings.on_sent(*this, send);
  }
  receive(raft::Persisted{orders.back().number});
  write_to_disk();
}

void Node::fetch(const raft::FetchEntries& wanted) {
  ++environment_.report.statistics.fetches;
  environment_.report.note(id_, "fetches: peer, from, to", wanted.peer.value_or(0),
                           wanted.first_index, wanted.last_index);
  later(draw_sync(), [this, wanted] {
    receive(raft::EntriesFetched{wanted.peer, disk_.fetch(wanted)});
  });
}

void Node::plan_work() {
  if (work_planned_ || work_.empty()) return;
  work_planned_ = true;
  later(environment_.random.between(0, apply_delay_us_), [this] { work(); });
}

void Node::work() {
  work_planned_ = false;
  const Work work = std::move(work_.front());
  work_.pop_front();
  for (const raft::CommittedEntry& committed : work.entries) {
    environment_.surroundings.on_apply(*this, committed.entry);
    machine_.apply(committed.entry);
    if (committed.request) {
      environment_.surroundings.on_written(*this, *committed.request, committed.entry.index);
    }
  }
  for (const raft::RequestNumber request : work.reads) {
    environment_.surroundings.on_read(*this, request);
  }
  if (!work.entries.empty()) {
    if (environment_.random.chance(1, 8)) flushed_index_ = machine_.applied_index();
    receive(raft::EntriesApplied{machine_.applied_index()});
  }
  plan_work();
}

}  // namespace sim
