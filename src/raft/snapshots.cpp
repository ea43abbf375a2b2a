#include "raft/snapshots.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "raft/roles.h"

namespace raft {
namespace {

// A snapshot under way to a follower would be lost with a newer one: that waits, but not for ever.
constexpr std::size_t kPatienceFactor = 4;
// Where room is scarce, less of the log is worth a snapshot, which lets go of it.
constexpr std::size_t kScarcityDivisor = 4;
// After one that found no room, in election timeouts.
constexpr Milliseconds kPauseTimeouts = 10;

bool takes_snapshot(const Progress& progress) {
  return progress.mode() == Progress::Mode::kSnapshot && progress.reachable &&
         progress.disk_space == DiskSpace::kEnough;
}

bool is_sending(const State& state) {
  const auto* leader = state.as<LeaderState>();
  return leader != nullptr &&
         std::any_of(leader->peers.begin(), leader->peers.end(),
                     [](const auto& each) { return takes_snapshot(each.second); });
}

bool is_due(const State& state) {
  if (!state.snapshots.asked.empty()) return true;
  if (state.now < state.snapshots.not_before) return false;
  const bool scarce = state.disk_space != DiskSpace::kEnough;
  const std::size_t limit = state.options.snapshot_log_bytes / (scarce ? kScarcityDivisor : 1);
  const std::size_t since = state.snapshots.log_bytes_since;
  return since >= (is_sending(state) ? kPatienceFactor * limit : limit);
}

Index newest_index(const State& state) {
  return state.snapshots.newest ? state.snapshots.newest->last.index : 0;
}

void complete_asked(State& state, Index index) {
  for (const RequestNumber request : std::exchange(state.snapshots.asked, {})) {
    state.complete(request, index);
  }
}

// What was handed out in this very turn is in the snapshot, and so is its effect.
void take_back_apply(State& state) {
  auto& apply = state.output.effects.apply;
  if (!apply) return;
  for (const CommittedEntry& committed : apply->entries) {
    if (committed.request) state.refuse(*committed.request, RefusalReason::kUnknownOutcome);
  }
  apply.reset();
}

void forget_log(State& state, const SnapshotHead& head) {
  Output& output = state.output;
  take_back_apply(state);
  while (!state.waiting_writes.empty()) {
    state.refuse(state.waiting_writes.front().request, RefusalReason::kUnknownOutcome);
    state.waiting_writes.pop_front();
  }
  state.log.reset(head.last);
  state.configurations.reset(head.last.index, head.configuration);
  state.follow_configuration();
  state.durability.reset(head.last.index);
  state.commit_index = head.last.index;
  output.reset_to = head.last;
  output.truncate_from.reset();
  output.compact_to.reset();
  output.persisted_to = head.last.index;
  output.applied_to = head.last.index;
  output.applied_position = head.last;
  output.fetching_to_apply = false;
  output.applying.clear();
  output.applying_bytes = 0;
  output.effects.install = InstallSnapshotContent{head.last.index};
  state.snapshots.installing = true;
  state.trace(TraceLevel::kInformation,
              fmt::format("installs a snapshot up to entry {}", head.last.index));
}

// The table at first, and nothing behind it, as the follower may have much of that; then what it
// wants.
std::uint64_t part_size(const SnapshotHead& head, const SnapshotDemand& demand,
                        std::uint64_t most) {
  if (demand.next_offset < head.table_size()) {
    return std::min(most, head.table_size() - demand.next_offset);
  }
  const std::uint64_t size = head.transfer_size();
  const std::uint64_t left = size - std::min(size, demand.next_offset);
  return std::min({most, left, demand.wanted > 0 ? demand.wanted : left});
}

void fetch_snapshot_part(State& state, NodeId peer, Progress& progress) {
  Snapshots& snapshots = state.snapshots;
  if (progress.snapshot_index() != newest_index(state))
    progress.begin_snapshot(newest_index(state));
  const auto demand = progress.next_snapshot_part();
  if (!demand || !snapshots.rate.may_send()) return;
  const auto size = part_size(*snapshots.newest, *demand, state.options.max_append_bytes);
  snapshots.rate.on_sent(size);
  if (snapshots.rate.is_limited()) snapshots.served_last = peer;
  progress.on_snapshot_part_sent();
  state.output.effects.chunk_fetches.push_back(
      {peer, progress.snapshot_index(), demand->next_offset, static_cast<std::size_t>(size)});
}

void accept_snapshot(State& state, const Peer& from) {
  // On disk: the snapshot stands for everything up to here.
  state.send(from, AppendEntriesAccepted{state.current_term(), state.settled_index()});
}

}  // namespace

void on_snapshot_requested(State& state, RequestNumber request) {
  auto& snapshots = state.snapshots;
  (snapshots.taking ? snapshots.asked_later : snapshots.asked).push_back(request);
}

void take_snapshot(State& state) {
  Snapshots& snapshots = state.snapshots;
  const Output& output = state.output;
  if (snapshots.taking || snapshots.installing || !is_due(state)) return;
  if (output.applied_to <= newest_index(state)) {
    complete_asked(state, newest_index(state));
    return;
  }
  if (!output.applied_position || output.applied_position->index != output.applied_to) return;
  snapshots.taking = true;
  snapshots.log_bytes_taking = std::exchange(snapshots.log_bytes_since, 0);
  state.output.effects.take_snapshot =
      TakeSnapshot{*output.applied_position, state.configurations.at(output.applied_to)};
}

void on_snapshot_taken(State& state, SnapshotTaken event) {
  Snapshots& snapshots = state.snapshots;
  snapshots.taking = false;
  complete_asked(state, event.head.last.index);
  snapshots.asked = std::exchange(snapshots.asked_later, {});
  if (event.head.last.index <= newest_index(state) && newest_index(state) > 0) return;
  snapshots.newest = std::move(event.head);
}

void compact_log(State& state) {
  const Index snapshot = newest_index(state);
  const Index trailing = state.options.trailing_entries;
  Index to = snapshot > trailing ? snapshot - trailing : 0;
  to = std::min({to, state.settled_index(), state.output.applied_to});
  if (to <= state.log.base().index) return;
  state.log.compact(to);
  state.configurations.compact(to);
  state.output.compact_to = to;
}

void on_snapshot_not_taken(State& state) {
  Snapshots& snapshots = state.snapshots;
  snapshots.taking = false;
  snapshots.log_bytes_since += std::exchange(snapshots.log_bytes_taking, 0);
  snapshots.not_before = state.now + kPauseTimeouts * state.options.election_timeout_ms;
  const auto detail =
      fmt::format("There is no room for a snapshot on the disk of node {}.", state.id());
  for (const RequestNumber request : std::exchange(snapshots.asked, {})) {
    state.refuse(request, RefusalReason::kDiskFull, detail);
  }
  snapshots.asked = std::exchange(snapshots.asked_later, {});
}

void begin_snapshot(State& state, Progress& progress) {
  CHECK(state.snapshots.newest && newest_index(state) >= state.log.base().index,
        "node {}: the log begins with {}, the snapshot ends with {}", state.id(),
        state.log.first_index(), newest_index(state));
  progress.begin_snapshot(newest_index(state));
}

void fetch_snapshot_parts(State& state) {
  auto& peers = state.as<LeaderState>()->peers;
  auto next = peers.upper_bound(state.snapshots.served_last);
  for (std::size_t left = peers.size(); left > 0; --left, ++next) {
    if (next == peers.end()) next = peers.begin();
    if (takes_snapshot(next->second)) fetch_snapshot_part(state, next->first, next->second);
  }
}

void on_snapshot_chunk_fetched(State& state, SnapshotChunkFetched event) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  const auto progress = leader->peers.find(event.peer);
  if (progress == leader->peers.end() || progress->second.mode() != Progress::Mode::kSnapshot ||
      progress->second.snapshot_index() != event.head.last.index) {
    return;
  }
  if (event.bytes.empty() && event.offset < event.head.transfer_size()) {
    progress->second.end_snapshot();  // a newer one has taken its place
    return;
  }
  state.send(event.peer, InstallSnapshot{state.current_term(), std::move(event.head), event.offset,
                                         std::move(event.bytes)});
}

