#include "storage/data_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "storage/damage.h"
#include "storage/hard_state_store.h"
#include "storage/log_recovery.h"
#include "storage/new_directory.h"
#include "storage/space_guard.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

}  // namespace

struct DataDirectory::Implementation {
  FileSystem& file_system;
  Path path;
  std::unique_ptr<File> lock;
  DirectoryIdentity identity;
  bool fresh = false;

  Implementation(FileSystem& files, Path directory)
      : file_system(files), path(std::move(directory)) {}

  [[nodiscard]] Path log_path() const { return path / "log"; }
  [[nodiscard]] Path snapshots_path() const { return path / "snapshots"; }
  [[nodiscard]] Path database_path() const { return path / "database"; }

  // The identity comes last: as long as it is missing nothing was promised, and all is made anew.
  void create(const std::string& cluster, raft::NodeId node, std::uint64_t random) {
    refuse_remains();
    fresh = true;
    identity = {node, draw_directory_id(random), 1, cluster};
    make_durable_directory(file_system, database_path());
    make_durable_directory(file_system, snapshots_path());
    for (const auto& name : names_in(log_path())) file_system.remove(log_path() / name);
    make_durable_directory(file_system, log_path());
    if (!create_segment(file_system, log_path(), {identity.log_owner(), {}}, 0)) {
      throw DiskFull("no room for a log in " + log_path().string());
    }
    const HardStateStore hard_state(file_system, path, true);
    write_identity(file_system, path, identity);
  }

  [[nodiscard]] std::vector<std::string> names_in(const Path& directory) const {
    return file_system.exists(directory) ? file_system.list(directory) : std::vector<std::string>{};
  }

  // A28: a directory that lost its identity is not a new one. A creation that was cut short
  // leaves at most one segment without entries, a hard state of term 0, no snapshot and no
  // database.
  void refuse_remains() const {
    bool remains = !names_in(database_path()).empty() || !names_in(snapshots_path()).empty();
    for (const auto& name : names_in(log_path())) {
      const auto file = file_system.open(log_path() / name, FileSystem::OpenMode::kReadOnly);
      remains = remains || file->size() > kSegmentHeaderSize;
    }
    remains = remains || HardStateStore::term_in(file_system, path) > 0;
    if (!remains) return;
    throw Refused(
        fmt::format("{} holds the data of a node but no identity: restore {} from a "
                    "backup, or choose an empty data directory and replace this node",
                    path.string(), identity_path(path).string()));
  }

  void restore(DirectoryIdentity found, const std::string& cluster, raft::NodeId node) {
    identity = std::move(found);
    if (identity.cluster != cluster || identity.node != node) {
      throw Refused(
          fmt::format("{} belongs to node {} of cluster \"{}\", and this is node {} of "
                      "cluster \"{}\": correct the settings, or choose another data "
                      "directory",
                      path.string(), identity.node, identity.cluster, node, cluster));
    }
    if (!file_system.exists(snapshots_path())) {
      throw Damage(snapshots_path(), 0, "the snapshots are missing");
    }
    ++identity.starts;
    try {
      write_identity(file_system, path, identity);
    } catch (const DiskFull&) {
      if (!SpaceGuard::make_room_to_start(file_system, path)) throw;
      write_identity(file_system, path, identity);
    }
  }
};

DataDirectory::DataDirectory(FileSystem& file_system, std::filesystem::path path,
                             const std::string& cluster, raft::NodeId node, std::uint64_t random)
    : implementation_(std::make_unique<Implementation>(file_system, std::move(path))) {
  CHECK(cluster.size() <= kMaximumClusterSize, "a cluster name of {} bytes", cluster.size());
  auto& directory = *implementation_;
  const bool created = file_system.exists(identity_path(directory.path));
  if (!created) {
    refuse_unfinished(file_system, directory.path);
    make_durable_directory(file_system, directory.path);
  }
  directory.lock = lock_directory(file_system, directory.path);
  if (created) {
    directory.restore(*read_identity(file_system, directory.path), cluster, node);
  } else {
    directory.create(cluster, node, random);
  }
}

DataDirectory::~DataDirectory() = default;

bool DataDirectory::fresh() const { return implementation_->fresh; }
raft::Identity DataDirectory::id() const { return implementation_->identity.id; }
LogOwner DataDirectory::log_owner() const { return implementation_->identity.log_owner(); }
std::uint64_t DataDirectory::starts() const { return implementation_->identity.starts; }
std::filesystem::path DataDirectory::log_path() const { return implementation_->log_path(); }
std::filesystem::path DataDirectory::snapshots_path() const {
  return implementation_->snapshots_path();
}
std::filesystem::path DataDirectory::database_path() const {
  return implementation_->database_path();
}
const std::filesystem::path& DataDirectory::path() const { return implementation_->path; }

}  // namespace storage
