#include "raft/transfer.h"

#include <algorithm>
#include <tuple>

#include "raft/proposals.h"
#include "raft/repair.h"
#include "raft/roles.h"

namespace raft {
namespace {

bool can_lead(const State& state, NodeId node, const Progress& progress) {
  const Member* member = state.configuration().find(node);
  return contains(state.configuration().voters, node) && member->identity != 0 &&
         progress.reachable && progress.mode() == Progress::Mode::kPipeline &&
         !is_in_doubt(state, progress);
}

// Of those that can lead one whose disk has room, then the preferred one, then the one with most of
// the log.
std::optional<NodeId> best_successor(const State& state, const LeaderState& leader) {
  std::optional<NodeId> best;
  const auto rank = [&](NodeId node) {
    const Progress& progress = leader.peers.at(node);
    return std::tuple(progress.disk_space == DiskSpace::kEnough,
                      state.configuration().find(node)->priority, progress.match_index());
  };
  for (const auto& [node, progress] : leader.peers) {
    if (can_lead(state, node, progress) && (!best || rank(node) > rank(*best))) best = node;
  }
  return best;
}

void refuse_asked(State& state, const Transfer::Asked& asked, RefusalReason reason,
                  const std::string& detail) {
  if (asked.asked_by) {
    state.send(*asked.asked_by,
               ForwardTransferReply{state.current_term(), asked.request, reason, detail});
    return;
  }
  std::erase_if(state.waiting_transfers,
                [&](const auto& waiting) { return waiting.request == asked.request; });
  state.refuse(asked.request, reason, detail);
}

void begin(State& state, LeaderState& leader, NodeId target) {
  leader.transfer = Transfer{target, state.now + state.options.election_timeout_ms, 0, false, {}};
  state.trace(TraceLevel::kInformation, fmt::format("hands leadership over to node {}", target));
}

void give_up(State& state, LeaderState& leader) {
  const auto detail =
      fmt::format("Node {} did not take over within {} ms; node {} still leads.",
                  leader.transfer->target, state.options.election_timeout_ms, state.id());
  state.trace(TraceLevel::kWarning, detail);
  for (const auto& asked : leader.transfer->asked) {
    refuse_asked(state, asked, RefusalReason::kBusy, detail);
  }
  leader.transfer.reset();
}

void ask_to_stand(State& state, LeaderState& leader, NodeId node) {
  leader.asked_to_stand = true;
  state.send(node, TimeoutNow{state.current_term()});
}

// The leader of the moment takes the wish, whoever asked.
void take(State& state, LeaderState& leader, const Transfer::Asked& asked,
          std::optional<NodeId> target) {
  if (!target) target = best_successor(state, leader);
  const auto* member = target ? state.configuration().find(*target) : nullptr;
  if (target == state.id()) {
    refuse_asked(state, asked, RefusalReason::kConflict,
                 fmt::format("Node {} leads already.", *target));
  } else if (member == nullptr || !contains(state.configuration().voters, *target)) {
    refuse_asked(state, asked, RefusalReason::kConflict,
                 target ? fmt::format("Node {} is no voter, so it cannot lead.", *target)
                        : "No other voter is there to lead.");
  } else if (leader.transfer && leader.transfer->target != *target) {
    refuse_asked(
        state, asked, RefusalReason::kBusy,
        fmt::format("Leadership is being handed over to node {}.", leader.transfer->target));
  } else {
    if (!leader.transfer) begin(state, leader, *target);
    leader.transfer->asked.push_back(asked);
  }
}

}  // namespace

bool is_preferred(const State& state) {
  const auto& members = state.configuration().members;
  return std::none_of(members.begin(), members.end(), [&](const Member& member) {
    return member.priority > state.options.self.priority && state.quorum.is_voter(member.id);
  });
}

void on_transfer_requested(State& state, const TransferRequested& event) {
  const auto leader_id = state.leader();
  if (!leader_id) {
    state.refuse(event.request, RefusalReason::kNoLeader);
    return;
  }
  state.waiting_transfers.push_back(
      {event.request, event.target, *leader_id, state.current_term()});
  if (auto* leader = state.as<LeaderState>()) {
    take(state, *leader, {std::nullopt, event.request}, event.target);
  } else {
    state.send(*leader_id, ForwardTransfer{state.current_term(), event.request, event.target});
  }
}

void on_forward_transfer(State& state, const Peer& from, const ForwardTransfer& message) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || message.term != state.current_term()) {
    state.send(from, ForwardTransferReply{
                         state.current_term(), message.request, RefusalReason::kNoLeader, {}});
    return;
  }
  take(state, *leader, {from.id, message.request}, message.target);
}

