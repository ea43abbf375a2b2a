// The room on the disks. A node with little of it takes no more commands on as a leader, and goes
// on with what is under way; one with none takes no commands from a leader either, and still votes,
// answers its leader and serves reads. A leader knows of its followers what they report.
#pragma once

#include <string>

#include "raft/state.h"

namespace raft {

void on_disk_space_changed(State& state, DiskSpace space);
void on_disk_space_report(State& state, const Peer& from, const DiskSpaceReport& report);

// A heartbeat is about to be answered.
void report_disk_space(State& state, const Peer& leader);
// The clock ticked, at a leader: what was not said again for long does not hold any more.
void forget_disk_space(State& state);

// At a leader: commands can be stored here, and at a majority.
[[nodiscard]] bool has_room_for_commands(const State& state);
// Where they cannot: a sentence for people.
[[nodiscard]] std::string name_full_disks(const State& state);

}  // namespace raft
