// LogReader: reads the entries of a log back, from the segments that hold them, every checksum
// verified. Made for one read, by LogStore, which owns all that it looks at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "raft/entry.h"
#include "storage/file_system.h"
#include "storage/segment.h"

namespace storage {

class LogReader {
 public:
  // `active`: the last segment; null while it is not open.
  LogReader(FileSystem& file_system, const std::filesystem::path& directory, std::uint64_t owner,
            const LogContents& contents, const File* active)
      : file_system_(file_system),
        directory_(directory),
        owner_(owner),
        contents_(contents),
        active_(active) {}

  // From `first` up to `last`, as many as max_bytes allow, at least one. Throws Damage.
  [[nodiscard]] std::vector<raft::Entry> read(raft::Index first, raft::Index last,
                                              std::size_t max_bytes) const;
  // The last entries, as many as max_bytes allow, at least one where there is one.
  [[nodiscard]] std::vector<raft::Entry> tail(std::size_t max_bytes) const;

 private:
  [[nodiscard]] raft::Index step_back(raft::Index end, std::uint64_t wanted) const;

  FileSystem& file_system_;
  const std::filesystem::path& directory_;
  std::uint64_t owner_;
  const LogContents& contents_;
  const File* active_;
};

// Of their records.
[[nodiscard]] std::uint64_t bytes_of(std::span<const raft::Entry> entries);

}  // namespace storage