void on_forward_transfer_reply(State& state, const ForwardTransferReply& reply) {
  const auto removed = std::erase_if(state.waiting_transfers, [&](const auto& waiting) {
    return waiting.request == reply.request;
  });
  if (removed > 0) state.refuse(reply.request, reply.reason, reply.detail);
}

void continue_transfer(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  if (leader->leaving) {
    // Its successor need not wait for an election timeout.
    if (const auto successor = best_successor(state, *leader)) {
      ask_to_stand(state, *leader, *successor);
    }
    state.trace(TraceLevel::kInformation, "is no voter any more: steps down");
    become_follower(state, state.current_term(), std::nullopt);
    return;
  }
  if (!leader->transfer) return;
  Transfer& transfer = *leader->transfer;
  const auto target = leader->peers.find(transfer.target);
  if (state.now >= transfer.deadline || target == leader->peers.end()) {
    give_up(state, *leader);
    return;
  }
  const bool has_everything = target->second.match_index() == state.log.last_index();
  const bool lost = state.now - transfer.told_at >= state.options.heartbeat_interval_ms;
  if (!has_everything || (transfer.told && !lost)) return;
  pass_back(state, *leader);
  transfer.told = true;
  transfer.told_at = state.now;
  ask_to_stand(state, *leader, transfer.target);
}

void leave_slow_disk(State& state) {
  auto* leader = state.as<LeaderState>();
  const Milliseconds limit = state.options.max_disk_wait_ms;
  const Milliseconds waiting = state.durability.waiting(state.now);
  if (leader == nullptr || waiting < limit || state.quorum.voters().size() < 2) return;
  if (waiting >= 2 * limit + state.options.election_timeout_ms) {
    state.trace(TraceLevel::kWarning,
                fmt::format("its disk has not finished for {} ms: steps down", waiting));
    become_follower(state, state.current_term(), std::nullopt);
    return;
  }
  if (leader->transfer) return;
  const auto successor = best_successor(state, *leader);
  if (!successor) return;
  state.trace(TraceLevel::kWarning, fmt::format("its disk has not finished for {} ms", waiting));
  begin(state, *leader, *successor);
}

void leave_full_disk(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || state.disk_space == DiskSpace::kEnough) return;
  if (leader->transfer || state.now < leader->leave_disk_at) return;
  const auto successor = best_successor(state, *leader);
  if (!successor) return;
  // Who has not spoken yet may be as full, and would hand leadership back.
  const Progress& progress = leader->peers.at(*successor);
  if (!progress.answered || progress.disk_space != DiskSpace::kEnough) return;
  leader->leave_disk_at = state.now + 4 * state.options.election_timeout_ms;
  state.trace(TraceLevel::kWarning, "its disk is full");
  begin(state, *leader, *successor);
}

void prefer_other_leader(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || state.now < leader->next_preference_at) return;
  leader->next_preference_at = state.now + 4 * state.options.election_timeout_ms;
  if (leader->transfer || state.configuration().changing()) return;
  const auto successor = best_successor(state, *leader);
  if (!successor) return;
  const auto priority = state.configuration().find(*successor)->priority;
  const Progress& progress = leader->peers.at(*successor);
  const bool is_near = progress.match_index() >= state.commit_index;
  const bool has_room = progress.disk_space == DiskSpace::kEnough;
  if (priority <= state.options.self.priority || !is_near || !has_room) return;
  leader->next_preference_at = state.now + 40 * state.options.election_timeout_ms;
  begin(state, *leader, *successor);
}

void on_leader_known(State& state) {
  const auto leader = state.leader();
  std::erase_if(state.waiting_transfers, [&](const WaitingTransfer& waiting) {
    if (state.current_term() == waiting.term) return false;
    if (leader == waiting.target.value_or(*leader) && leader != waiting.from) {
      state.complete(waiting.request, *leader);
    } else {
      state.refuse(waiting.request, RefusalReason::kBusy,
                   fmt::format("Node {} leads instead.", *leader));
    }
    return true;
  });
}

void forget_transfers(State& state, const std::vector<RequestNumber>& expired) {
  std::erase_if(state.waiting_transfers, [&](const auto& waiting) {
    return std::binary_search(expired.begin(), expired.end(), waiting.request);
  });
}

}  // namespace raft
