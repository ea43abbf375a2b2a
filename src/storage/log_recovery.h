// Opening a log: a replacement that was begun is finished, every segment is read and verified, a
// torn tail is cut, all that is left is made durable; anything else that does not check throws
// Damage. Used by LogStore, and by DataDirectory for a new log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/segment.h"

namespace storage {

struct RecoveredLog {
  LogContents contents;
  std::unique_ptr<File> active;  // the last segment, open for writing, synced
  std::uint64_t torn_bytes = 0;  // cut from its end
};

// Creates the first segment where `directory` has none.
[[nodiscard]] RecoveredLog recover_log(FileSystem& file_system,
                                       const std::filesystem::path& directory, std::uint64_t owner);

// Whether `directory` holds a segment, or one that is about to replace all.
[[nodiscard]] bool log_exists(const FileSystem& file_system,
                              const std::filesystem::path& directory);

// A new segment of a header and `zeros` zero bytes, durable with its name on return. Made under
// another name and renamed, so that a segment is there with its whole header or not at all. None
// where the disk is full: then nothing is left of it.
std::unique_ptr<File> create_segment(FileSystem& file_system,
                                     const std::filesystem::path& directory,
                                     const SegmentHeader& header, std::uint64_t zeros);

// Replaces all segments by an empty one, durable on return. A crash at any moment leaves either
// the log as it was or the empty one, the latter finished by recover_log. None where the disk is
// full: then the log is as it was.
std::unique_ptr<File> replace_log(FileSystem& file_system, const std::filesystem::path& directory,
                                  const SegmentHeader& header);

// Writes zeros at [from, to).
void write_zeros(File& file, std::uint64_t from, std::uint64_t to);

}  // namespace storage
