// SpaceGuard: watches the room on the disk of a data directory, and keeps a reserve in it: a file
// that takes room, given up when the disk is full, so that the database and a snapshot can be written
// and the log be trimmed, and made again when there is room. One owner, one thread; who owns the
// log owns this too, and looks a few times a second. docs/operations.md tells what comes of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "raft/types.h"
#include "storage/file_system.h"

namespace storage {

class SpaceGuard {
 public:
  // `reserve_bytes`: 0 keeps none, and only a refused write tells of a full disk. On a small disk
  // it is an eighth of that at most.
  SpaceGuard(FileSystem& file_system, const std::filesystem::path& directory,
             std::uint64_t reserve_bytes);

  // Looks at the disk, and makes a part of the reserve or gives it up. `refused`: a write finds no
  // room. Never throws for want of room.
  raft::DiskSpace look(bool refused);

  [[nodiscard]] raft::DiskSpace space() const { return space_; }
  [[nodiscard]] std::uint64_t free_bytes() const { return free_; }  // as seen by the last look
  [[nodiscard]] std::uint64_t wanted_bytes() const { return wanted_; }
  [[nodiscard]] std::uint64_t held_bytes() const { return held_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

  // Whether the disk, where `bytes` more are used, is far from being low on room: what is worth
  // having, and may be given back at any time, is kept only then.
  [[nodiscard]] bool has_room_beside(std::uint64_t bytes) const;

  // While nothing in `directory` is open: gives up what is kept in it, a spare segment and the
  // reserve. Whether there was any.
  static bool make_room_to_start(FileSystem& file_system, const std::filesystem::path& directory);

 private:
  [[nodiscard]] raft::DiskSpace judge(bool refused) const;
  void release();
  void grow();

  FileSystem& file_system_;
  std::filesystem::path directory_;
  std::uint64_t wanted_ = 0;
  std::uint64_t held_ = 0;  // of the reserve, in its file
  std::uint64_t free_ = 0;
  raft::DiskSpace space_ = raft::DiskSpace::kEnough;
};

}  // namespace storage
