// NewDirectory: a data directory that does not begin empty: with a snapshot, and nothing behind it.
// It has an identity of its own, so that nobody takes it for the directory that its content came
// from (A28). The identity comes last: until finish() has returned there is no usable directory,
// a start of the node refuses what is there, and another NewDirectory begins anew.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "storage/file_system.h"
#include "storage/identity.h"
#include "storage/snapshot_store.h"

namespace storage {

class NewDirectory {
 public:
  // `path` is not there, is empty, or is what an earlier one left unfinished; else throws Refused,
  // and changes nothing. Held by a lock. `random` seeds the directory id.
  NewDirectory(FileSystem& file_system, std::filesystem::path path, std::uint64_t random);

  [[nodiscard]] raft::Identity id() const { return id_; }
  // An empty directory, to be filled with the state that the snapshot holds.
  [[nodiscard]] std::filesystem::path database_path() const { return path_ / "database"; }
  // To be given the snapshot.
  [[nodiscard]] SnapshotStore& snapshots() { return *snapshots_; }

  // The log begins behind the snapshot, which is there now; the term is that of its last entry,
  // with no vote in it. On return the directory is whole and durable.
  void finish(const std::string& cluster, raft::NodeId node);

 private:
  void remove_remains(const std::vector<std::string>& names);

  FileSystem& file_system_;
  std::filesystem::path path_;
  raft::Identity id_;
  std::unique_ptr<File> lock_;
  std::unique_ptr<SnapshotStore> snapshots_;
};

// Throws Refused where `directory` holds anything that NewDirectory would not begin anew.
void refuse_used(FileSystem& file_system, const std::filesystem::path& directory);

// `directory` with `suffix` behind its name, beside it.
[[nodiscard]] std::filesystem::path beside(const std::filesystem::path& directory,
                                           const std::string& suffix);

// Behind the name of a directory: what a recovery makes of it, and where it keeps the old one.
inline constexpr const char* kRecoveredSuffix = ".recovered";
inline constexpr const char* kBeforeRecoverySuffix = ".before-recovery";

// Throws Refused where a restore into `directory`, or a recovery of it, was cut short: a node must
// not begin empty there. For a directory without identity.
void refuse_unfinished(FileSystem& file_system, const std::filesystem::path& directory);

}  // namespace storage
