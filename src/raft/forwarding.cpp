#include "raft/forwarding.h"

#include <algorithm>
#include <utility>

#include "raft/proposals.h"

namespace raft {
namespace {

void refuse_reads(State& state, const std::vector<RequestNumber>& requests) {
  for (const RequestNumber request : requests) state.refuse(request, RefusalReason::kNoLeader);
}

void ask_round(State& state, NodeId leader) {
  state.forwarding.asked_at = state.now;
  state.send(leader, ReadIndexRequest{state.current_term(), state.forwarding.asked.back().round});
}

// In messages of at most max_append_bytes, as they are for AppendEntries.
void send_commands(State& state, NodeId leader) {
  ForwardCommands message{state.current_term(), {}};
  std::size_t bytes = 0;
  for (auto& [request, command] : state.forwarding.commands.take_all()) {
    bytes += command.size();
    if (bytes > state.options.max_append_bytes && !message.commands.empty()) {
      state.send(leader, std::exchange(message, {state.current_term(), {}}));
      bytes = command.size();
    }
    state.forwarding.unanswered.add(request, command);
    message.commands.push_back({request, std::move(command)});
  }
  if (!message.commands.empty()) state.send(leader, std::move(message));
}

// False where it waits no more: a copy of an answer.
bool stop_waiting_for(Forwarding& forwarding, RequestNumber request) {
  return forwarding.unanswered.remove(request) || forwarding.unanswered_changes.erase(request) > 0;
}

// Kept by rising index, as apply meets the entries in that order.
void wait_for_entry(State& state, WaitingWrite waiting) {
  auto& all = state.waiting_writes;
  const auto place =
      std::upper_bound(all.begin(), all.end(), waiting.index,
                       [](Index index, const WaitingWrite& each) { return index < each.index; });
  all.insert(place, waiting);
}

// It was not taken, and waits for the next leader.
void take_back(State& state, RequestNumber request) {
  auto& forwarding = state.forwarding;
  auto command = forwarding.unanswered.remove(request);
  if (!command) return;
  if (forwarding.released.empty()) forwarding.released_at = state.now;
  forwarding.passed_back_in = state.current_term();
  forwarding.released.add(request, std::move(*command));
}

void refuse_released(State& state, RefusalReason reason) {
  for (const auto& [request, command] : state.forwarding.released.take_all()) {
    state.refuse(request, reason);
  }
}

}  // namespace

void forward_command(State& state, RequestNumber request, base::SharedBytes command) {
  if (!state.leader()) {
    state.refuse(request, RefusalReason::kNoLeader);
    return;
  }
  // No more than a leader would take.
  const std::size_t bytes = state.forwarding.bytes() + CommandsByRequest::record_bytes(command);
  if (bytes > state.options.max_uncommitted_bytes) {
    state.refuse(request, RefusalReason::kBusy);
    return;
  }
  state.forwarding.commands.add(request, std::move(command));
}

void forward_read(State& state, RequestNumber request) {
  if (!state.leader()) {
    state.refuse(request, RefusalReason::kNoLeader);
    return;
  }
  state.forwarding.reads.push_back(request);
}

void route_released(State& state) {
  auto& released = state.forwarding.released;
  if (released.empty()) return;
  const auto leader = state.leader();
  const Milliseconds waited = state.now - state.forwarding.released_at;
  if (leader && state.forwarding.passed_back_in == state.current_term()) {
    // Given up after that time: who leads on has counted them already, and would pass them over.
    if (waited >= state.options.election_timeout_ms) refuse_released(state, RefusalReason::kBusy);
    return;
  }
  if (leader == state.id()) {
    for (auto& [request, command] : released.take_all()) {
      on_command_submitted(state, {request, std::move(command)});
    }
  } else if (leader) {
    for (auto& [request, command] : released.take_all()) {
      state.forwarding.commands.add(request, std::move(command));
    }
  } else if (waited >= 4 * state.options.election_timeout_ms) {
    refuse_released(state, RefusalReason::kNoLeader);
  }
}

void send_forwarded(State& state) {
  auto& forwarding = state.forwarding;
  const auto leader = state.leader();
  if (!leader || *leader == state.id()) return;
  send_commands(state, *leader);
  if (!forwarding.reads.empty()) {
    const RequestNumber round = forwarding.reads.back();
    forwarding.asked.push_back({round, std::move(forwarding.reads)});
    forwarding.reads.clear();
    ask_round(state, *leader);
  }
}

void on_forward_commands_reply(State& state, const ForwardCommandsReply& reply) {
  if (reply.term != state.current_term()) return;
  for (const AcceptedCommand& accepted : reply.accepted) {
    if (!stop_waiting_for(state.forwarding, accepted.request)) continue;
    if (accepted.index <= state.output.applied_to) {
      // It has been handed to the state machine already, and its outcome with it.
      state.refuse(accepted.request, RefusalReason::kUnknownOutcome);
    } else {
      wait_for_entry(state, {accepted.index, reply.term, accepted.request});
    }
  }
  for (const RequestNumber request : reply.refused_busy) {
    if (stop_waiting_for(state.forwarding, request)) {
      state.refuse(request, RefusalReason::kBusy);
    }
  }
  for (const RequestNumber request : reply.passed_back) take_back(state, request);
}

void on_forward_commands_refused(State& state, const ForwardCommandsRefused& message) {
  if (message.term != state.current_term()) return;
  for (const RequestNumber request : message.requests) {
    if (state.forwarding.unanswered.remove(request)) {
      state.refuse(request, message.reason, message.detail);
    }
  }
}

void on_read_index_reply(State& state, const ReadIndexReply& reply) {
  auto& asked = state.forwarding.asked;
  if (reply.term != state.current_term()) return;
  // The reply to a round covers all rounds before it: their reads were asked even earlier (A11).
  while (!asked.empty() && asked.front().round <= reply.round) {
    if (reply.read_index) {
      for (const RequestNumber request : asked.front().requests) {
        state.indexed_reads.push_back({*reply.read_index, request});
      }
    } else {
      refuse_reads(state, asked.front().requests);
    }
    asked.pop_front();
  }
}

void repeat_asked_reads(State& state) {
  const auto leader = state.leader();
  if (!leader || *leader == state.id() || state.forwarding.asked.empty()) return;
  if (state.now - state.forwarding.asked_at >= 2 * state.options.heartbeat_interval_ms) {
    ask_round(state, *leader);
  }
}

void give_up_forwarded(State& state) {
  auto& forwarding = state.forwarding;
  for (const auto& [request, command] : forwarding.commands.take_all()) {
    state.refuse(request, RefusalReason::kNoLeader);
  }
  for (const auto& [request, command] : forwarding.unanswered.take_all()) {
    state.refuse(request, RefusalReason::kUnknownOutcome);
  }
  for (const RequestNumber request : std::exchange(forwarding.unanswered_changes, {})) {
    state.refuse(request, RefusalReason::kUnknownOutcome);
  }
  refuse_reads(state, forwarding.reads);
  forwarding.reads.clear();
  for (const auto& round : forwarding.asked) refuse_reads(state, round.requests);
  forwarding.asked.clear();
}

void forget_forwarded(State& state, const std::vector<RequestNumber>& expired) {
  auto& forwarding = state.forwarding;
  const auto forgotten = [&](RequestNumber request) {
    return std::binary_search(expired.begin(), expired.end(), request);
  };
  for (const RequestNumber request : expired) {
    forwarding.commands.remove(request);
    forwarding.released.remove(request);
    forwarding.unanswered.remove(request);
    forwarding.unanswered_changes.erase(request);
  }
  for (auto& round : forwarding.asked) std::erase_if(round.requests, forgotten);
  std::erase_if(forwarding.asked, [](const auto& round) { return round.requests.empty(); });
  std::erase_if(forwarding.reads, forgotten);
  std::erase_if(state.indexed_reads, [&](const auto& each) { return forgotten(each.request); });
}

}  // namespace raft