void on_install_snapshot_reply(State& state, const Peer& from, const InstallSnapshotReply& reply) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || reply.term != state.current_term()) return;
  leader->peers.at(from.id).on_snapshot_part_answered(reply.snapshot_index, reply.demand);
}

void on_install_snapshot(State& state, const Peer& from, InstallSnapshot message) {
  if (message.term < state.current_term()) {
    state.send(from, InstallSnapshotReply{state.current_term(), message.head.last.index, {}});
    return;
  }
  if (!follow(state, from)) return;
  const LogPosition& last = message.head.last;
  const bool has_log = state.log.matches(last.index, last.term);
  if (has_log) state.commit_index = std::max(state.commit_index, last.index);
  if (last.index <= state.settled_index()) accept_snapshot(state, from);
  if (has_log || last.index <= state.settled_index()) return;
  // The leader sends the part again.
  if (state.snapshots.installing || state.snapshots.storing) return;
  if (state.disk_space != DiskSpace::kEnough) return;
  state.snapshots.storing = true;
  state.output.effects.chunk_stores.push_back(
      {from, std::move(message.head), message.offset, std::move(message.bytes)});
}

void on_snapshot_chunk_stored(State& state, SnapshotChunkStored event) {
  state.snapshots.storing = false;
  if (event.complete && event.head.last.index > newest_index(state)) {
    state.snapshots.newest = event.head;
    state.snapshots.log_bytes_since = 0;
    const LogPosition& last = event.head.last;
    // §7: a log that has the last entry of the snapshot goes on; what follows may be promised.
    if (state.log.matches(last.index, last.term)) {
      state.commit_index = std::max(state.commit_index, last.index);
    } else if (last.index > state.commit_index) {
      forget_log(state, event.head);
    }
  }
  if (state.leader() != event.from.id || state.role() == Role::kLeader) return;
  if (event.head.last.index <= state.settled_index()) {
    accept_snapshot(state, event.from);
  } else {
    state.send(event.from,
               InstallSnapshotReply{state.current_term(), event.head.last.index, event.demand});
  }
}

// The leader sends it again, after a while.
void on_snapshot_chunk_not_stored(State& state) { state.snapshots.storing = false; }

void on_snapshot_installed(State& state, Index index) {
  CHECK(state.snapshots.installing, "node {}: nothing was to be installed up to {}", state.id(),
        index);
  state.snapshots.installing = false;
  state.applied_index = std::max(state.applied_index, index);
}

void forget_snapshot_requests(State& state, const std::vector<RequestNumber>& expired) {
  const auto forgotten = [&](RequestNumber request) {
    return std::binary_search(expired.begin(), expired.end(), request);
  };
  std::erase_if(state.snapshots.asked, forgotten);
  std::erase_if(state.snapshots.asked_later, forgotten);
}

}  // namespace raft
