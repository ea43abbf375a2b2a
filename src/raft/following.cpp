// The follower's side of replication.h.
#include <algorithm>

#include "base/check.h"
#include "raft/disk_space.h"
#include "raft/proposals.h"
#include "raft/repair.h"
#include "raft/replication.h"
#include "raft/roles.h"

namespace raft {
namespace {

void reject(State& state, const Peer& from, const AppendEntries& message) {
  // The last place that can match: not beyond this log, not of a term above the leader's.
  const Index hint = state.log.last_index_within(message.prev_log_index, message.prev_log_term);
  state.send(from, AppendEntriesRejected{state.current_term(), message.prev_log_index, hint,
                                         state.log.term_at(hint).value_or(0)});
}

void refuse(State& state, const Peer& from, std::string_view why, Index index) {
  state.trace(TraceLevel::kWarning,
              fmt::format("entries from node {} refused at index {}: {}", from.id, index, why));
}

void truncate_log(State& state, Index index) {
  CHECK(index > state.commit_index, "node {} term {}: truncation at {}, committed to {}",
        state.id(), state.current_term(), index, state.commit_index);
  give_up_waiting_writes(state, index);
  state.durability.truncate_from(index);
  if (index <= state.output.persisted_to) {
    state.output.truncate_from = std::min(index, state.output.truncate_from.value_or(index));
    state.output.persisted_to = index - 1;
  }
  state.truncate_log_from(index);
}

// What is compacted here is committed, and so it is the same in the log of every leader.
void skip_compacted(const State& state, AppendEntries& message) {
  const LogPosition& base = state.log.base();
  if (message.prev_log_index >= base.index) return;
  const auto skipped =
      std::min<std::size_t>(base.index - message.prev_log_index, message.entries.size());
  message.entries.erase(message.entries.begin(),
                        message.entries.begin() + static_cast<std::ptrdiff_t>(skipped));
  message.prev_log_index = base.index;
  message.prev_log_term = base.term;
}

// Without room on the disk, a message is as if it ended before the first command that the log
// lacks. What else there is is small, and without it no new leader could serve reads.
void leave_out_commands(const State& state, AppendEntries& message) {
  auto& entries = message.entries;
  const auto first = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return entry.kind == EntryKind::kCommand && !state.log.matches(entry.index, entry.term);
  });
  entries.erase(first, entries.end());
}

// Appends what the log lacks; true where the log then matches all of the message.
bool append_entries(State& state, const Peer& from, std::vector<Entry>& entries, Index prev) {
  const auto first_new = std::find_if(entries.begin(), entries.end(), [&](const Entry& entry) {
    return !state.log.matches(entry.index, entry.term);
  });
  if (first_new == entries.end()) return true;
  const Index index = prev + 1 + static_cast<Index>(first_new - entries.begin());
  if (index <= state.commit_index) {
    refuse(state, from, "they contradict what is committed", index);
    return false;
  }
  if (!state.log.chains_with(*first_new, index - 1)) {
    refuse(state, from, "they do not follow the record before", index);
    return false;
  }
  if (index <= state.log.last_index()) truncate_log(state, index);
  state.append_to_log({std::make_move_iterator(first_new), std::make_move_iterator(entries.end())});
  return true;
}

// The leader never names more than this log is known to hold; a log that lost it says nothing.
void take_commit_index(State& state, Index commit_index) {
  if (commit_index > proven_index(state)) return;
  state.commit_index = std::max(state.commit_index, commit_index);
}

}  // namespace

void on_append_entries(State& state, const Peer& from, AppendEntries message) {
  if (message.term < state.current_term()) {
    reject(state, from, message);  // carries the higher term
    return;
  }
  if (!follow(state, from)) return;
  skip_compacted(state, message);
  if (!state.log.matches(message.prev_log_index, message.prev_log_term)) {
    reject(state, from, message);
    return;
  }
  if (state.disk_space == DiskSpace::kFull) leave_out_commands(state, message);
  // Only up to here does this message prove that the logs are equal (A22).
  const Index matched = message.prev_log_index + message.entries.size();
  if (!append_entries(state, from, message.entries, message.prev_log_index)) return;
  prove_log(state, matched);
  state.commit_index = std::max(state.commit_index, std::min(message.leader_commit, matched));
  if (state.awaits_admission()) return;  // not counted: the log so far names another directory
  const AppendEntriesAccepted accepted{state.current_term(), matched};
  if (matched <= state.durability.durable_index()) {
    state.send(from, accepted);
  } else {
    state.promise(from, accepted);
  }
}

void on_commit_advanced(State& state, const Peer& from, const CommitAdvanced& message) {
  if (message.term < state.current_term() || !follow(state, from)) return;
  take_commit_index(state, message.commit_index);
}

void on_heartbeat(State& state, const Peer& from, const Heartbeat& message) {
  if (message.term < state.current_term()) {
    state.send(from, HeartbeatReply{state.current_term(), 0, state.log.last_index()});
    return;
  }
  if (!follow(state, from)) return;
  take_commit_index(state, message.commit_index);
  report_disk_space(state, from);  // known by the time of the answer
  state.send(from,
             HeartbeatReply{state.current_term(), message.read_round, state.log.last_index()});
}

}  // namespace raft
