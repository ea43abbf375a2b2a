#include "raft/proposals.h"

#include <algorithm>

#include "raft/disk_space.h"
#include "raft/forwarding.h"
#include "raft/replication.h"

namespace raft {
namespace {

bool has_room(const State& state, const LeaderState& leader, std::size_t bytes) {
  return leader.unsettled_bytes + leader.pending_bytes + bytes <=
         state.options.max_uncommitted_bytes;
}

void take(LeaderState& leader, std::optional<NodeId> forwarded_by, RequestNumber request,
          base::SharedBytes command) {
  leader.pending_bytes += kRecordHeaderSize + command.size();
  leader.pending_commands.push_back({forwarded_by, request, std::move(command)});
}

void refuse_without_room(State& state, LeaderState& leader) {
  const std::string detail = name_full_disks(state);
  std::map<NodeId, ForwardCommandsRefused> refused;
  for (const PendingCommand& pending : leader.pending_commands) {
    if (!pending.forwarded_by) {
      state.refuse(pending.request, RefusalReason::kDiskFull, detail);
      continue;
    }
    const ForwardCommandsRefused none{state.current_term(), {}, RefusalReason::kDiskFull, detail};
    refused.try_emplace(*pending.forwarded_by, none)
        .first->second.requests.push_back(pending.request);
  }
  leader.pending_commands.clear();
  leader.pending_bytes = 0;
  for (auto& [peer, message] : refused) state.send(peer, std::move(message));
}

}  // namespace

void on_command_submitted(State& state, CommandSubmitted event) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) {
    forward_command(state, event.request, std::move(event.command));
  } else if (!has_room(state, *leader, kRecordHeaderSize + event.command.size())) {
    state.refuse(event.request, RefusalReason::kBusy);
  } else {
    take(*leader, std::nullopt, event.request, std::move(event.command));
  }
}

void on_forward_commands(State& state, const Peer& from, ForwardCommands message) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || message.term != state.current_term()) {
    // The sender learns the term. Whether a copy was taken before, this node cannot say.
    state.send(from, ForwardCommandsReply{state.current_term(), {}, {}, {}});
    return;
  }
  auto& reply = leader->forward_replies[from.id];
  RequestNumber& taken_up_to = leader->forwarded_up_to[from.identity];
  const bool is_late = leader->transfer && leader->transfer->told;
  for (ForwardedCommand& forwarded : message.commands) {
    if (forwarded.request <= taken_up_to) continue;  // a second copy of a message
    taken_up_to = forwarded.request;
    if (is_late) {
      reply.passed_back.push_back(forwarded.request);
    } else if (has_room(state, *leader, kRecordHeaderSize + forwarded.command.size())) {
      take(*leader, from.id, forwarded.request, std::move(forwarded.command));
    } else {
      reply.refused_busy.push_back(forwarded.request);
    }
  }
}

void append_pending_commands(State& state) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr) return;
  // Held while leadership is handed over: the next leader takes them, or this one does.
  const bool held = leader->transfer || leader->leaving;
  if (!held && !leader->pending_commands.empty() && !has_room_for_commands(state)) {
    refuse_without_room(state, *leader);
  }
  if (!held && !leader->pending_commands.empty()) {
    EntryBlockBuilder block(state.log.last_checksum(), log_time_ms(state));
    block.reserve(leader->pending_commands.size());
    Index index = state.log.last_index();
    for (PendingCommand& pending : leader->pending_commands) {
      block.add(++index, state.current_term(), EntryKind::kCommand, std::move(pending.command));
      if (pending.forwarded_by) {
        leader->forward_replies[*pending.forwarded_by].accepted.push_back({pending.request, index});
      } else {
        state.waiting_writes.push_back({index, state.current_term(), pending.request});
      }
    }
    leader->pending_commands.clear();
    leader->pending_bytes = 0;
    append_as_leader(state, block.finish());
  }
  for (auto& [peer, reply] : leader->forward_replies) {
    reply.term = state.current_term();
    state.send(peer, std::move(reply));
  }
  leader->forward_replies.clear();
}

void pass_back(State& state, LeaderState& leader) {
  std::map<NodeId, ForwardCommandsReply> replies;
  std::erase_if(leader.pending_commands, [&](const PendingCommand& pending) {
    if (!pending.forwarded_by) return false;
    replies[*pending.forwarded_by].passed_back.push_back(pending.request);
    leader.pending_bytes -= kRecordHeaderSize + pending.command.size();
    return true;
  });
  for (auto& [peer, reply] : replies) {
    reply.term = state.current_term();
    state.send(peer, std::move(reply));
  }
}

void release_pending_commands(State& state, LeaderState& leader) {
  pass_back(state, leader);
  for (PendingCommand& pending : leader.pending_commands) {
    state.forwarding.released.add(pending.request, std::move(pending.command));
  }
  state.forwarding.released_at = state.now;
  state.forwarding.passed_back_in = 0;
  leader.pending_commands.clear();
  leader.pending_bytes = 0;
}

void give_up_waiting_writes(State& state, Index index) {
  auto& waiting = state.waiting_writes;
  while (!waiting.empty() && waiting.back().index >= index) {
    state.refuse(waiting.back().request, RefusalReason::kUnknownOutcome);
    waiting.pop_back();
  }
}

void forget_waiting_writes(State& state, const std::vector<RequestNumber>& expired) {
  std::erase_if(state.waiting_writes, [&](const WaitingWrite& waiting) {
    return std::binary_search(expired.begin(), expired.end(), waiting.request);
  });
}

void forget_pending_commands(LeaderState& leader, const std::vector<RequestNumber>& expired) {
  std::erase_if(leader.pending_commands, [&](const PendingCommand& pending) {
    const bool forgotten = !pending.forwarded_by &&
                           std::binary_search(expired.begin(), expired.end(), pending.request);
    if (forgotten) leader.pending_bytes -= kRecordHeaderSize + pending.command.size();
    return forgotten;
  });
}

}  // namespace raft
