#include "storage/survivor.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/log_boundary.h"
#include "storage/log_recovery.h"
#include "storage/log_store.h"
#include "storage/snapshot_store.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

// None: a file that would have been made here, or got its name, and stays empty.
class UnchangedFile : public File {
 public:
  explicit UnchangedFile(std::unique_ptr<File> file) : file_(std::move(file)) {}

  void write(std::uint64_t, std::span<const std::span<const std::byte>>) override {}
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    return file_ ? file_->read(offset, into) : 0;
  }
  void sync() override {}
  void truncate(std::uint64_t) override {}
  [[nodiscard]] std::uint64_t size() const override { return file_ ? file_->size() : 0; }

 private:
  std::unique_ptr<File> file_;
};

class ReadOnly : public FileSystem {
 public:
  explicit ReadOnly(FileSystem& file_system) : file_system_(file_system) {}

  [[nodiscard]] std::unique_ptr<File> open(const Path& path, OpenMode mode) override {
    if (mode != OpenMode::kReadOnly && !file_system_.exists(path)) {
      return std::make_unique<UnchangedFile>(nullptr);
    }
    return std::make_unique<UnchangedFile>(file_system_.open(path, OpenMode::kReadOnly));
  }
  [[nodiscard]] bool exists(const Path& path) const override { return file_system_.exists(path); }
  [[nodiscard]] std::vector<std::string> list(const Path& directory) const override {
    return file_system_.list(directory);
  }
  void make_directory(const Path&) override {}
  void rename(const Path&, const Path&) override {}
  void remove(const Path&) override {}
  void sync_directory(const Path&) override {}
  [[nodiscard]] std::unique_ptr<File> lock(const Path&) override {
    return std::make_unique<UnchangedFile>(nullptr);
  }
  [[nodiscard]] Space space(const Path& directory) const override {
    return file_system_.space(directory);
  }

 private:
  FileSystem& file_system_;
};

// Nothing where the lock cannot be had for another reason than that it is held: on a file system
// that is mounted read-only no node runs.
std::unique_ptr<File> lock_where_possible(FileSystem& file_system, const Path& path) {
  if (!file_system.exists(path / "lock")) return nullptr;
  try {
    return lock_directory(file_system, path);
  } catch (const DiskFault&) {
    return nullptr;
  }
}

}  // namespace

Survivor inspect_survivor(FileSystem& file_system, const Path& path) {
  const auto identity = read_identity(file_system, path);
  if (!identity) {
    throw Refused(fmt::format("{} is no data directory: it has no identity", path.string()));
  }
  const auto lock = lock_where_possible(file_system, path);
  const Path log_path = path / "log";
  if (!log_exists(file_system, log_path)) throw Damage(log_path, 0, "the log is missing");
  if (replacement_is_under_way(file_system, log_path)) {
    throw Refused(
        fmt::format("{} is in the middle of a change that only a start of its node "
                    "finishes: start that node once, with nobody to talk to, and stop it",
                    log_path.string()));
  }
  const auto unchanged = read_only(file_system);
  const LogStore log(*unchanged, log_path, identity->log_owner(), {});
  std::optional<raft::SnapshotHead> newest;
  if (file_system.exists(path / "snapshots")) {
    newest = SnapshotStore(*unchanged, path / "snapshots", identity->id).newest();
  }
  return {path, *identity, last_of_both(log, newest)};
}

bool more_up_to_date(const raft::LogPosition& one, const raft::LogPosition& other) {
  return std::tie(one.term, one.index) > std::tie(other.term, other.index);
}

std::unique_ptr<FileSystem> read_only(FileSystem& file_system) {
  return std::make_unique<ReadOnly>(file_system);
}

}  // namespace storage
