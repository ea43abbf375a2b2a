#include "cluster.h"

#include <algorithm>

#include "base/check.h"

namespace raft {
namespace {

constexpr Milliseconds kTick = 10;

}  // namespace

base::SharedBytes bytes(std::string_view text) { return base::SharedBytes::copy_of(text); }

std::vector<Entry> log_of(const std::vector<Term>& terms) {
  EntryBlockBuilder block(0);
  Index index = 0;
  for (const Term term : terms) {
    ++index;
    block.add(index, term, EntryKind::kCommand, bytes(fmt::format("{}/{}", index, term)));
  }
  return block.finish();
}

Restored restored_from(std::vector<Entry> log, HardState hard_state) {
  Restored restored;
  restored.hard_state = hard_state;
  restored.last_index = log.size();
  for (const Entry& entry : log) {
    if (restored.term_runs.empty() || restored.term_runs.back().term != entry.term) {
      restored.term_runs.push_back({entry.index, entry.term});
    }
  }
  restored.recent = std::move(log);
  return restored;
}

Cluster::Cluster(const std::vector<NodeId>& ids, std::function<void(Options&)> adjust)
    : ids_(ids), adjust_(std::move(adjust)) {
  for (const NodeId id : ids) start(id, {});
}

void Cluster::start(NodeId id, Disk disk) {
  Options options;
  options.id = id;
  options.members = ids_;
  options.seed = seed_++;
  if (adjust_) adjust_(options);
  TestNode& node = nodes_[id];
  node.disk = std::move(disk);
  node.orders.clear();
  node.disk_held = false;
  node.applied.clear();
  Restored restored = restored_from(node.disk.log, node.disk.hard_state);
  restored.applied_index = node.flushed_index;
  node.server = std::make_unique<Server>(options, std::move(restored));
  now_.try_emplace(id, 1000);
  step(id, TickElapsed{now_.at(id)});
}

void Cluster::crash_and_restart(NodeId id) { start(id, node(id).disk); }

std::vector<Term> Cluster::terms(NodeId id) {
  std::vector<Term> terms;
  const Log& log = state(id).log;
  for (Index index = 1; index <= log.last_index(); ++index) terms.push_back(*log.term_at(index));
  return terms;
}

void Cluster::step(NodeId id, Event event) {
  server(id).step(std::move(event));
  carry_out(id, server(id).take_effects());
}

void Cluster::turn(NodeId id, std::vector<Event> events) {
  for (Event& event : events) server(id).step(std::move(event));
  carry_out(id, server(id).take_effects());
}

void Cluster::carry_out(NodeId id, Effects effects) {
  if (observe) observe(id, effects);
  TestNode& node = nodes_.at(id);
  for (Send& send : effects.sends) network.push_back({id, send.to, std::move(send.message)});
  for (const auto& read : effects.serve_reads) node.served_reads.push_back(read);
  for (const auto& refusal : effects.refusals) node.refusals.push_back(refusal);
  for (const auto& trace : effects.traces) node.traces.push_back(trace);
  if (effects.persist) node.orders.push_back(std::move(*effects.persist));
  if (effects.apply) {
    const Index last = effects.apply->entries.back().entry.index;
    for (auto& entry : effects.apply->entries) node.applied.push_back(std::move(entry));
    step(id, EntriesApplied{last});
  }
  for (const FetchEntries& fetch : effects.fetches) answer_fetch(id, fetch);
  if (!node.disk_held) carry_out_orders(id);
}

void Cluster::answer_fetch(NodeId id, const FetchEntries& fetch) {
  const auto& log = node(id).disk.log;
  EntriesFetched fetched{fetch.peer, {}};
  std::size_t size = 0;
  for (Index index = fetch.first_index; index <= fetch.last_index && index <= log.size(); ++index) {
    size += log[index - 1].record.size();
    if (!fetched.entries.empty() && size > fetch.max_bytes) break;
    fetched.entries.push_back(log[index - 1]);
  }
  step(id, std::move(fetched));
}

void Cluster::sync_one(NodeId id) {
  TestNode& node = nodes_.at(id);
  Persist order = std::move(node.orders.front());
  node.orders.pop_front();
  if (order.hard_state) node.disk.hard_state = *order.hard_state;
  if (order.truncate_from) node.disk.log.resize(*order.truncate_from - 1);
  for (Entry& entry : order.entries) {
    CHECK(entry.index == node.disk.log.size() + 1, "entry {} written after {}", entry.index,
          node.disk.log.size());
    node.disk.log.push_back(std::move(entry));
  }
  for (Send& send : order.promises) network.push_back({id, send.to, std::move(send.message)});
  step(id, Persisted{order.number});
}

void Cluster::carry_out_orders(NodeId id) {
  while (!node(id).orders.empty()) sync_one(id);
}

void Cluster::release_disk(NodeId id) {
  node(id).disk_held = false;
  carry_out_orders(id);
}

void Cluster::advance(NodeId id, Milliseconds duration) {
  now_.at(id) += duration;
  step(id, TickElapsed{now_.at(id)});
}

void Cluster::settle() {
  for (int limit = 0; !network.empty(); ++limit) {
    CHECK(limit < 1'000'000, "the network never falls silent");
    Envelope envelope = std::move(network.front());
    network.pop_front();
    if (cut_.contains({envelope.from, envelope.to})) continue;
    delivered.push_back(envelope);
    receive(envelope.to, envelope.from, std::move(envelope.message));
  }
}

void Cluster::pass(Milliseconds duration, const std::vector<NodeId>& ids) {
  const auto& moved = ids.empty() ? ids_ : ids;
  for (Milliseconds elapsed = 0; elapsed < duration; elapsed += kTick) {
    for (const NodeId id : moved) advance(id, kTick);
    settle();
  }
}

void Cluster::elect(NodeId id) {
  // Everybody's clock passes the time in which a leader counts as heard; then only one stands.
  const Milliseconds timeout = state(id).options.election_timeout_ms;
  for (const NodeId other : ids_) {
    if (other == id || leads(other)) continue;
    auto restart = state(other).as<FollowerState>();
    if (restart != nullptr && restart->leader) now_.at(other) += timeout;
    server(other).step(TickElapsed{now_.at(other)});
    carry_out(other, server(other).take_effects());
  }
  network.clear();
  now_.at(id) += 2 * timeout;
  step(id, TickElapsed{now_.at(id)});
  settle();
}

void Cluster::isolate(NodeId id) {
  for (const NodeId other : ids_) {
    if (other == id) continue;
    cut(id, other);
    cut(other, id);
  }
}

}  // namespace raft
