// The small file interface under everything stored: real files in the product, a simulated disk
// in tests. Every operation that can fail throws DiskFault, which names the path and the cause;
// the caller never retries a failed sync, since the kernel may have dropped the pages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace storage {

// The disk refused or failed. While running, it ends the node.
class DiskFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// There is no room, or no more is allowed to this user (ENOSPC, EDQUOT). A write may be done in
// part, everything else is not done. Of a sync or a removal it is never said. Who wrote over bytes
// that were there already has met a fault like any other; who made room can wait until there is
// some.
class DiskFull : public DiskFault {
 public:
  using DiskFault::DiskFault;
};

// Another process holds the lock.
class LockHeld : public DiskFault {
 public:
  using DiskFault::DiskFault;
};

class File {
 public:
  virtual ~File() = default;

  // Writes all parts one after the other from `offset` (pwritev), or throws.
  virtual void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) = 0;
  // Makes the file as long as `to`, if it is shorter, and takes the room for [from, to) from the
  // disk: zeros where nothing was (fallocate; where the disk has none, by writing them behind the
  // end, and holes stay).
  virtual void take_room(std::uint64_t from, std::uint64_t to);
  // Reads up to `into.size()` bytes; fewer only at the end of the file.
  [[nodiscard]] virtual std::size_t read(std::uint64_t offset, std::span<std::byte> into) const = 0;
  // Returns when the content and the size are on disk (fdatasync).
  virtual void sync() = 0;
  virtual void truncate(std::uint64_t size) = 0;
  [[nodiscard]] virtual std::uint64_t size() const = 0;

  // Hints, which never fail.
  // What was written there may begin its way to the disk, so that the sync to come has less to do.
  virtual void start_writing(std::uint64_t offset, std::uint64_t length) {
    static_cast<void>(offset);
    static_cast<void>(length);
  }
  // Nobody will read this soon: what of it is on disk needs no memory.
  virtual void forget(std::uint64_t offset, std::uint64_t length) {
    static_cast<void>(offset);
    static_cast<void>(length);
  }
};

// Of the disk that a directory is on.
struct Space {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;  // that this process may use
};

class FileSystem {
 public:
  using Path = std::filesystem::path;
  enum class OpenMode { kReadOnly, kReadWrite, kCreate };  // kCreate: read-write, made if missing

  virtual ~FileSystem() = default;

  [[nodiscard]] virtual std::unique_ptr<File> open(const Path& path, OpenMode mode) = 0;
  [[nodiscard]] virtual bool exists(const Path& path) const = 0;
  // File names in `directory`, sorted.
  [[nodiscard]] virtual std::vector<std::string> list(const Path& directory) const = 0;
  virtual void make_directory(const Path& path) = 0;  // parents too; no error where it exists
  virtual void rename(const Path& from, const Path& to) = 0;
  virtual void remove(const Path& path) = 0;  // a file, or a directory without any
  // Returns when the names in `directory` are on disk.
  virtual void sync_directory(const Path& directory) = 0;
  // Holds `path` for this process until the result is destroyed; throws LockHeld where another
  // has it.
  [[nodiscard]] virtual std::unique_ptr<File> lock(const Path& path) = 0;
  [[nodiscard]] virtual Space space(const Path& directory) const = 0;
};

// Creates `path` and the directories above it as needed, their names on disk on return.
void make_durable_directory(FileSystem& file_system, const FileSystem::Path& path);

// Writes zeros at [from, to).
void write_zeros(File& file, std::uint64_t from, std::uint64_t to);

// Real files, by POSIX calls. EINTR is retried, short writes are continued.
[[nodiscard]] std::unique_ptr<FileSystem> posix_file_system();

}  // namespace storage
