#include "raft/repair.h"

#include <algorithm>

namespace raft {
namespace {

// Without a leader, people are told after so many election timeouts, and again.
constexpr Milliseconds kTellFirst = 10;
constexpr Milliseconds kTellEvery = 30;
// A member that has not asked for so many election timeouts is in doubt no more, or gone.
constexpr Milliseconds kBelievedFor = 3;

void tell_what_is_missing(State& state, Doubt& doubt) {
  const Milliseconds timeout = state.options.election_timeout_ms;
  if (doubt.tell_at == 0) doubt.tell_at = state.now + kTellFirst * timeout;
  if (state.now < doubt.tell_at) return;
  doubt.tell_at = state.now + kTellEvery * timeout;
  state.trace(TraceLevel::kWarning,
              fmt::format("does not vote, as it lost entries from {} on, and hears no leader that "
                          "has them: its log ends at {}; a majority of the voters that vouch for "
                          "their logs has to be there",
                          doubt.from, state.log.last_index()));
}

}  // namespace

void ask_for_repair(State& state) {
  if (!state.doubt) return;
  Doubt& doubt = *state.doubt;
  const auto leader = state.leader();
  if (!leader) {
    tell_what_is_missing(state, doubt);
    return;
  }
  doubt.tell_at = 0;
  const bool is_new = doubt.asked_in != state.current_term();
  if (!is_new && state.now < doubt.ask_at) return;
  doubt.asked_in = state.current_term();
  doubt.ask_at = state.now + state.options.election_timeout_ms;
  const Index proven = proven_index(state);
  state.send(*leader, RepairRequest{state.current_term(), doubt.nonce, proven});
  if (!is_new) return;
  state.trace(TraceLevel::kInformation,
              fmt::format("asks node {} for entries from {} on, as it cannot vouch for its log "
                          "from entry {} on",
                          *leader, proven + 1, doubt.from));
}

void prove_log(State& state, Index matched) {
  if (state.doubt) state.doubt->proven = std::max(state.doubt->proven, matched);
}

Index proven_index(const State& state) {
  const Index last = state.log.last_index();
  if (!state.doubt) return last;
  return std::min(last, std::max(state.doubt->proven, state.log.base().index));
}

void on_repair_reply(State& state, const Peer& from, const RepairReply& reply) {
  // The nonce is of this start: what a leader's log held at an earlier one says nothing.
  if (!state.doubt || reply.nonce != state.doubt->nonce) return;
  if (reply.term != state.current_term() || state.leader() != from.id) return;
  auto& target = state.doubt->target;
  target = std::min(reply.last_index, target.value_or(reply.last_index));
}

void settle_doubt(State& state) {
  if (!state.doubt || !state.doubt->target || state.doubt->order) return;
  if (state.settled_index() < *state.doubt->target) return;
  state.output.settles_doubt = true;
}

void end_doubt_if_settled(State& state, std::uint64_t number) {
  if (!state.doubt || !state.doubt->order || number < *state.doubt->order) return;
  state.doubt.reset();
  state.trace(TraceLevel::kInformation,
              fmt::format("vouches for its log again, up to entry {}", state.settled_index()));
}

void on_repair_request(State& state, const Peer& from, const RepairRequest& request) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || !state.is_member(from)) return;
  Progress& progress = leader->peers.at(from.id);
  progress.doubted_at = state.now;
  progress.doubted = true;
  // A late acknowledgement from before may raise what is believed of it once more, until it asks
  // again: it was true when it was given, and it is counted as repair.h says.
  if (request.last_index < progress.match_index()) {
    state.trace(TraceLevel::kWarning,
                fmt::format("node {} has lost entries from {} on, which it had acknowledged up to "
                            "{}: sends them again",
                            from.id, request.last_index + 1, progress.match_index()));
    progress.on_lost(request.last_index);
  }
  state.send(from, RepairReply{state.current_term(), request.nonce, state.log.last_index()});
}

bool is_in_doubt(const State& state, const Progress& progress) {
  return progress.doubted &&
         state.now - progress.doubted_at < kBelievedFor * state.options.election_timeout_ms;
}

}  // namespace raft
