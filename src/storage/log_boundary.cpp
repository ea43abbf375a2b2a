#include "storage/log_boundary.h"

namespace storage {

bool holds(const LogStore& log, const raft::LogPosition& point) {
  if (log.last_index() < point.index || log.base().index > point.index) return false;
  const raft::LogPosition found =
      log.base().index == point.index
          ? log.base()
          : raft::position_of(log.read(point.index, point.index, 1).front());
  return found == point;
}

raft::LogPosition last_of_both(const LogStore& log,
                               const std::optional<raft::SnapshotHead>& newest) {
  const bool behind = newest && newest->last.index >= log.base().index && !holds(log, newest->last);
  return behind ? newest->last : log.last();
}

bool join_log_to_snapshot(LogStore& log, const std::optional<raft::SnapshotHead>& newest) {
  const raft::LogPosition end = newest ? newest->last : raft::LogPosition{};
  if (log.base().index > end.index) {
    throw Damage(log.directory(), 0,
                 fmt::format("the log begins with entry {}, the newest snapshot ends with entry "
                             "{}: what is between them is missing",
                             log.first_index(), end.index));
  }
  if (holds(log, end)) return false;
  log.reset(end);
  return true;
}

}  // namespace storage
