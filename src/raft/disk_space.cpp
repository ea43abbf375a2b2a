#include "raft/disk_space.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "raft/transfer.h"

namespace raft {

void on_disk_space_changed(State& state, DiskSpace space) {
  state.disk_space = space;
  if (const auto* follower = state.as<FollowerState>(); follower && follower->leader) {
    state.send(*follower->leader, DiskSpaceReport{state.current_term(), space});
  }
  leave_full_disk(state);
}

void on_disk_space_report(State& state, const Peer& from, const DiskSpaceReport& report) {
  auto* leader = state.as<LeaderState>();
  if (leader == nullptr || report.term != state.current_term()) return;
  Progress& progress = leader->peers.at(from.id);
  progress.disk_space = report.space;
  progress.disk_space_told_at = state.now;
}

void report_disk_space(State& state, const Peer& leader) {
  if (state.disk_space == DiskSpace::kEnough) return;
  state.send(leader, DiskSpaceReport{state.current_term(), state.disk_space});
}

void forget_disk_space(State& state) {
  for (auto& [peer, progress] : state.as<LeaderState>()->peers) {
    const Milliseconds age = state.now - progress.disk_space_told_at;
    if (age >= 2 * state.options.election_timeout_ms) progress.disk_space = DiskSpace::kEnough;
  }
}

bool has_room_for_commands(const State& state) {
  if (state.disk_space != DiskSpace::kEnough) return false;
  const auto& peers = state.as<LeaderState>()->peers;
  const auto has_room = [](const auto& each) {
    return each.second.disk_space == DiskSpace::kEnough;
  };
  if (std::all_of(peers.begin(), peers.end(), has_room)) return true;
  std::set<NodeId> with_room{state.id()};
  for (const auto& each : peers) {
    if (has_room(each)) with_room.insert(each.first);
  }
  return state.quorum.is_majority(with_room);
}

std::string name_full_disks(const State& state) {
  std::set<NodeId> full;
  if (state.disk_space != DiskSpace::kEnough) full.insert(state.id());
  for (const auto& [peer, progress] : state.as<LeaderState>()->peers) {
    if (progress.disk_space != DiskSpace::kEnough) full.insert(peer);
  }
  std::string names;
  for (const NodeId node : full) names += fmt::format("{}{}", names.empty() ? "" : ", ", node);
  return fmt::format("There is no room on the disk of node{} {}; the request was not taken.",
                     full.size() == 1 ? "" : "s", names);
}

}  // namespace raft
