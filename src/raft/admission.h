// Admission (A28): how nodes come to know each other's data directories before they count on them.
// The first members of a new cluster say hello until each has heard all others; then it knows the
// directory of every one, notes it on disk, and may stand, vote and acknowledge. A node whose
// directory was lost never gets there: the others greet it under the directory that they knew. It
// takes no part until it is let in again as a new member.
//
// Later the same words tell where a node is found, so that it may move.
#pragma once

#include "raft/state.h"

namespace raft {

void on_hello(State& state, const MessageReceived& event, const Hello& hello);
// The clock ticked: says hello while no leader is known, or while the members know another address.
// A leader asks new members whose directory nobody has seen yet.
void say_hello(State& state);
// A cluster of one has nobody to hear.
void admit_if_all_heard(State& state);
// From here on this node counts by it, and may stand.
void on_first_configuration_stored(State& state, Configuration configuration);

}  // namespace raft
