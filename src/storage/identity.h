// DIR/identity: whose directory this is. docs/log-format.md specifies its bytes. It is written
// last when a directory is made: without it nothing in there has promised anything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "raft/types.h"
#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/segment_format.h"

namespace storage {

inline constexpr std::size_t kMaximumClusterSize = 4096;  // bytes of its name

// Another process holds the directory.
class InUse : public Refused {
 public:
  using Refused::Refused;
};

struct DirectoryIdentity {
  raft::NodeId node = 0;
  raft::Identity id = 0;     // of the directory
  std::uint64_t starts = 0;  // of the node, with this directory
  std::string cluster;

  [[nodiscard]] LogOwner log_owner() const;
};

[[nodiscard]] std::filesystem::path identity_path(const std::filesystem::path& directory);

// None where the directory has no identity, or is not there. Throws Damage, or Refused where the
// format is another. Changes nothing.
[[nodiscard]] std::optional<DirectoryIdentity> read_identity(
    FileSystem& file_system, const std::filesystem::path& directory);

// Durable on return.
void write_identity(FileSystem& file_system, const std::filesystem::path& directory,
                    const DirectoryIdentity& identity);

// The id of a new directory, never 0: that says elsewhere that an identity is not known.
[[nodiscard]] raft::Identity draw_directory_id(std::uint64_t random);

// Holds the directory, which is there, until the result is destroyed; throws InUse.
[[nodiscard]] std::unique_ptr<File> lock_directory(FileSystem& file_system,
                                                   const std::filesystem::path& directory);

}  // namespace storage
