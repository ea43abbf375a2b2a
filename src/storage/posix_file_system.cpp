#include <fcntl.h>
#include <limits.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "storage/file_system.h"

namespace storage {
namespace {

using Path = FileSystem::Path;

[[noreturn]] void fail(const char* operation, const Path& path, int error) {
  const std::string sentence =
      std::string("cannot ") + operation + " " + path.string() + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT) throw DiskFull(sentence);
  throw DiskFault(sentence);
}

// Of a sync only a plain success is believed, and who removes wants no room.
[[noreturn]] void fail_for_good(const char* operation, const Path& path, int error) {
  throw DiskFault(std::string("cannot ") + operation + " " + path.string() + ": " +
                  std::strerror(error));
}

// The call again while a signal interrupts it.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

class Descriptor {
 public:
  Descriptor(const Path& path, int flags)
      : number_(uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0644); })) {
    if (number_ < 0) fail("open", path, errno);
  }
  ~Descriptor() { ::close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

class PosixFile : public File {
 public:
  PosixFile(Path path, int flags) : path_(std::move(path)), descriptor_(path_, flags) {}

  void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) override {
    std::vector<iovec> left;
    left.reserve(parts.size());
    for (const auto& part : parts) {
      if (!part.empty()) left.push_back({const_cast<std::byte*>(part.data()), part.size()});
    }
    std::size_t first = 0;
    while (first < left.size()) {
      const int count = static_cast<int>(std::min<std::size_t>(left.size() - first, IOV_MAX));
      const ssize_t written = uninterrupted([&] {
        return ::pwritev(descriptor_.number(), &left[first], count, static_cast<off_t>(offset));
      });
      if (written < 0) fail("write", path_, errno);
      if (written == 0) fail("write", path_, ENOSPC);
      offset += static_cast<std::uint64_t>(written);
      first = advance(left, first, static_cast<std::size_t>(written));
    }
  }

  void take_room(std::uint64_t from, std::uint64_t to) override {
    if (from >= to) return;
    const auto result = uninterrupted([&] {
      return ::fallocate(descriptor_.number(), 0, static_cast<off_t>(from),
                         static_cast<off_t>(to - from));
    });
    if (result == 0) return;
    if (errno != EOPNOTSUPP && errno != ENOSYS) fail("enlarge", path_, errno);
    File::take_room(from, to);
  }

  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = uninterrupted([&] {
        return ::pread(descriptor_.number(), into.data() + done, into.size() - done,
                       static_cast<off_t>(offset + done));
      });
      if (got < 0) fail("read", path_, errno);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  void sync() override {
    // Not repeated on EINTR.
    if (::fdatasync(descriptor_.number()) != 0) fail_for_good("sync", path_, errno);
  }

  void truncate(std::uint64_t size) override {
    const auto result =
        uninterrupted([&] { return ::ftruncate(descriptor_.number(), static_cast<off_t>(size)); });
    if (result != 0) fail("truncate", path_, errno);
  }

  [[nodiscard]] std::uint64_t size() const override {
    struct stat status {};
    if (::fstat(descriptor_.number(), &status) != 0) fail("examine", path_, errno);
    return static_cast<std::uint64_t>(status.st_size);
  }

  void start_writing(std::uint64_t offset, std::uint64_t length) override {
    static_cast<void>(::sync_file_range(descriptor_.number(), static_cast<off_t>(offset),
                                        static_cast<off_t>(length), SYNC_FILE_RANGE_WRITE));
  }

  void forget(std::uint64_t offset, std::uint64_t length) override {
    static_cast<void>(::posix_fadvise(descriptor_.number(), static_cast<off_t>(offset),
                                      static_cast<off_t>(length), POSIX_FADV_DONTNEED));
  }

  void lock() {
    const auto result =
        uninterrupted([&] { return ::flock(descriptor_.number(), LOCK_EX | LOCK_NB); });
    if (result == 0) return;
    if (errno == EWOULDBLOCK) throw LockHeld(path_.string() + " is locked by another process");
    fail("lock", path_, errno);
  }

 private:
  // The first part that is not wholly written; what is left of it.
  static std::size_t advance(std::vector<iovec>& parts, std::size_t first, std::size_t written) {
    while (first < parts.size() && written >= parts[first].iov_len) {
      written -= parts[first++].iov_len;
    }
    if (written > 0) {
      parts[first].iov_base = static_cast<std::byte*>(parts[first].iov_base) + written;
      parts[first].iov_len -= written;
    }
    return first;
  }

  Path path_;
  Descriptor descriptor_;
};

class PosixFileSystem : public FileSystem {
 public:
  [[nodiscard]] std::unique_ptr<File> open(const Path& path, OpenMode mode) override {
    int flags = O_RDONLY;
    if (mode == OpenMode::kReadWrite) flags = O_RDWR;
    if (mode == OpenMode::kCreate) flags = O_RDWR | O_CREAT;
    return std::make_unique<PosixFile>(path, flags);
  }

  [[nodiscard]] bool exists(const Path& path) const override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) return true;
    if (errno != ENOENT && errno != ENOTDIR) fail("examine", path, errno);
    return false;
  }

  [[nodiscard]] std::vector<std::string> list(const Path& directory) const override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator each(directory, error), end; !error && each != end;
         each.increment(error)) {
      names.push_back(each->path().filename().string());
    }
    if (error) fail("list", directory, error.value());
    std::sort(names.begin(), names.end());
    return names;
  }

  void make_directory(const Path& path) override {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) fail("create the directory", path, error.value());
  }

  void rename(const Path& from, const Path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) fail("rename", from, errno);
  }

  void remove(const Path& path) override {
    if (::remove(path.c_str()) != 0) fail_for_good("remove", path, errno);
  }

  void sync_directory(const Path& directory) override {
    const Path path = directory.empty() ? Path(".") : directory;
    const Descriptor descriptor(path, O_RDONLY | O_DIRECTORY);
    if (::fsync(descriptor.number()) != 0) fail_for_good("sync the directory", path, errno);
  }

  [[nodiscard]] std::unique_ptr<File> lock(const Path& path) override {
    auto file = std::make_unique<PosixFile>(path, O_RDWR | O_CREAT);
    file->lock();
    return file;
  }

  [[nodiscard]] Space space(const Path& directory) const override {
    struct statvfs status {};
    if (::statvfs(directory.c_str(), &status) != 0) fail("examine", directory, errno);
    return {std::uint64_t{status.f_blocks} * status.f_frsize,
            std::uint64_t{status.f_bavail} * status.f_frsize};
  }
};

}  // namespace

std::unique_ptr<FileSystem> posix_file_system() { return std::make_unique<PosixFileSystem>(); }

}  // namespace storage
