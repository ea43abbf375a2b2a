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

}  // namespace

void on_read_requested(State& state, RequestNumber request) {
  if (auto* leader = state.as<LeaderState>()) {
    leader->waiting_reads.push_back({std::nullopt, request});
  } else {
    forward_read(state, request);
  }
}

void on_read_index_request(State& state, NodeId from, const ReadIndexRequest& request) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || request.term != state.current_term()) {
    state.send(from, ReadIndexReply{state.current_term(), request.round, std::nullopt});
    return;
  }
  // A round covers those before it: of the questions of one follower the newest is enough.
  auto& waiting = leader->waiting_reads;
  const auto same = std::find_if(waiting.begin(), waiting.end(),
                                 [&](const auto& r) { return r.asked_by == from; });
  if (same == waiting.end()) {
    waiting.push_back({from, request.round});
  } else {
    same->request = std::max(same->request, request.round);
  }
}

void confirm_read_round(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || !leader->read_round) return;
  const std::uint64_t confirmed = state.quorum.reached_by_majority([&](NodeId voter) {
    return voter == state.id() ? leader->last_read_round : leader->peers.at(voter).confirmed_round;
  });
  if (confirmed < leader->read_round->number) return;
  for (const PendingRead& read : leader->read_round->reads) {
    if (read.asked_by) {
      state.send(*read.asked_by,
                 ReadIndexReply{state.current_term(), read.request, leader->read_round->index});
    } else {
      state.indexed_reads.push_back({leader->read_round->index, read.request});
    }
  }
  leader->read_round.reset();
}

void start_read_round(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || leader->read_round || leader->waiting_reads.empty()) return;
  if (state.commit_index < leader->first_index_of_term) return;
  leader->read_round =
      ReadRound{++leader->last_read_round, state.commit_index, std::move(leader->waiting_reads)};
  leader->waiting_reads.clear();
  send_heartbeats(state);
  confirm_read_round(state);  // a cluster of one is its own majority
}

void serve_indexed_reads(State& state) {
  std::erase_if(state.indexed_reads, [&](const IndexedRead& read) {
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
