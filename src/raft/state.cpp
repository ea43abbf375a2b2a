#include "raft/state.h"

#include <algorithm>

#include "base/check.h"

namespace raft {

State::State(Options given, const Restored& restored)
    : options(std::move(given)),
      quorum(options.members),
      random(options.seed),
      hard_state(restored.hard_state),
      log(restored),
      durability(log.last_index()),
      role_state(FollowerState{}),
      commit_index(restored.applied_index),
      applied_index(restored.applied_index) {
  CHECK(quorum.is_voter(options.id), "node {} is not among the members", options.id);
  CHECK(applied_index <= log.last_index(), "applied to {}, but the log ends at {}", applied_index,
        log.last_index());
  CHECK(log.last_term() <= current_term(), "the log is of term {}, the vote of term {}",
        log.last_term(), current_term());
  output.persisted_to = log.last_index();
  output.applied_to = applied_index;
}

std::optional<NodeId> State::leader() const {
  if (role() == Role::kLeader) return id();
  if (const auto* follower = as<FollowerState>()) return follower->leader;
  return std::nullopt;
}

void State::send(NodeId to, Message message) {
  CHECK(to != id(), "node {} sends {} to itself", id(), message_name(message));
  output.effects.sends.push_back({to, std::move(message)});
}

void State::send_to_peers(const Message& message) {
  for (const NodeId peer : quorum.voters()) {
    if (peer != id()) send(peer, message);
  }
}

void State::promise(NodeId to, Message message) {
  CHECK(to != id(), "node {} promises {} to itself", id(), message_name(message));
  output.promises.push_back({to, std::move(message)});
}

void State::refuse(RequestNumber request, RefusalReason reason) {
  output.effects.refusals.push_back({request, reason});
}

void State::trace(TraceLevel level, std::string text) {
  output.effects.traces.push_back({level, std::move(text)});
}

}  // namespace raft
