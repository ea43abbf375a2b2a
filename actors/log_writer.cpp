#include "actors/log_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace actors {
namespace {

// Orders that one sync may cover. The core bounds the bytes in them.
constexpr std::size_t kOrdersPerTurn = 1024;
// Each is removed with a sync of its own.
constexpr std::size_t kSegmentsPerTurn = 2;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<storage::Persistence> persistence, Links links,
                     const Logging& logging, Counters& counters)
    : persistence_(std::move(persistence)),
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
  for (const raft::Persist& order : group) note_events(order.entries.size());
  if (!group.empty()) {
    persistence_->persist(group);
    log_.debug("persisted {} orders, the log ends at {}", group.size(),
               persistence_->log().last_index());
    trim_to_ = std::max(trim_to_, storage::Persistence::compact_to(group));
    keep_promises(std::move(group));
  }
  if (!fetches.empty()) serve(fetches);
  // Last: what was asked for before it may still be there, and no promise waits for it.
  if (trim_to_ > 0) trim();
  if (!links_.event_handler.readable()) persistence_->seal();
}

void LogWriter::stop() {
  while (links_.event_handler.readable()) turn();
  persistence_->close();
}

// The next promises do not wait for all of it: what is left goes with the orders that come, and
// stays where none do.
void LogWriter::trim() {
  const raft::Index before = persistence_->log().first_index();
  if (persistence_->trim_to(trim_to_, kSegmentsPerTurn)) trim_to_ = 0;
  const raft::Index now = persistence_->log().first_index();
  if (now != before && trim_to_ == 0) log_.info("the log begins with entry {} now", now);
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
  LogReport report{{}, persistence_->fetch(fetches)};
  if (!report.fetched.empty()) links_.event_handler.send(std::move(report));
}

}  // namespace actors
