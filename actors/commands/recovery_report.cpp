#include "actors/commands/recovery_report.h"

#include <fmt/format.h>

#include <algorithm>

namespace commands {
namespace {

std::string describe_members(const raft::Configuration& configuration, raft::NodeId self) {
  std::string text;
  for (const raft::Member& member : configuration.members) {
    text += fmt::format("    node {}, {}{}{}\n", member.id,
                        configuration.is_voter(member.id) ? "voter, " : "learner, ", member.peer,
                        member.id == self ? ", this one" : "");
  }
  return text;
}

std::string join(const std::vector<raft::NodeId>& nodes) {
  std::string text;
  for (const raft::NodeId node : nodes) text += (text.empty() ? "" : ", ") + std::to_string(node);
  return text;
}

std::vector<raft::NodeId> others_of(const raft::Configuration& configuration, raft::NodeId self) {
  std::vector<raft::NodeId> others;
  for (const raft::Member& member : configuration.members) {
    if (member.id != self) others.push_back(member.id);
  }
  return others;
}

std::string describe_known(const settings::Settings& settings, const actors::Disk& disk,
                           const raft::Configuration& configuration) {
  const storage::LogStore& log = disk.persistence->log();
  const auto& newest = disk.snapshots->newest();
  return fmt::format(
      "node {} of cluster {}, data directory {}, identity {:016x}\n"
      "  its log ends with entry {} of term {}, its snapshot with entry {}; applied are entries up "
      "to {}\n"
      "  the members that it knows of:\n{}",
      settings.node.id, settings.node.cluster, disk.directory.path().string(), disk.directory.id(),
      log.last().index, log.last().term, newest ? newest->last.index : 0,
      disk.state_machine->applied_index(), describe_members(configuration, settings.node.id));
}

std::string describe_survivors(const std::vector<storage::Survivor>& survivors,
                               std::vector<raft::NodeId> others) {
  std::string text;
  for (const storage::Survivor& each : survivors) {
    text += fmt::format("  {}, of node {}, ends with entry {} of term {}: it knows no more\n",
                        each.path.string(), each.identity.node, each.last.index, each.last.term);
    std::erase(others, each.identity.node);
  }
  if (!others.empty()) {
    text += fmt::format(
        "  not inspected: data directories of {}; if one of them is left, stop here and name it "
        "with --members\n",
        join(others));
  }
  return text;
}

std::string describe_given_up(const actors::Disk& disk, const std::vector<raft::NodeId>& others) {
  const raft::Index applied = disk.state_machine->applied_index();
  const raft::Index last = disk.persistence->log().last_index();
  std::string text = "what is given up:\n";
  if (!others.empty()) {
    text += fmt::format(
        "  the members {}: none of their data directories can come back; they may join with empty "
        "ones\n",
        join(others));
  }
  text += fmt::format(
      "  entries after {}, which only the lost directories may have held: writes in them that were "
      "acknowledged are lost\n",
      last);
  if (last > applied) {
    text += fmt::format(
        "  the doubt about entries {} to {}, which may never have been committed: they become "
        "part of the new cluster\n",
        applied + 1, last);
  }
  return text;
}

}  // namespace

std::string describe_recovery(const settings::Settings& settings, const actors::Disk& disk,
                              const std::vector<storage::Survivor>& survivors) {
  const raft::Configuration configuration = disk.configuration().value_or(raft::Configuration{});
  const auto others = others_of(configuration, settings.node.id);
  return describe_known(settings, disk, configuration) + describe_survivors(survivors, others) +
         describe_given_up(disk, others);
}

}  // namespace commands
