// DataDirectory: one directory, one node of one cluster. Created on the first start, held by a
// lock while open, and refused where it belongs to another node or cluster.
//
//   DIR/lock        held by flock while the node runs
//   DIR/identity    cluster, node, directory id, format version, number of starts; checksummed
//   DIR/hard_state.0, DIR/hard_state.1
//   DIR/log/        the segments
//   DIR/snapshots/  the newest snapshot
//   DIR/database/   RocksDB
//   DIR/doubt, DIR/damaged/  where something was damaged: doubt.h
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "raft/types.h"
#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/identity.h"

namespace storage {

class DataDirectory {
 public:
  // `random` seeds the directory id of a new directory.
  DataDirectory(FileSystem& file_system, std::filesystem::path path, const std::string& cluster,
                raft::NodeId node, std::uint64_t random);
  ~DataDirectory();

  [[nodiscard]] bool fresh() const;  // created by this open
  // Drawn at the creation, never 0: the owner of its files, and what tells this node from one of
  // the same number on another directory (raft::Member::identity).
  [[nodiscard]] raft::Identity id() const;
  [[nodiscard]] LogOwner log_owner() const;
  [[nodiscard]] std::uint64_t starts() const;  // 1 at the first open, durable before return
  [[nodiscard]] std::filesystem::path log_path() const;
  [[nodiscard]] std::filesystem::path snapshots_path() const;
  [[nodiscard]] std::filesystem::path database_path() const;
  [[nodiscard]] const std::filesystem::path& path() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace storage
