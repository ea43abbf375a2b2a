#include "storage/space_guard.h"

#include <algorithm>
#include <memory>

#include "storage/spare_segment.h"

namespace storage {
namespace {

constexpr const char* kName = "reserve";
// In one look, so that no write of the log waits long for it where zeros have to be written.
constexpr std::uint64_t kSliceBytes = 1 << 20;
// Of a disk, at most.
constexpr std::uint64_t kDiskDivisor = 8;

}  // namespace

SpaceGuard::SpaceGuard(FileSystem& file_system, const std::filesystem::path& directory,
                       std::uint64_t reserve_bytes)
    : file_system_(file_system), directory_(directory) {
  const Space space = file_system_.space(directory_);
  wanted_ = std::min(reserve_bytes, space.total_bytes / kDiskDivisor);
  free_ = space.free_bytes;
  const auto path = directory_ / kName;
  if (!file_system_.exists(path)) return;
  held_ = file_system_.open(path, FileSystem::OpenMode::kReadOnly)->size();
  if (held_ > wanted_) release();
}

bool SpaceGuard::make_room_to_start(FileSystem& file_system,
                                    const std::filesystem::path& directory) {
  bool made = remove_spare(file_system, directory / "log");
  if (file_system.exists(directory / kName)) {
    file_system.remove(directory / kName);
    made = true;
  }
  return made;
}

void SpaceGuard::release() {
  if (file_system_.exists(directory_ / kName)) file_system_.remove(directory_ / kName);
  held_ = 0;
}

bool SpaceGuard::has_room_beside(std::uint64_t bytes) const {
  const std::uint64_t lacking = wanted_ - held_;
  return file_system_.space(directory_).free_bytes >= lacking + wanted_ + wanted_ / 4 + bytes;
}

raft::DiskSpace SpaceGuard::look(bool refused) {
  free_ = file_system_.space(directory_).free_bytes;
  space_ = judge(refused);
  if (space_ == raft::DiskSpace::kFull) {
    release();
  } else if (held_ < wanted_ && free_ >= wanted_ / 2 + (wanted_ - held_)) {
    grow();
  }
  return space_;
}

// What is free beyond what the reserve still lacks counts. The steps lie apart, so that a disk that
// stays where it is does not make a node go to and fro.
raft::DiskSpace SpaceGuard::judge(bool refused) const {
  const std::uint64_t lacking = wanted_ - held_;
  const std::uint64_t usable = free_ - std::min(free_, lacking);
  if (refused || free_ < wanted_ / 4) return raft::DiskSpace::kFull;
  switch (space_) {
    case raft::DiskSpace::kEnough:
      return usable < wanted_ ? raft::DiskSpace::kLow : raft::DiskSpace::kEnough;
    case raft::DiskSpace::kLow:
      return lacking == 0 && usable >= wanted_ + wanted_ / 4 ? raft::DiskSpace::kEnough
                                                             : raft::DiskSpace::kLow;
    case raft::DiskSpace::kFull:
      break;
  }
  if (wanted_ == 0) return raft::DiskSpace::kEnough;
  return usable >= wanted_ ? raft::DiskSpace::kLow : raft::DiskSpace::kFull;
}

void SpaceGuard::grow() {
  const std::uint64_t end = std::min(held_ + kSliceBytes, wanted_);
  try {
    const auto file = file_system_.open(directory_ / kName, FileSystem::OpenMode::kCreate);
    file->take_room(held_, end);
    held_ = end;
  } catch (const DiskFull&) {
    // The disk allows less than it says.
    release();
    space_ = raft::DiskSpace::kFull;
  }
}

}  // namespace storage
