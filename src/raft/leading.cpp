// The leader's side of replication.h.
#include <algorithm>
#include <set>

#include "base/check.h"
#include "raft/departures.h"
#include "raft/disk_space.h"
#include "raft/reads.h"
#include "raft/replication.h"
#include "raft/roles.h"
#include "raft/snapshots.h"
#include "raft/transfer.h"

namespace raft {
namespace {

// What a majority and the own disk have makes room for new commands. Both, or the orders to an
// own disk that stalls while others commit would pile up without end.
void make_room(State& state, LeaderState& leader) {
  const Index settled = state.settled_index();
  leader.unsettled_bytes -= state.log.bytes_between(leader.settled_index + 1, settled);
  leader.settled_index = settled;
}

std::size_t record_bytes(const std::vector<Entry>& entries) {
  std::size_t bytes = 0;
  for (const Entry& entry : entries) bytes += entry.record.size();
  return bytes;
}

void send_entries(State& state, NodeId peer, Progress& progress, std::vector<Entry> entries) {
  const Index prev = progress.next_index() - 1;
  const auto prev_term = state.log.term_at(prev);
  CHECK(prev_term, "node {}: the entry before {} is gone, node {} needs it", state.id(),
        progress.next_index(), peer);
  progress.on_sent(prev + entries.size(), record_bytes(entries));
  progress.told_commit = state.commit_index;
  state.send(peer, AppendEntries{state.current_term(), prev, *prev_term, state.commit_index,
                                 std::move(entries)});
}

// To one that would throw commands away: what is none, and where the logs match. False where there
// is nothing of that to be sent.
bool feed_without_room(State& state, NodeId peer, Progress& progress) {
  const Index next = progress.next_index();
  const bool probes = progress.mode() == Progress::Mode::kProbe;
  const bool takes =
      state.log.in_memory(next) && state.log.at(next).kind != EntryKind::kCommand && !probes;
  if (!takes && !probes) return false;
  send_entries(state, peer, progress,
               takes ? state.log.slice(next, next, 1) : std::vector<Entry>());
  return takes;
}

// What is committed, as far as the follower is known to hold it.
Index commit_for(const State& state, const Progress& progress) {
  return std::min(progress.match_index(), state.commit_index);
}

// Where no entries carry the news of a commit, it goes alone, so that followers apply promptly.
// What is in flight will be acknowledged first: under load, there are entries again by then.
void tell_commit(State& state, NodeId peer, Progress& progress) {
  const Index commit = commit_for(state, progress);
  const bool told = progress.told_commit >= commit;
  if (told || progress.mode() != Progress::Mode::kPipeline || progress.messages_in_flight() > 0) {
    return;
  }
  progress.told_commit = commit;
  state.send(peer, CommitAdvanced{state.current_term(), commit});
}

void feed(State& state, NodeId peer, Progress& progress) {
  const Options& options = state.options;
  while (progress.may_send(options.window_messages, options.window_bytes)) {
    const Index next = progress.next_index();
    if (next < state.log.first_index()) {
      begin_snapshot(state, progress);
      break;
    }
    if (next > state.log.last_index()) {
      if (progress.mode() == Progress::Mode::kProbe) send_entries(state, peer, progress, {});
      break;
    }
    if (progress.disk_space == DiskSpace::kFull) {
      if (!feed_without_room(state, peer, progress)) break;
      continue;
    }
    if (!state.log.in_memory(next)) {
      if (!progress.fetching) {
        progress.fetching = true;
        state.output.effects.fetches.push_back(
            {peer, next, state.log.last_index(), options.max_append_bytes});
      }
      break;
    }
    send_entries(state, peer, progress,
                 state.log.slice(next, state.log.last_index(), options.max_append_bytes));
  }
  tell_commit(state, peer, progress);
}

void note_reachability(State& state, NodeId peer, Progress& progress) {
  const bool reachable = state.now - progress.heard_at() < 2 * state.options.election_timeout_ms;
  if (reachable == progress.reachable) return;
  progress.reachable = reachable;
  if (!reachable) progress.on_silence();
  state.trace(TraceLevel::kInformation,
              fmt::format("{} node {}", reachable ? "found" : "lost", peer));
}

bool reaches_majority(const State& state, const LeaderState& leader) {
  std::set<NodeId> heard{state.id()};
  for (const auto& [peer, progress] : leader.peers) {
    if (progress.reachable) heard.insert(peer);
  }
  return state.quorum.is_majority(heard);
}

}  // namespace

void append_first_of_term(State& state) {
  if (state.configurations.index() > 0) {
    append_as_leader(state, EntryKind::kNoOperation, {});
  } else {
    append_as_leader(state, EntryKind::kConfiguration, encode_configuration(state.configuration()));
  }
}

void append_as_leader(State& state, EntryKind kind, base::SharedBytes payload) {
  EntryBlockBuilder block(state.log.last_checksum(), log_time_ms(state));
  block.add(state.log.last_index() + 1, state.current_term(), kind, std::move(payload));
  append_as_leader(state, block.finish());
}

void append_as_leader(State& state, std::vector<Entry> entries) {
  state.as<LeaderState>()->unsettled_bytes += record_bytes(entries);
  const Index configuration = state.configurations.index();
  state.append_to_log(std::move(entries));
  if (state.configurations.index() != configuration) follow_members(state);
}

Milliseconds log_time_ms(const State& state) {
  const auto* leader = state.as<LeaderState>();
  return leader->log_time_ms + (state.now - leader->began_at);
}

void follow_members(State& state) {
  auto& leader = *state.as<LeaderState>();
  note_departures(state, leader);
  for (const Member& member : state.configuration().members) {
    if (member.id == state.id()) continue;
    // Let in again, it may have another directory: nothing is known of that.
    if (leader.departures.erase(member.id) != 0) leader.peers.erase(member.id);
    leader.peers.try_emplace(member.id, Progress(state.log.last_index() + 1, state.now));
  }
  std::erase_if(leader.peers, [&](const auto& each) {
    return !state.configuration().find(each.first) && !leader.departures.contains(each.first);
  });
}

void on_append_entries_accepted(State& state, const Peer& from,
                                const AppendEntriesAccepted& message) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || message.term != state.current_term()) return;
  if (message.match_index > state.log.last_index()) {
    state.trace(TraceLevel::kWarning,
                fmt::format("node {} accepts entry {}, which was never sent: ignored", from.id,
                            message.match_index));
    return;
  }
  if (leader->peers.at(from.id).on_accepted(message.match_index)) advance_commit_index(state);
}

