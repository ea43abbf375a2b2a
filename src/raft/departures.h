// Departures: servers that the configuration drops, and that may not know it. Nobody would send
// them anything any more, and they would ask for votes for ever (dissertation §4.2.3). So the
// leader feeds them on, without counting them, until they know that the configuration without them
// is committed, or do not answer. Nothing about safety depends on it.
#pragma once

#include "raft/state.h"

namespace raft {

// The newest configuration drops those that the one before it names: also where a new leader finds
// both in its log, as the one before may have had no time to tell them.
void note_departures(State& state, LeaderState& leader);
// A server asks for a pre-vote, in this term or an earlier one. If it is no member, it has missed
// that it was dropped. A later term is not followed up: its answers would unseat this leader (A6).
void note_stranger(State& state, const Peer& from, Term term);
// The clock ticked: whoever knows, or does not answer, is let go.
void end_departures(State& state, LeaderState& leader);
// Whether it is heard, though it is no member: as long as its term is not above this one (A6).
[[nodiscard]] bool is_departing(const State& state, const Peer& peer, Term term);

}  // namespace raft
