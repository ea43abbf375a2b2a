// SpareSegment: the file that is to become the next segment of a log, filled with real zeros ahead
// of its use, so that no write has to wait for a file that grows. A segment that the log lets go
// of becomes the next spare where there is none. Owned by a LogStore, used by it alone.
//
// Invariant: [0, zeroed_) is nothing but zeros, on disk once all of it is. What is behind may be
// anything, such as frames of the segment that it was. Only this object knows how far the zeros go,
// so no spare outlives it: recover_log removes one that is found.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "storage/file_system.h"
#include "storage/segment_format.h"

namespace storage {

class SpareSegment {
 public:
  // `size`: of a whole one, and of the largest segment that becomes one, in bytes.
  SpareSegment(FileSystem& file_system, std::filesystem::path directory, std::uint64_t size)
      : file_system_(file_system), directory_(std::move(directory)), size_(size) {}

  // Whether the disk has room for one. Not at first; from a `false` on there is none.
  void allow(bool allowed);
  [[nodiscard]] bool is_allowed() const { return allowed_; }
  // What should be free on the disk for it to be allowed: all that it lacks. Twice its size where
  // it is not begun, so that on a disk at the edge it does not come and go.
  [[nodiscard]] std::uint64_t room_wanted() const;

  // Writes up to `bytes` more zeros, which begin their way to the disk, and begins a spare where
  // there is none; the last ones are synced, with all before them. Nothing where none is allowed. A
  // disk without room allows none.
  void prepare(std::uint64_t bytes);
  [[nodiscard]] bool exists() const { return file_ != nullptr; }
  [[nodiscard]] bool is_complete() const { return exists() && zeroed_ == size_; }

  // A complete one becomes a segment, durable with its name on return. None where the disk is full:
  // then nothing is left of the spare.
  [[nodiscard]] std::unique_ptr<File> become(const SegmentHeader& header);
  // The segment at `path` leaves the log: it becomes the spare, or is removed. Durable on return.
  void retire(const std::filesystem::path& path);
  // Whether there was one, whose room is free now. There is none until it is allowed again.
  bool give_back();

 private:
  [[nodiscard]] std::filesystem::path path() const;
  [[nodiscard]] bool can_become_spare(const std::filesystem::path& segment) const;
  [[nodiscard]] bool rename_to_spare(const std::filesystem::path& segment);

  FileSystem& file_system_;
  std::filesystem::path directory_;
  std::uint64_t size_;
  bool allowed_ = false;
  std::unique_ptr<File> file_;  // none where there is no spare
  std::uint64_t zeroed_ = 0;
};

// One that an earlier life left: nobody knows what is in it. Whether there was one.
bool remove_spare(FileSystem& file_system, const std::filesystem::path& directory);

}  // namespace storage
