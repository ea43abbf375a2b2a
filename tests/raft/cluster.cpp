#include "cluster.h"

#include <algorithm>

#include "base/check.h"

namespace raft {
namespace {

constexpr Milliseconds kTick = 10;

void apply(TestNode& node, const Entry& entry) {
  if (entry.kind == EntryKind::kCommand) node.content.emplace_back(entry.payload().view());
}

std::string join(const Commands& content) {
  std::string text;
  for (const auto& each : content) text += each + '\n';
  return text;
}

// A snapshot that the log does not hold stands for more than it: the log begins anew (A19).
void join_log_to_snapshot(Disk& disk) {
  const LogPosition& last = disk.snapshot->last;
  if (last.index <= disk.base.index) return;
  const std::size_t place = last.index - disk.base.index;
  if (place <= disk.log.size() && disk.log[place - 1].term == last.term) return;
  disk.base = last;
  disk.log.clear();
}

Commands split(const std::string& text) {
  Commands content;
  std::size_t from = 0;
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', from)) {
    content.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return content;
}

}  // namespace

Member member_of(NodeId id, std::uint64_t life) {
  return {.id = id,
          .identity = 1000 * life + id,
          .priority = 0,
          .peer = fmt::format("peer-{}", id),
          .client = fmt::format("client-{}", id),
          .publish = fmt::format("publish-{}", id)};
}

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
    restored.last_checksum = entry.checksum();
    restored.last_time_ms = entry.time_ms();
    if (entry.kind == EntryKind::kConfiguration) {
      restored.configurations.push_back(
          {entry.index, *decode_configuration(entry.payload().span())});
    }
  }
  restored.recent = std::move(log);
  return restored;
}

void write(Disk& disk, const Persist& order) {
  if (order.settles_doubt) disk.doubt.reset();
  if (order.hard_state) disk.hard_state = *order.hard_state;
  if (order.reset_to) {
    disk.base = *order.reset_to;
    disk.log.clear();
  }
  if (order.truncate_from) disk.log.resize(*order.truncate_from - 1 - disk.base.index);
  for (const Entry& entry : order.entries) {
    CHECK(entry.index == disk.base.index + disk.log.size() + 1, "entry {} written after {}",
          entry.index, disk.base.index + disk.log.size());
    disk.log.push_back(entry);
  }
  if (order.compact_to) {
    while (!disk.log.empty() && disk.log.front().index <= *order.compact_to) {
      disk.base = position_of(disk.log.front());
      disk.log.erase(disk.log.begin());
    }
  }
}

Cluster::Cluster(const std::vector<NodeId>& ids, std::function<void(Options&)> adjust,
                 bool with_hellos)
    : carries_hellos(with_hellos), ids_(ids), adjust_(std::move(adjust)) {
  for (const NodeId id : ids) start(id, {});
}

void Cluster::start(NodeId id, Disk disk) {
  std::vector<Member> members;
  const bool is_first = std::find(ids_.begin(), ids_.end(), id) != ids_.end();
  for (const NodeId each : ids_) {
    if (is_first) members.push_back(member_of(each, nodes_[each].life));
    // Nobody tells a directory that is new who the others are.
    if (is_first && nodes_[id].life > 1) members.back().identity = 0;
  }
  start_with(id, std::move(disk), std::move(members));
}

void Cluster::add(NodeId id) {
  start_with(id, {}, {});
  if (std::find(ids_.begin(), ids_.end(), id) == ids_.end()) joined_.push_back(id);
}

void Cluster::wipe(NodeId id) {
  TestNode& wiped = node(id);
  ++wiped.life;
  wiped.flushed_index = 0;
  wiped.offered.reset();
  wiped.receiving.clear();
  start(id, {});
}

void Cluster::start_with(NodeId id, Disk disk, std::vector<Member> first_members) {
  TestNode& node = nodes_[id];
  Options options;
  options.self = member_of(id, node.life);
  options.first_members = std::move(first_members);
  options.seed = seed_++;
  if (adjust_) adjust_(options);
  node.disk = std::move(disk);
  node.orders.clear();
  node.disk_held = false;
  node.applied.clear();
  if (node.disk.snapshot) join_log_to_snapshot(node.disk);
  Restored restored = restored_from(node.disk.log, node.disk.hard_state);
  restored.base = node.disk.base;
  restored.last_index += node.disk.base.index;
  if (node.disk.log.empty()) {
    restored.last_checksum = node.disk.base.checksum;
    restored.last_time_ms = node.disk.base.time_ms;
  }
  restored.snapshot = node.disk.snapshot;
  restored.doubt = node.disk.doubt;
  node.flushed_index = std::max(node.flushed_index, node.disk.base.index);
  if (node.disk.snapshot && node.flushed_index <= node.disk.snapshot->last.index) {
    node.flushed_index = node.disk.snapshot->last.index;
    node.content = node.disk.content;
  } else {
    node.content.clear();
    for (Index index = 1; index <= node.flushed_index && node.disk.base.index == 0; ++index) {
      apply(node, node.disk.log[index - 1]);
    }
  }
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
  for (Send& send : effects.sends) post(id, std::move(send));
  for (const auto& read : effects.serve_reads) node.served_reads.push_back(read);
  for (const auto& refusal : effects.refusals) node.refusals.push_back(refusal);
  for (const auto& trace : effects.traces) node.traces.push_back(trace);
  for (const auto& completion : effects.completions) node.completions.push_back(completion);
  if (effects.persist) node.orders.push_back(std::move(*effects.persist));
  if (effects.install) {
    node.content = node.disk.content;
    step(id, SnapshotInstalled{effects.install->index});
  }
  if (effects.apply) {
    for (const auto& committed : effects.apply->entries) apply(node, committed.entry);
    const Index last = effects.apply->entries.back().entry.index;
    // Before the next turn, which may bring more.
    if (effects.take_snapshot) node.disk.content = node.content;
    for (auto& entry : effects.apply->entries) node.applied.push_back(std::move(entry));
    step(id, EntriesApplied{last});
  }
  for (const FetchEntries& fetch : effects.fetches) answer_fetch(id, fetch);
  answer_snapshot_orders(id, effects);
  if (!node.disk_held) carry_out_orders(id);
}

