#include "storage/new_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "storage/hard_state_store.h"
#include "storage/log_recovery.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr const char* kLockName = "lock";
// While it is there without an identity beside it, all the rest is worth nothing.
constexpr const char* kUnfinishedName = "unfinished";

}  // namespace

void refuse_used(FileSystem& file_system, const Path& path) {
  if (const auto identity = read_identity(file_system, path)) {
    throw Refused(
        fmt::format("{} holds node {} of cluster \"{}\": name a data directory that is "
                    "empty or not there yet",
                    path.string(), identity->node, identity->cluster));
  }
  if (!file_system.exists(path) || file_system.exists(path / kUnfinishedName)) return;
  for (const auto& name : file_system.list(path)) {
    if (name == kLockName) continue;
    throw Refused(
        fmt::format("{} is not empty, it holds {}: name a data directory that is empty or "
                    "not there yet",
                    path.string(), name));
  }
}

NewDirectory::NewDirectory(FileSystem& file_system, Path path, std::uint64_t random)
    : file_system_(file_system), path_(std::move(path)), id_(draw_directory_id(random)) {
  refuse_used(file_system_, path_);
  make_durable_directory(file_system_, path_);
  lock_ = lock_directory(file_system_, path_);
  refuse_used(file_system_, path_);  // now that nobody else can change it
  const auto remains = file_system_.list(path_);
  file_system_.open(path_ / kUnfinishedName, FileSystem::OpenMode::kCreate)->sync();
  file_system_.sync_directory(path_);
  remove_remains(remains);
  make_durable_directory(file_system_, database_path());
  snapshots_ = std::make_unique<SnapshotStore>(file_system_, path_ / "snapshots", id_);
}

void NewDirectory::remove_remains(const std::vector<std::string>& names) {
  for (const auto& name : names) {
    const Path place = path_ / name;
    if (name == kLockName || name == kUnfinishedName) continue;
    if (name == "database") {
      // Its files are no concern of the file system that the rest is written through.
      std::filesystem::remove_all(place);
    } else if (name == "log" || name == "snapshots") {
      for (const auto& file : file_system_.list(place)) file_system_.remove(place / file);
      file_system_.sync_directory(place);
    } else {
      file_system_.remove(place);
    }
  }
  file_system_.sync_directory(path_);
}

void NewDirectory::finish(const std::string& cluster, raft::NodeId node) {
  CHECK(snapshots_->newest().has_value(), "{}: no snapshot to begin with", path_.string());
  const raft::LogPosition last = snapshots_->newest()->last;
  make_durable_directory(file_system_, path_ / "log");
  const DirectoryIdentity identity{node, id_, 0, cluster};
  if (!create_segment(file_system_, path_ / "log", {identity.log_owner(), last}, 0)) {
    throw DiskFull("no room for a log in " + path_.string());
  }
  HardStateStore hard_state(file_system_, path_, true);
  hard_state.save({last.term, std::nullopt});
  write_identity(file_system_, path_, identity);
  file_system_.remove(path_ / kUnfinishedName);
}

Path beside(const Path& directory, const std::string& suffix) {
  Path normal = directory.lexically_normal();
  if (!normal.has_filename()) normal = normal.parent_path();
  return normal += suffix;
}

void refuse_unfinished(FileSystem& file_system, const Path& directory) {
  if (file_system.exists(directory / kUnfinishedName)) {
    throw Refused(
        fmt::format("{} is what `raft-actor restore` left when it was cut short: run it "
                    "again, or empty the directory",
                    directory.string()));
  }
  const Path recovered = beside(directory, kRecoveredSuffix);
  if (file_system.exists(recovered)) {
    throw Refused(
        fmt::format("{} is missing and {} is there: `raft-actor recover` was cut short; "
                    "run it again",
                    directory.string(), recovered.string()));
  }
}

}  // namespace storage
