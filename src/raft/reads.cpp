#include "raft/reads.h"

#include <algorithm>

#include "raft/forwarding.h"
#include "raft/replication.h"

namespace raft {
namespace {

void refuse(State& state, const PendingRead& read) {
  if (read.asked_by) {
    state.send(*read.asked_by, ReadIndexReply{state.current_term(), read.request, std::nullopt});
  } else {
    state.refuse(read.request, RefusalReason::kNoLeader);
  }
}

void answer_round(State& state, LeaderState& leader) {
  for (const PendingRead& read : leader.read_round->reads) {
    if (read.asked_by) {
      state.send(*read.asked_by,
                 ReadIndexReply{state.current_term(), read.request, leader.read_round->index});
    } else {
      state.indexed_reads.push_back({leader.read_round->index, read.request});
    }
  }
  leader.read_round.reset();
}

}  // namespace

// dissertation §6.4.1: no other leader can be elected until followers have missed this one for an
// election timeout of their own clocks.
bool has_lease(const State& state, Milliseconds now) {
  const auto* leader = state.as<LeaderState>();
  const std::uint64_t drift = state.options.read_lease_drift_percent;
  if (leader == nullptr || drift == 0 || !leader->lease_began || leader->asked_to_stand)
    return false;
  const Milliseconds length = state.options.election_timeout_ms * (100 - drift) / 100;
  return now - *leader->lease_began < length;
}

void on_read_requested(State& state, RequestNumber request) {
  if (auto* leader = state.as<LeaderState>()) {
    leader->waiting_reads.push_back({std::nullopt, request});
  } else {
    forward_read(state, request);
  }
}

void on_read_index_request(State& state, const Peer& from, const ReadIndexRequest& request) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || request.term != state.current_term()) {
    state.send(from, ReadIndexReply{state.current_term(), request.round, std::nullopt});
    return;
  }
  // A round covers those before it: of the questions of one follower the newest is enough.
  auto& waiting = leader->waiting_reads;
  const auto same = std::find_if(waiting.begin(), waiting.end(),
                                 [&](const auto& r) { return r.asked_by == from.id; });
  if (same == waiting.end()) {
    waiting.push_back({from.id, request.round});
  } else {
    same->request = std::max(same->request, request.round);
  }
}

void begin_lease_round(State& state) {
  if (state.options.read_lease_drift_percent == 0) return;
  auto* leader = state.as<LeaderState>();
  leader->sent_rounds.push_back({++leader->last_read_round, state.now});
}

void confirm_read_round(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  const std::uint64_t confirmed = state.quorum.reached_by_majority([&](NodeId voter) {
    return voter == state.id() ? leader->last_read_round : leader->peers.at(voter).confirmed_round;
  });
  while (!leader->sent_rounds.empty() && leader->sent_rounds.front().number <= confirmed) {
    leader->lease_began = leader->sent_rounds.front().sent_at;
    leader->sent_rounds.pop_front();
  }
  if (!leader->read_round || confirmed < leader->read_round->number) return;
  answer_round(state, *leader);
}

void start_read_round(State& state) {
  confirm_read_round(state);  // whoever was still asked may have been voted out
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || leader->read_round || leader->waiting_reads.empty()) return;
  if (state.commit_index < leader->first_index_of_term) return;
  leader->read_round = ReadRound{0, state.commit_index, std::move(leader->waiting_reads)};
  leader->waiting_reads.clear();
  if (has_lease(state, state.now)) {
    answer_round(state, *leader);
    return;
  }
  leader->read_round->number = ++leader->last_read_round;
  send_heartbeats(state);
  confirm_read_round(state);  // a cluster of one is its own majority
}

void serve_indexed_reads(State& state) {
  std::erase_if(state.indexed_reads, [&](const IndexedRead& read) {
    // Another node can tell at once what this one gets only when there is room.
    if (read.index > state.log.last_index() && state.disk_space == DiskSpace::kFull) {
      state.refuse(read.request, RefusalReason::kDiskFull,
                   fmt::format("There is no room on the disk of node {} for what the read has to "
                               "see. Ask another.",
                               state.id()));
      return true;
    }
    if (read.index > state.output.applied_to) return false;
    state.output.effects.serve_reads.push_back(read.request);
    return true;
  });
}

void refuse_pending_reads(State& state, const LeaderState& leader) {
  for (const PendingRead& read : leader.waiting_reads) refuse(state, read);
  if (!leader.read_round) return;
  for (const PendingRead& read : leader.read_round->reads) refuse(state, read);
}

void forget_pending_reads(LeaderState& leader, const std::vector<RequestNumber>& expired) {
  const auto forgotten = [&](const PendingRead& read) {
    return !read.asked_by && std::binary_search(expired.begin(), expired.end(), read.request);
  };
  std::erase_if(leader.waiting_reads, forgotten);
  if (leader.read_round) std::erase_if(leader.read_round->reads, forgotten);
}

}  // namespace raft