void Cluster::answer_fetch(NodeId id, const FetchEntries& fetch) {
  EntriesFetched fetched{fetch.peer, {}};
  std::size_t size = 0;
  for (const Entry& entry : node(id).disk.log) {
    if (entry.index < fetch.first_index || entry.index > fetch.last_index) continue;
    size += entry.record.size();
    if (!fetched.entries.empty() && size > fetch.max_bytes) break;
    fetched.entries.push_back(entry);
  }
  step(id, std::move(fetched));
}

void Cluster::answer_snapshot_orders(NodeId id, Effects& effects) {
  Disk& disk = node(id).disk;
  if (effects.take_snapshot) {
    if (!effects.apply) disk.content = node(id).content;
    disk.snapshot = SnapshotHead{effects.take_snapshot->last, effects.take_snapshot->configuration,
                                 join(disk.content).size(), 0};
    step(id, SnapshotTaken{*disk.snapshot});
  }
  for (const FetchSnapshotChunk& fetch : effects.chunk_fetches) {
    const bool gone = disk.snapshot->last.index != fetch.index;
    const std::string content = gone ? "" : join(disk.content);
    const auto part =
        content.substr(std::min<std::size_t>(fetch.offset, content.size()), fetch.max_bytes);
    step(id, SnapshotChunkFetched{fetch.peer, *disk.snapshot, fetch.offset, bytes(part)});
  }
  for (const StoreSnapshotChunk& chunk : effects.chunk_stores) store_chunk(id, chunk);
  if (effects.first_configuration) {
    disk.snapshot = SnapshotHead{{}, effects.first_configuration->configuration, 0, 0};
    step(id, FirstConfigurationStored{disk.snapshot->configuration});
  }
}

void Cluster::store_chunk(NodeId id, const StoreSnapshotChunk& chunk) {
  TestNode& node = nodes_.at(id);
  if (node.offered != chunk.head) node.receiving.clear();
  node.offered = chunk.head;
  if (chunk.offset == node.receiving.size()) node.receiving += chunk.bytes.view();
  const std::uint64_t next = node.receiving.size();
  const bool complete = next == chunk.head.size;
  if (complete) {
    node.disk.snapshot = chunk.head;
    node.disk.content = split(std::exchange(node.receiving, {}));
    node.offered.reset();
  }
  step(id,
       SnapshotChunkStored{chunk.from, chunk.head, {next, chunk.head.size - next, 0}, complete});
}

void Cluster::sync_one(NodeId id) {
  TestNode& node = nodes_.at(id);
  Persist order = std::move(node.orders.front());
  node.orders.pop_front();
  write(node.disk, order);
  for (Send& send : order.promises) post(id, std::move(send));
  step(id, Persisted{order.number});
}

void Cluster::post(NodeId from, Send send) {
  if (!carries_hellos && std::holds_alternative<Hello>(send.message)) return;
  network.push_back({from, send.to.id, std::move(send.message), identity(from), send.to.identity});
}

void Cluster::deliver(Envelope envelope) {
  if (cut_.contains({envelope.from, envelope.to}) || !nodes_.contains(envelope.to)) return;
  const bool meant = envelope.addressed == identity(envelope.to) ||
                     std::holds_alternative<Hello>(envelope.message);
  if (!meant) return;
  delivered.push_back(envelope);
  step(envelope.to,
       MessageReceived{
           {envelope.from, envelope.sender}, std::move(envelope.message), envelope.addressed});
}

void Cluster::carry_out_orders(NodeId id) {
  while (!node(id).orders.empty()) sync_one(id);
}

void Cluster::release_disk(NodeId id) {
  node(id).disk_held = false;
  carry_out_orders(id);
}

void Cluster::advance(NodeId id, Milliseconds duration) {
  if (duration > kTick) tick_now(id);
  now_.at(id) += duration;
  step(id, TickElapsed{now_.at(id)});
}

void Cluster::settle() {
  for (int limit = 0; !network.empty(); ++limit) {
    CHECK(limit < 1'000'000, "the network never falls silent");
    Envelope envelope = std::move(network.front());
    network.pop_front();
    deliver(std::move(envelope));
  }
}

void Cluster::pass(Milliseconds duration, const std::vector<NodeId>& ids) {
  auto moved = ids.empty() ? ids_ : ids;
  if (ids.empty()) moved.insert(moved.end(), joined_.begin(), joined_.end());
  for (Milliseconds elapsed = 0; elapsed < duration; elapsed += kTick) {
    for (const NodeId id : moved) advance(id, kTick);
    settle();
  }
}

// What was heard counts as heard at the next tick, so one comes before a clock leaps.
void Cluster::tick_now(NodeId id) { step(id, TickElapsed{now_.at(id)}); }

void Cluster::elect(NodeId id) {
  // Everybody's clock passes the time in which a leader counts as heard; then only one stands.
  const Milliseconds timeout = state(id).options.election_timeout_ms;
  for (const NodeId other : ids_) {
    if (other == id || leads(other)) continue;
    tick_now(other);
    auto restart = state(other).as<FollowerState>();
    if (restart != nullptr && restart->leader) now_.at(other) += timeout;
    server(other).step(TickElapsed{now_.at(other)});
    carry_out(other, server(other).take_effects());
  }
  network.clear();
  tick_now(id);
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
