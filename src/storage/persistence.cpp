#include "storage/persistence.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "storage/log_boundary.h"

namespace storage {

Persistence::Persistence(std::filesystem::path directory,
                         std::unique_ptr<HardStateStore> hard_state, std::unique_ptr<LogStore> log,
                         std::optional<raft::SnapshotHead> newest, std::unique_ptr<DoubtFile> doubt)
    : directory_(std::move(directory)),
      hard_state_(std::move(hard_state)),
      log_(std::move(log)),
      doubt_(std::move(doubt)),
      newest_(std::move(newest)) {
  const raft::Term promised = hard_state_->current().current_term;
  if (log_->last().term > promised) {
    throw Damage(fmt::format(
        "{}: the log holds entries of term {}, the hard state knows none after {}: it is damaged; "
        "restore the directory from a backup, or replace this node",
        directory_.string(), log_->last().term, promised));
  }
  // A leader's snapshot may be on disk before the term of that leader is: nothing was promised in
  // it then, and it is taken on as any term that is heard of.
  if (newest_ && newest_->last.term > promised) {
    hard_state_->save({newest_->last.term, std::nullopt});
  }
  log_replaced_ = join_log_to_snapshot(*log_, newest_);
}

raft::Restored Persistence::restored(raft::Index applied_index, std::size_t recent_bytes) const {
  return {.hard_state = hard_state_->current(),
          .applied_index = applied_index,
          .base = log_->base(),
          .term_runs = log_->term_runs(),
          .recent = log_->tail(recent_bytes),
          .last_index = log_->last().index,
          .last_checksum = log_->last().checksum,
          .last_time_ms = log_->last().time_ms,
          .log_bytes = log_->bytes(),
          .configurations = log_->configurations(),
          .snapshot = newest_,
          .doubt = doubt() ? std::optional(doubt()->from) : std::nullopt};
}

std::size_t Persistence::persist(std::span<raft::Persist> group) {
  // Term and vote first, and only the newest: entries of a term that is not durable yet must not
  // be, and a term that is durable before its entries promises nothing.
  for (auto order = group.rbegin(); order != group.rend(); ++order) {
    if (order->hard_state) {
      hard_state_->save(*order->hard_state);
      break;
    }
  }
  bool appended = false;
  std::size_t done = 0;
  while (done < group.size() && carry_out(group[done])) {
    appended = appended || !group[done].entries.empty();
    ++done;
  }
  if (appended) log_->sync();
  // What it was about is on disk, by this order or by those before it.
  const auto orders = group.first(done);
  const bool settled = std::any_of(orders.begin(), orders.end(),
                                   [](const raft::Persist& order) { return order.settles_doubt; });
  if (settled) doubt_->settle();
  return done;
}

// False where the disk is full. What of the order is done by then, it does not ask for any more.
bool Persistence::carry_out(raft::Persist& order) {
  try {
    if (order.reset_to) log_->reset(*order.reset_to);
  } catch (const DiskFull&) {
    return false;
  }
  order.reset_to.reset();
  if (order.truncate_from) log_->truncate_from(*order.truncate_from);
  order.truncate_from.reset();
  if (order.entries.empty()) return true;
  if (!log_->make_room(order.entries)) return false;
  log_->append(order.entries);
  return true;
}

void Persistence::make_room(std::span<const raft::Persist> group) {
  // No further than the log is what it was when this was ordered.
  const auto changed = std::find_if(group.begin(), group.end(), [](const raft::Persist& order) {
    return order.reset_to.has_value() || order.truncate_from.has_value();
  });
  const raft::Index index =
      compact_to(group.first(static_cast<std::size_t>(changed - group.begin())));
  if (index > 0) log_->trim_to(index);
}

raft::Index Persistence::compact_to(std::span<const raft::Persist> group) {
  raft::Index index = 0;
  for (const raft::Persist& order : group) {
    if (order.reset_to) index = 0;
    index = order.compact_to.value_or(index);
  }
  return index;
}

std::vector<raft::EntriesFetched> Persistence::fetch(
    std::span<const raft::FetchEntries> wanted) const {
  std::vector<raft::EntriesFetched> fetched;
  for (const raft::FetchEntries& each : wanted) {
    const raft::Index last = std::min(each.last_index, log_->last_index());
    if (each.first_index < log_->first_index() || each.first_index > last) {
      // Truncated: a node that truncates leads no peer. Behind the base: a snapshot stands for it.
      if (!each.peer && each.first_index > log_->base().index) {
        throw Damage(fmt::format(
            "{}: entry {} is committed, and the log holds {} to {}; replace this "
            "node",
            directory_.string(), each.first_index, log_->first_index(), log_->last_index()));
      }
      fetched.push_back({each.peer, {}});
      continue;
    }
    fetched.push_back({each.peer, log_->read(each.first_index, last, each.max_bytes)});
  }
  return fetched;
}

}  // namespace storage
