#include "raft/forwarding.h"

#include <algorithm>
#include <iterator>
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
  for (ForwardedCommand& each : state.forwarding.commands) {
    bytes += each.command.size();
    if (bytes > state.options.max_append_bytes && !message.commands.empty()) {
      state.send(leader, std::exchange(message, {state.current_term(), {}}));
      bytes = each.command.size();
    }
    state.forwarding.unanswered.add(each.request, each.command);
    message.commands.push_back(std::move(each));
  }
  if (!message.commands.empty()) state.send(leader, std::move(message));
  state.forwarding.commands.clear();
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
  forwarding.released.push_back({request, std::move(*command)});
}

void refuse_released(State& state, RefusalReason reason) {
  for (const auto& each : std::exchange(state.forwarding.released, {})) {
    state.refuse(each.request, reason);
  }
}

}  // namespace

void forward_command(State& state, RequestNumber request, base::SharedBytes command) {
  if (!state.leader()) {
    state.refuse(request, RefusalReason::kNoLeader);
    return;
  }
  // No more than a leader would take.
  if (state.forwarding.unanswered.bytes() + command.size() > state.options.max_uncommitted_bytes) {
    state.refuse(request, RefusalReason::kBusy);
    return;
  }
  state.forwarding.commands.push_back({request, std::move(command)});
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
  // The leader takes numbers of one sender only as they rise.
  std::sort(released.begin(), released.end(),
            [](const auto& a, const auto& b) { return a.request < b.request; });
  if (leader == state.id()) {
    for (ForwardedCommand& each : std::exchange(released, {})) {
      on_command_submitted(state, {each.request, std::move(each.command)});
    }
  } else if (leader) {
    auto& commands = state.forwarding.commands;
    commands.insert(commands.begin(), std::make_move_iterator(released.begin()),
                    std::make_move_iterator(released.end()));
    released.clear();
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
    if (!state.forwarding.unanswered.remove(accepted.request)) continue;
    if (accepted.index <= state.output.applied_to) {
      // It has been handed to the state machine already, and its outcome with it.
      state.refuse(accepted.request, RefusalReason::kUnknownOutcome);
    } else {
      wait_for_entry(state, {accepted.index, reply.term, accepted.request});
    }
  }
  for (const RequestNumber request : reply.refused_busy) {
    if (state.forwarding.unanswered.remove(request)) {
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
  for (const auto& each : forwarding.commands) {
    state.refuse(each.request, RefusalReason::kNoLeader);
  }
  forwarding.commands.clear();
  const UnansweredRequests unanswered = std::exchange(forwarding.unanswered, {});
  for (const auto& [request, command] : unanswered.all()) {
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
  const auto of_forgotten = [&](const auto& each) { return forgotten(each.request); };
  for (const RequestNumber request : expired) forwarding.unanswered.remove(request);
  for (auto& round : forwarding.asked) std::erase_if(round.requests, forgotten);
  std::erase_if(forwarding.asked, [](const auto& round) { return round.requests.empty(); });
  std::erase_if(forwarding.reads, forgotten);
  std::erase_if(forwarding.commands, of_forgotten);
  std::erase_if(forwarding.released, of_forgotten);
  std::erase_if(state.indexed_reads, of_forgotten);
}

}  // namespace raft
