#include "raft/output.h"

#include <algorithm>

#include "base/check.h"
#include "raft/forwarding.h"
#include "raft/membership.h"
#include "raft/proposals.h"
#include "raft/reads.h"
#include "raft/repair.h"
#include "raft/replication.h"
#include "raft/snapshots.h"
#include "raft/transfer.h"

namespace raft {
namespace {

// Who waits for `entry`; those that waited for another entry at its index wait in vain (A13).
std::optional<RequestNumber> take_waiting(State& state, const Entry& entry) {
  auto& waiting = state.waiting_writes;
  std::optional<RequestNumber> request;
  while (!waiting.empty() && waiting.front().index <= entry.index) {
    const WaitingWrite& first = waiting.front();
    if (first.index == entry.index && first.term == entry.term) {
      request = first.request;
    } else {
      state.refuse(first.request, RefusalReason::kUnknownOutcome);
    }
    waiting.pop_front();
  }
  return request;
}

void hand_to_state_machine(State& state, std::vector<Entry> entries) {
  Output& output = state.output;
  if (!output.effects.apply) output.effects.apply.emplace();
  auto& committed = output.effects.apply->entries;
  committed.reserve(committed.size() + entries.size());
  std::size_t bytes = 0;
  output.applied_position = position_of(entries.back());
  for (Entry& entry : entries) {
    CHECK(entry.index == output.applied_to + 1 && entry.index <= state.settled_index(),
          "node {}: applies {} after {}, committed to {}, durable to {}", state.id(), entry.index,
          output.applied_to, state.commit_index, state.durability.durable_index());
    bytes += entry.record.size();
    output.applied_to = entry.index;
    auto request = take_waiting(state, entry);
    committed.push_back({std::move(entry), request});
  }
  output.applying.push_back({output.applied_to, bytes});
  output.applying_bytes += bytes;
  state.snapshots.log_bytes_since += bytes;
}

void apply_committed(State& state) {
  Output& output = state.output;
  const Options& options = state.options;
  // A majority may have on disk what this node has not. A state machine ahead of the own log would
  // survive a crash that the end of the log does not (A26).
  const Index last = state.settled_index();
  if (output.applied_to >= last || output.fetching_to_apply) return;
  if (output.applying_bytes >= options.max_applying_bytes) return;
  const std::size_t room = options.max_applying_bytes - output.applying_bytes;
  const Index first = output.applied_to + 1;
  if (state.log.in_memory(first)) {
    hand_to_state_machine(state, state.log.slice(first, last, room));
  } else {
    output.fetching_to_apply = true;
    output.effects.fetches.push_back({std::nullopt, first, last, room});
  }
}

void persist(State& state) {
  Output& output = state.output;
  // A message of a term leaves only after that term is on disk.
  if (!state.hard_state_durable()) {
    auto& sends = output.effects.sends;
    std::move(sends.begin(), sends.end(), std::back_inserter(output.promises));
    sends.clear();
  }
  const Index last = state.log.last_index();
  const bool writes = output.hard_state_changed || output.truncate_from ||
                      last > output.persisted_to || output.reset_to || output.compact_to ||
                      output.settles_doubt;
  if (!writes && state.durability.idle()) {
    std::move(output.promises.begin(), output.promises.end(),
              std::back_inserter(output.effects.sends));
    output.promises.clear();
  }
  if (!writes && output.promises.empty()) return;

  Persist order;
  order.number = state.durability.order(last, output.hard_state_changed, state.now);
  order.reset_to = std::exchange(output.reset_to, std::nullopt);
  order.compact_to = std::exchange(output.compact_to, std::nullopt);
  if (output.hard_state_changed) order.hard_state = state.hard_state;
  order.truncate_from = output.truncate_from;
  order.settles_doubt = std::exchange(output.settles_doubt, false);
  if (order.settles_doubt) state.doubt->order = order.number;
  if (last > output.persisted_to) {
    order.entries = state.log.slice(output.persisted_to + 1, last, ~std::size_t{0});
  }
  order.promises = std::move(output.promises);
  output.effects.persist = std::move(order);
  output.promises.clear();
  output.hard_state_changed = false;
  output.truncate_from.reset();
  output.persisted_to = last;
}

// Once a turn, as in bad times all that wait expire together, and each pass is over all of them.
void forget_expired(State& state) {
  if (state.expired.empty()) return;
  std::sort(state.expired.begin(), state.expired.end());
  forget_forwarded(state, state.expired);
  forget_waiting_writes(state, state.expired);
  forget_transfers(state, state.expired);
  forget_snapshot_requests(state, state.expired);
  if (auto* leader = state.as<LeaderState>()) {
    forget_pending_reads(*leader, state.expired);
    forget_pending_commands(*leader, state.expired);
  }
  state.expired.clear();
}

void tell_standing(State& state) {
  const Standing standing{state.standing_role(), state.current_term(), state.leader()};
  if (state.output.standing == standing) return;
  state.output.standing = standing;
  state.output.effects.standing = standing;
}

void tell_members(State& state) {
  if (state.output.members_version == state.configurations.version()) return;
  state.output.members_version = state.configurations.version();
  state.output.effects.members = Members{state.configurations.index(), state.configuration()};
}

}  // namespace

Effects finish_turn(State& state) {
  forget_expired(state);
  route_released(state);
  append_pending_commands(state);
  advance_membership(state);
  start_read_round(state);
  send_forwarded(state);
  replicate(state);
  continue_transfer(state);
  apply_committed(state);
  take_snapshot(state);
  compact_log(state);
  serve_indexed_reads(state);
  settle_doubt(state);
  persist(state);
  tell_standing(state);
  tell_members(state);
  // What is neither on disk nor committed may still be needed for a truncation or a write.
  state.log.evict(state.settled_index(), state.options.log_memory_bytes);
  return std::exchange(state.output.effects, {});
}

void on_entries_fetched_to_apply(State& state, std::vector<Entry> entries) {
  Output& output = state.output;
  output.fetching_to_apply = false;
  // A snapshot may have been installed meanwhile.
  const bool current = !entries.empty() && entries.front().index == output.applied_to + 1 &&
                       entries.back().index <= state.settled_index() &&
                       state.log.matches(entries.back().index, entries.back().term);
  if (current) hand_to_state_machine(state, std::move(entries));
}

void on_entries_applied(State& state, Index index) {
  Output& output = state.output;
  CHECK(index >= state.applied_index && index <= output.applied_to,
        "node {}: applied to {} after {}, handed out to {}", state.id(), index, state.applied_index,
        output.applied_to);
  state.applied_index = index;
  while (!output.applying.empty() && output.applying.front().last_index <= index) {
    output.applying_bytes -= output.applying.front().bytes;
    output.applying.pop_front();
  }
}

}  // namespace raft
