#include "storage/spare_segment.h"

#include <algorithm>

#include "base/check.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr const char* kName = "spare.segment";

}  // namespace

Path SpareSegment::path() const { return directory_ / kName; }

void SpareSegment::allow(bool allowed) {
  if (!allowed) give_back();
  allowed_ = allowed;
}

std::uint64_t SpareSegment::room_wanted() const {
  if (!exists()) return 2 * size_;
  return size_ - std::min(size_, file_->size());
}

void SpareSegment::prepare(std::uint64_t bytes) {
  if (!allowed_ || is_complete()) return;
  try {
    if (!file_) file_ = file_system_.open(path(), FileSystem::OpenMode::kCreate);
    const std::uint64_t end = std::min(zeroed_ + bytes, size_);
    write_zeros(*file_, zeroed_, end);
    file_->start_writing(zeroed_, end - zeroed_);
    if (end == size_) file_->sync();
    zeroed_ = end;
  } catch (const DiskFull&) {
    give_back();
  }
}

std::unique_ptr<File> SpareSegment::become(const SegmentHeader& header) {
  CHECK(is_complete(), "a segment from {} of a spare with {} of {} zeros", header.first_index(),
        zeroed_, size_);
  const Path segment = directory_ / segment_name(header.first_index());
  const SegmentHeaderBytes bytes = encode(header);
  const std::span<const std::byte> part(bytes);
  zeroed_ = 0;
  try {
    // Whole before it has its name, as any new segment.
    file_->write(0, {&part, 1});
    file_->sync();
    file_system_.rename(path(), segment);
  } catch (const DiskFull&) {
    give_back();
    return nullptr;
  }
  file_.reset();
  file_system_.sync_directory(directory_);
  return file_system_.open(segment, FileSystem::OpenMode::kReadWrite);
}

void SpareSegment::retire(const Path& segment) {
  const bool becomes_spare = can_become_spare(segment) && rename_to_spare(segment);
  if (!becomes_spare) file_system_.remove(segment);
  // Before a zero is written over it: else a crash may leave it in the log, with a hole.
  file_system_.sync_directory(directory_);
  if (!becomes_spare) return;
  file_ = file_system_.open(path(), FileSystem::OpenMode::kReadWrite);
  zeroed_ = 0;
}

// A larger one would hold more of the disk than a spare may.
bool SpareSegment::can_become_spare(const Path& segment) const {
  return allowed_ && !exists() &&
         file_system_.open(segment, FileSystem::OpenMode::kReadOnly)->size() <= size_;
}

bool SpareSegment::rename_to_spare(const Path& segment) {
  try {
    file_system_.rename(segment, path());
    return true;
  } catch (const DiskFull&) {
    return false;
  }
}

bool SpareSegment::give_back() {
  allowed_ = false;
  file_.reset();
  zeroed_ = 0;
  if (!remove_spare(file_system_, directory_)) return false;
  // Some file systems have the room only then.
  file_system_.sync_directory(directory_);
  return true;
}

bool remove_spare(FileSystem& file_system, const Path& directory) {
  if (!file_system.exists(directory / kName)) return false;
  file_system.remove(directory / kName);
  return true;
}

}  // namespace storage
