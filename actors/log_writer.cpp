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
constexpr raft::Milliseconds kLookIntervalMs = 100;
// Of zeros ahead of the log: a copy in memory that begins its way to the disk. What comes next
// waits for one at most. Where the log grows they would take from it what they are to save: then
// the writes that find no zeros left make some (docs/performance.md).
constexpr std::uint64_t kSliceBytes = 256 << 10;
constexpr std::uint64_t kMebibyte = 1 << 20;

}  // namespace

LogWriter::LogWriter(std::unique_ptr<storage::Persistence> persistence,
                     std::unique_ptr<storage::SpaceGuard> space, Links links,
                     const Logging& logging, Counters& counters)
    : persistence_(std::move(persistence)),
      space_(std::move(space)),
      links_(std::move(links)),
      log_(logging, "log_writer"),
      counters_(counters) {}

std::vector<Input> LogWriter::inputs() {
  return {links_.event_handler.input(), Input::of_time(links_.ticks.input())};
}

void LogWriter::turn() {
  const auto tick = links_.ticks.latest();
  if (tick) now_ = tick->now;
  const auto fetches = take_orders();
  const bool look_is_due = now_ >= look_due_;
  if (!group_.empty() && (!refused_ || look_is_due)) carry_out();
  if (!fetches.empty()) serve(fetches);
  // Last: what was asked for before it may still be there, and no promise waits for it.
  if (trim_to_ > 0) trim();
  if (group_.empty() && !links_.event_handler.readable()) seal();
  if (look_is_due) look_at_space();
  prepare_ahead(tick.has_value());
}

void LogWriter::prepare_ahead(bool tick) {
  if (!tick) return;
  const std::uint64_t log_bytes = persistence_->log().bytes();
  if (std::exchange(log_bytes_at_tick_, log_bytes) == log_bytes) {
    persistence_->prepare_ahead(kSliceBytes);
  }
}

void LogWriter::stop() {
  do {
    look_due_ = now_;
    turn();
  } while (!refused_ && links_.event_handler.readable());
  if (refused_) {
    log_.warning("stops with {} orders for which there was no room; nothing of them was promised",
                 group_.size());
  }
  persistence_->close();
}

std::vector<raft::FetchEntries> LogWriter::take_orders() {
  std::vector<raft::FetchEntries> fetches;
  // Where there is no room, those that are left in the link would wake this actor again and again;
  // the core hands out no more than its limits.
  while (refused_ || group_.size() < kOrdersPerTurn) {
    auto orders = links_.event_handler.receive();
    if (!orders) break;
    if (orders->persist) group_.push_back(std::move(*orders->persist));
    std::move(orders->fetches.begin(), orders->fetches.end(), std::back_inserter(fetches));
  }
  return fetches;
}

void LogWriter::carry_out() {
  if (refused_) persistence_->make_room(group_);
  const std::size_t done = persistence_->persist(group_);
  refused_ = done < group_.size();
  if (refused_) look_due_ = now_;
  if (done == 0) return;
  sealed_ = false;
  const auto end = group_.begin() + static_cast<std::ptrdiff_t>(done);
  const std::span<raft::Persist> orders(group_.begin(), end);
  log_.debug("persisted {} orders, the log ends at {}", done, persistence_->log().last_index());
  for (const raft::Persist& order : orders) note_events(order.entries.size());
  trim_to_ = std::max(trim_to_, storage::Persistence::compact_to(orders));
  keep_promises(orders);
  group_.erase(group_.begin(), end);
}

void LogWriter::seal() {
  // Once: on a full disk there may be no room for it, and no need to ask again and again.
  if (!std::exchange(sealed_, true)) persistence_->seal();
}

// The next promises do not wait for all of it: what is left goes with the turns that follow, if
// only those that a tick brings.
void LogWriter::trim() {
  const raft::Index before = persistence_->log().first_index();
  if (persistence_->trim_to(trim_to_, kSegmentsPerTurn)) trim_to_ = 0;
  const raft::Index now = persistence_->log().first_index();
  if (now != before && trim_to_ == 0) log_.info("the log begins with entry {} now", now);
}

void LogWriter::keep_promises(std::span<raft::Persist> group) {
  OutboundMessages promises;
  for (raft::Persist& order : group) {
    std::move(order.promises.begin(), order.promises.end(), std::back_inserter(promises.sends));
  }
  if (!promises.sends.empty() && !links_.outbound_dispatcher.offer(std::move(promises))) {
    counters_.promises_dropped.add();
  }
  links_.event_handler.send({.persisted = raft::Persisted{group.back().number}, .fetched = {}});
}

void LogWriter::serve(const std::vector<raft::FetchEntries>& fetches) {
  LogReport report{{}, persistence_->fetch(fetches)};
  if (!report.fetched.empty()) links_.event_handler.send(std::move(report));
}

void LogWriter::look_at_space() {
  look_due_ = now_ + kLookIntervalMs;
  // Before a look that may find the disk low on room: this can be had again, the reserve and the
  // lead are worth more.
  const bool has_room = space_->has_room_beside(persistence_->log().room_for_spare());
  persistence_->allow_spare(!refused_ && has_room);
  const raft::DiskSpace space = space_->look(refused_);
  if (space == told_) return;
  told_ = space;
  say_space();
  links_.event_handler.send(
      {.persisted = std::nullopt, .fetched = {}, .space = raft::DiskSpaceChanged{space}});
}

void LogWriter::say_space() const {
  const std::string directory = space_->directory().string();
  const std::uint64_t free_mib = space_->free_bytes() / kMebibyte;
  switch (told_) {
    case raft::DiskSpace::kEnough:
      log_.info("the disk of {} has room again, {} MiB are free: takes everything", directory,
                free_mib);
      break;
    case raft::DiskSpace::kLow:
      log_.warning(
          "the disk of {} is nearly full, {} MiB are free: takes no more writes where this node "
          "leads (disk_full)",
          directory, free_mib);
      break;
    case raft::DiskSpace::kFull:
      log_.warning(
          "the disk of {} is full, {} MiB are free: takes no more writes, but votes and serves "
          "reads; the reserve is given up; make room",
          directory, free_mib);
      break;
  }
}

}  // namespace actors
