#include <fmt/format.h>

#include <optional>

#include "actors/commands/commands.h"
#include "actors/commands/new_cluster.h"
#include "actors/commands/progress.h"
#include "actors/disk.h"
#include "storage/backup_file.h"

namespace commands {
namespace {

constexpr std::uint64_t kPartBytes = 1 << 20;

actors::Disk open_disk(storage::FileSystem& file_system, const settings::Settings& settings,
                       const actors::ActorLog& log) {
  const auto& directory = settings.node.data_directory;
  if (!storage::read_identity(file_system, directory)) {
    throw storage::Refused(
        fmt::format("{} holds no node: there is nothing to back up", directory.string()));
  }
  try {
    return {file_system, settings, log};
  } catch (const storage::InUse&) {
    throw storage::Refused(
        fmt::format("{} is in use: its node runs; back that up with `zmq-send backup FILE --to {}`",
                    directory.string(), settings.self().client));
  }
}

// Of the state machine, which is at `applied`. The configuration: the last one up to there.
std::optional<raft::SnapshotHead> head_of_state(const actors::Disk& disk) {
  const raft::Index applied = disk.state_machine->applied_index();
  const storage::LogStore& log = disk.persistence->log();
  raft::SnapshotHead head;
  head.last = log.base().index == applied
                  ? log.base()
                  : raft::position_of(log.read(applied, applied, 1).front());
  bool known = false;
  const auto& newest = disk.snapshots->newest();
  if (newest) {
    head.configuration = newest->configuration;
    known = true;
  }
  for (const auto& [index, configuration] : log.configurations()) {
    if (index > applied) break;
    if (newest && index <= newest->last.index) continue;
    head.configuration = configuration;
    known = true;
  }
  return known ? std::optional(std::move(head)) : std::nullopt;
}

void copy_state(const actors::Disk& disk, raft::SnapshotHead head,
                const storage::BackupOrigin& origin, storage::BackupWriter& writer) {
  writer.begin(origin, std::move(head), disk.directory.id());
  read_state(*disk.state_machine,
             [&](const base::SharedBytes& part) { writer.append(part.span()); });
}

void copy_snapshot(const actors::Disk& disk, const storage::BackupOrigin& origin,
                   storage::BackupWriter& writer) {
  const raft::SnapshotHead& newest = *disk.snapshots->newest();
  auto error = writer.begin_copy(origin, disk.snapshots->head());
  Progress progress("bytes of the snapshot", newest.transfer_size());
  while (!error && writer.next_offset() < newest.transfer_size()) {
    const auto part =
        disk.snapshots->read_transfer(newest.last.index, writer.next_offset(), kPartBytes);
    error = writer.add_part(part->span());
    progress.add(part->size());
  }
  if (error) throw std::runtime_error(error->message);
}

}  // namespace

void back_up(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::filesystem::path& file, bool force) {
  storage::BackupWriter writer(file_system, file, force);
  const actors::Logging logging(settings.node.id, settings.logging.level);
  const actors::Disk disk = open_disk(file_system, settings, actors::ActorLog(logging, "backup"));
  const storage::BackupOrigin origin{settings.node.cluster, settings.node.id};
  const auto& newest = disk.snapshots->newest();
  // After a crash, a snapshot of this node may be ahead of its database: all in it is committed.
  const bool of_snapshot = newest && newest->last.index > disk.state_machine->applied_index();
  if (of_snapshot) {
    copy_snapshot(disk, origin, writer);
  } else if (auto head = head_of_state(disk); head && head->last.index > 0) {
    copy_state(disk, std::move(*head), origin, writer);
  } else {
    throw storage::Refused(fmt::format("{} has applied nothing yet: there is nothing to back up",
                                       settings.node.data_directory.string()));
  }
  const raft::SnapshotHead written = writer.finish();
  fmt::print("{}: cluster {} up to index {}, {} bytes, from {}\n", file.string(),
             settings.node.cluster, written.last.index, written.size,
             settings.node.data_directory.string());
  const raft::Index last = disk.persistence->log().last_index();
  if (last > written.last.index) {
    fmt::print(
        "Entries {} to {} of its log are not in it: a node that is stopped does not know whether "
        "they are committed. A backup of a running node has all that was acknowledged.\n",
        written.last.index + 1, last);
  }
}

}  // namespace commands
