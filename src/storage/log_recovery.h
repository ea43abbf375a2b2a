// Opening a log: a replacement that was begun is finished, every segment is read and verified, a
// torn tail is cut, all that is left is made durable; anything else that does not check throws
// LogDamage, and can be cut off. Used by LogStore and Opening, and by DataDirectory for a new log.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/damage.h"
#include "storage/doubt.h"
#include "storage/file_system.h"
#include "storage/opening_progress.h"
#include "storage/segment.h"

namespace storage {

// Where a log was found damaged. Nothing was changed.
class LogDamage : public Damage {
 public:
  LogDamage(const Damage& damage, LogContents intact, std::vector<raft::Index> segments,
            std::size_t place)
      : Damage(damage), intact_(std::move(intact)), segments_(std::move(segments)), place_(place) {}

  // All up to the damage, in one piece; no segment at all where the first header is damaged.
  [[nodiscard]] const LogContents& intact() const { return intact_; }
  // The first indices of all segments, and the place among them of the damaged one.
  [[nodiscard]] const std::vector<raft::Index>& segments() const { return segments_; }
  [[nodiscard]] std::size_t place() const { return place_; }
  // The first entry that is damaged or lies behind the damage.
  [[nodiscard]] raft::Index first_lost() const {
    return intact_.segments().empty() ? 1 : intact_.last().index + 1;
  }

 private:
  LogContents intact_;
  std::vector<raft::Index> segments_;
  std::size_t place_;
};

struct RecoveredLog {
  LogContents contents;
  std::unique_ptr<File> active;  // the last segment, open for writing, synced
  std::uint64_t torn_bytes = 0;  // cut from its end
  bool sealed = false;           // a seal stands behind its last record
  std::string dropped;           // what was damaged in segments that a snapshot stands for
};

// Creates the first segment where `directory` has none, and removes what was being prepared. Of
// segments whose entries all lie at or before `covered`, for which a whole snapshot vouches,
// damaged ones go, with those before them. Throws LogDamage; Refused for a segment of another
// program or directory.
[[nodiscard]] RecoveredLog recover_log(FileSystem& file_system,
                                       const std::filesystem::path& directory,
                                       const LogOwner& owner, raft::Index covered,
                                       const OpeningObserver& observer);

// Cuts a damaged log after its last intact entry; what is cut off goes to `doubt`, which was marked
// before. A crash at any moment leaves a log that ends there, or is damaged as before. False: there
// was no room to keep a copy of the segment that was cut.
[[nodiscard]] bool cut_log(FileSystem& file_system, const std::filesystem::path& directory,
                           const LogDamage& damage, DoubtFile& doubt);
// All segments go there, from the end backwards.
void set_aside_log(FileSystem& file_system, const std::filesystem::path& directory,
                   DoubtFile& doubt);

// Whether `directory` holds a segment, or one that is about to replace all.
[[nodiscard]] bool log_exists(const FileSystem& file_system,
                              const std::filesystem::path& directory);

// Whether a replacement was begun that recover_log has to finish.
[[nodiscard]] bool replacement_is_under_way(const FileSystem& file_system,
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

}  // namespace storage
