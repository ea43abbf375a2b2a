#include "actors/log_writer.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace actors {
namespace {

// Orders that one sync may cover. The core bounds the bytes in them.
constexpr std::size_t kOrdersPerTurn = 1024;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<storage::HardStateStore> hard_state,
                     std::unique_ptr<storage::LogStore> log_store, Links links,
                     const Logging& logging, Counters& counters)
    : hard_state_(std::move(hard_state)),
      log_store_(std::move(log_store)),
      links_(std::move(links)),
      log_(logging, "log_writer"),
      counters_(counters) {}

std::vector<zmq::pollitem_t> LogWriter::inputs() { return {links_.event_handler.input()}; }

void LogWriter::turn() {
  std::vector<raft::Persist> group;
  std::vector<raft::FetchEntries> fetches;
  for (std::size_t taken = 0; taken < kOrdersPerTurn; ++taken) {
    auto orders = links_.event_handler.receive();
    if (!orders) break;
    if (orders->persist) group.push_back(std::move(*orders->persist));
    std::move(orders->fetches.begin(), orders->fetches.end(), std::back_inserter(fetches));
  }
  raft::Index compact_to = 0;  // nothing is
  for (const raft::Persist& order : group) {
    if (order.reset_to) compact_to = 0;
    compact_to = order.compact_to.value_or(compact_to);
  }
  if (!group.empty()) {
    persist(group);
    keep_promises(std::move(group));
  }
  if (!fetches.empty()) serve(fetches);
  // Last: what was asked for before it may still be there, and no promise waits for it.
  if (compact_to > 0) trim(compact_to);
}

void LogWriter::stop() {
  while (links_.event_handler.readable()) turn();
}

void LogWriter::persist(const std::vector<raft::Persist>& group) {
  // Term and vote first, and only the newest: entries of a term that is not durable yet must not
  // be, and a term that is durable before its entries promises nothing.
  for (auto order = group.rbegin(); order != group.rend(); ++order) {
    if (order->hard_state) {
      hard_state_->save(*order->hard_state);
      break;
    }
  }
  bool appended = false;
  for (const raft::Persist& order : group) {
    if (order.reset_to) log_store_->reset(*order.reset_to);
    if (order.truncate_from) log_store_->truncate_from(*order.truncate_from);
    if (order.entries.empty()) continue;
    log_store_->append(order.entries);
    appended = true;
  }
  if (appended) log_store_->sync();
  log_.debug("persisted {} orders, the log ends at {}", group.size(), log_store_->last_index());
}

void LogWriter::trim(raft::Index compact_to) {
  const raft::Index before = log_store_->first_index();
  log_store_->trim_to(compact_to);
  if (log_store_->first_index() != before) {
    log_.info("the log begins with entry {} now", log_store_->first_index());
  }
}

void LogWriter::keep_promises(std::vector<raft::Persist> group) {
  OutboundMessages promises;
  for (raft::Persist& order : group) {
    std::move(order.promises.begin(), order.promises.end(), std::back_inserter(promises.sends));
  }
  if (!promises.sends.empty() && !links_.outbound_dispatcher.offer(std::move(promises))) {
    counters_.promises_dropped.add();
  }
  links_.event_handler.send({raft::Persisted{group.back().number}, {}});
}

void LogWriter::serve(const std::vector<raft::FetchEntries>& fetches) {
  LogReport report;
  for (const raft::FetchEntries& fetch : fetches) {
    const raft::Index last = std::min(fetch.last_index, log_store_->last_index());
    if (fetch.first_index < log_store_->first_index() || fetch.first_index > last) {
      // Truncated meanwhile: a node that truncates leads no peer, and nobody needs it then. What
      // is to be applied here is committed, and never truncated; but a snapshot may stand for it.
      if (fetch.peer || fetch.first_index <= log_store_->base().index) continue;
      throw std::runtime_error(fmt::format("entry {} is committed, and the log holds {} to {}",
                                           fetch.first_index, log_store_->first_index(),
                                           log_store_->last_index()));
    }
    report.fetched.push_back(
        {fetch.peer, log_store_->read(fetch.first_index, last, fetch.max_bytes)});
  }
  if (!report.fetched.empty()) links_.event_handler.send(std::move(report));
}

}  // namespace actors
