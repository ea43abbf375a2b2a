#include "raft/departures.h"

#include <algorithm>

namespace raft {
namespace {

void begin(State& state, LeaderState& leader, const Peer& peer) {
  const Departure departure{peer.identity, state.configurations.index(), state.now};
  const bool is_new = leader.departures.try_emplace(peer.id, departure).second;
  if (is_new) leader.peers.try_emplace(peer.id, Progress(state.log.last_index() + 1, state.now));
}

}  // namespace

void note_departures(State& state, LeaderState& leader) {
  const Configurations& all = state.configurations;
  if (all.index() == all.first_index()) return;
  for (const Member& member : all.at(all.index() - 1).members) {
    const bool stays = state.configuration().find(member.id) != nullptr;
    if (stays || member.id == state.id() || member.identity == 0) continue;
    begin(state, leader, {member.id, member.identity});
  }
}

void note_stranger(State& state, const Peer& from, Term term) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || term > state.current_term()) return;
  if (state.configuration().find(from.id) != nullptr) return;
  if (leader->departures.size() < kMaxMembers) begin(state, *leader, from);
}

void end_departures(State& state, LeaderState& leader) {
  for (auto each = leader.departures.begin(); each != leader.departures.end();) {
    auto& [node, departure] = *each;
    const Progress& progress = leader.peers.at(node);
    if (std::min(progress.match_index(), state.commit_index) < departure.index) {
      departure.behind_at = state.now;
    }
    // From there on each heartbeat tells what is committed, and one of them will arrive.
    const bool told = state.now - departure.behind_at >= state.options.election_timeout_ms;
    if (!told && progress.reachable) {
      ++each;
      continue;
    }
    leader.peers.erase(node);
    each = leader.departures.erase(each);
  }
}

bool is_departing(const State& state, const Peer& peer, Term term) {
  const auto* leader = state.as<LeaderState>();
  if (leader == nullptr || term > state.current_term()) return false;
  const auto departure = leader->departures.find(peer.id);
  return departure != leader->departures.end() && departure->second.identity == peer.identity;
}

}  // namespace raft