void on_append_entries_rejected(State& state, const Peer& from,
                                const AppendEntriesRejected& message) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || message.term != state.current_term()) return;
  // The follower skipped its terms above ours; skip our terms above its: a round trip a term at
  // the most, whatever the number of entries.
  const Index matching = state.log.last_index_within(message.hint_index, message.hint_term);
  Progress& progress = leader->peers.at(from.id);
  if (!progress.on_rejected(message.prev_log_index, matching + 1) || progress.told_lost) return;
  progress.told_lost = true;
  state.trace(TraceLevel::kWarning,
              fmt::format("node {} denies entry {}, which it had acknowledged: it seems to have "
                          "lost its disk",
                          from.id, message.prev_log_index));
}

void on_heartbeat_reply(State& state, const Peer& from, const HeartbeatReply& reply) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || reply.term != state.current_term()) return;
  Progress& progress = leader->peers.at(from.id);
  progress.on_heartbeat_answered(reply.last_log_index, state.now,
                                 state.options.heartbeat_interval_ms);
  progress.confirmed_round = std::max(progress.confirmed_round, reply.read_round);
  progress.answered = true;
  confirm_read_round(state);
}

void on_entries_fetched_for_peer(State& state, NodeId peer, std::vector<Entry> entries) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || !leader->peers.contains(peer)) return;
  Progress& progress = leader->peers.at(peer);
  progress.fetching = false;
  const bool current = !entries.empty() && entries.front().index == progress.next_index() &&
                       progress.next_index() >= state.log.first_index() &&
                       state.log.matches(entries.front().index, entries.front().term) &&
                       state.log.matches(entries.back().index, entries.back().term);
  if (!current || !progress.reachable) return;
  if (!progress.may_send(state.options.window_messages, state.options.window_bytes)) return;
  send_entries(state, peer, progress, std::move(entries));
}

void send_heartbeats(State& state) {
  auto* leader = state.as<LeaderState>();
  leader->heartbeat_due = state.now + state.options.heartbeat_interval_ms;
  begin_lease_round(state);
  for (const auto& [peer, progress] : leader->peers) {
    state.send(peer, Heartbeat{state.current_term(), commit_for(state, progress),
                               leader->last_read_round});
  }
}

void lead(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  for (auto& [peer, progress] : leader->peers) note_reachability(state, peer, progress);
  end_departures(state, *leader);
  if (!reaches_majority(state, *leader)) {
    state.trace(TraceLevel::kWarning,
                fmt::format("no majority answers in term {}: steps down", state.current_term()));
    become_follower(state, state.current_term(), std::nullopt);
    return;
  }
  if (state.now >= leader->heartbeat_due) send_heartbeats(state);
  forget_disk_space(state);
  leave_slow_disk(state);
  leave_full_disk(state);
  prefer_other_leader(state);
}

void replicate(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  for (auto& [peer, progress] : leader->peers) {
    if (progress.reachable) feed(state, peer, progress);
  }
  fetch_snapshot_parts(state);
}

void advance_commit_index(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  const Index reached = state.quorum.reached_by_majority([&](NodeId voter) {
    return voter == state.id() ? state.durability.durable_index()
                               : leader->peers.at(voter).match_index();
  });
  if (reached > state.commit_index && state.log.matches(reached, state.current_term())) {
    state.commit_index = reached;
  }
  make_room(state, *leader);
}

}  // namespace raft
