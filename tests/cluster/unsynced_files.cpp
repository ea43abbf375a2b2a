// Preloaded into a node (LD_PRELOAD), it makes the end of the process a failure of the power: what
// was written to a file and not synced is in this process's memory alone, and gone with it. What
// is synced goes to the real file. So SIGKILL loses all that was not synced, at every node at once.
//
// It covers the files below the folder UNSYNCED_FILES, but those of the database, which RocksDB
// writes in its own ways. Names are not held back: a file that was made or renamed is there.
// While the file UNSYNCED_FILES_FAIL exists, every sync of a covered file fails with EIO, and what
// it should have written is lost, as Linux does it (A16). While the file UNSYNCED_FILES_HANG exists,
// no sync of a covered file ends.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace {

template <typename Function>
Function next(const char* name, Function) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
#define NEXT(function) next(#function, &::function)

// A file as this process sees it, while that is not what is on disk.
struct Unsynced {
  std::vector<char> content;
  std::size_t changed_from = SIZE_MAX;
  std::size_t changed_to = 0;
};

using FileNumber = std::pair<dev_t, ino_t>;

struct Files {
  std::mutex mutex;
  std::map<int, FileNumber> covered;  // by descriptor
  std::map<FileNumber, Unsynced> unsynced;
};

Files& files() {
  static Files* all = new Files;  // outlives every destructor that may close a file
  return *all;
}

bool is_covered(const char* path) {
  static const char* folder = std::getenv("UNSYNCED_FILES");
  if (folder == nullptr) return false;
  const std::string name(path);
  return name.starts_with(folder) && name.find("/database/") == std::string::npos &&
         !name.ends_with("/lock");
}

bool syncs_fail() {
  static const char* flag = std::getenv("UNSYNCED_FILES_FAIL");
  return flag != nullptr && ::access(flag, F_OK) == 0;
}

void wait_while_syncs_hang() {
  static const char* flag = std::getenv("UNSYNCED_FILES_HANG");
  while (flag != nullptr && ::access(flag, F_OK) == 0) ::usleep(10'000);
}

void cover(int descriptor) {
  struct stat64 status {};
  if (NEXT(fstat64)(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) return;
  files().covered[descriptor] = {status.st_dev, status.st_ino};
}

const FileNumber* covered(int descriptor) {
  const auto found = files().covered.find(descriptor);
  return found == files().covered.end() ? nullptr : &found->second;
}

// What is on disk, to be changed in memory.
Unsynced& unsynced(int descriptor, const FileNumber& number) {
  const auto [place, added] = files().unsynced.try_emplace(number);
  Unsynced& file = place->second;
  if (!added) return file;
  struct stat64 status {};
  if (NEXT(fstat64)(descriptor, &status) != 0) std::abort();
  file.content.resize(static_cast<std::size_t>(status.st_size));
  const auto got = NEXT(pread64)(descriptor, file.content.data(), file.content.size(), 0);
  if (got != static_cast<ssize_t>(file.content.size())) std::abort();
  return file;
}

// The content and the size as they are in memory, to the real file.
int write_back(int descriptor, const FileNumber& number) {
  const auto found = files().unsynced.find(number);
  if (found == files().unsynced.end()) return 0;
  Unsynced& file = found->second;
  if (NEXT(ftruncate64)(descriptor, static_cast<off64_t>(file.content.size())) != 0) return -1;
  const std::size_t end = std::min(file.changed_to, file.content.size());
  for (std::size_t at = file.changed_from; at < end;) {
    const auto done =
        NEXT(pwrite64)(descriptor, &file.content[at], end - at, static_cast<off64_t>(at));
    if (done < 0) return -1;
    at += static_cast<std::size_t>(done);
  }
  file.changed_from = SIZE_MAX;
  file.changed_to = 0;
  return 0;
}

// Another file may get the number of one that is gone.
void forget(const char* path) {
  struct stat64 status {};
  if (!is_covered(path) || NEXT(stat64)(path, &status) != 0) return;
  files().unsynced.erase({status.st_dev, status.st_ino});
}

bool is_covered(int descriptor) {
  const std::lock_guard lock(files().mutex);
  return covered(descriptor) != nullptr;
}

int sync(int descriptor, int (*call)(int)) {
  if (is_covered(descriptor)) wait_while_syncs_hang();
  const std::lock_guard lock(files().mutex);
  const FileNumber* number = covered(descriptor);
  if (number != nullptr) {
    if (syncs_fail()) {
      files().unsynced.erase(*number);
      errno = EIO;
      return -1;
    }
    if (write_back(descriptor, *number) != 0) return -1;
  }
  return call(descriptor);
}

}  // namespace

extern "C" {

int open64(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list arguments;
    va_start(arguments, flags);
    mode = va_arg(arguments, mode_t);
    va_end(arguments);
  }
  const int descriptor = NEXT(open64)(path, flags, mode);
  if (descriptor >= 0 && is_covered(path)) {
    const std::lock_guard lock(files().mutex);
    cover(descriptor);
  }
  return descriptor;
}

int close(int descriptor) {
  const std::lock_guard lock(files().mutex);
  files().covered.erase(descriptor);
  return NEXT(close)(descriptor);
}

ssize_t pread64(int descriptor, void* into, size_t size, off64_t offset) {
  const std::lock_guard lock(files().mutex);
  const FileNumber* number = covered(descriptor);
  const auto found = number == nullptr ? files().unsynced.end() : files().unsynced.find(*number);
  if (found == files().unsynced.end()) return NEXT(pread64)(descriptor, into, size, offset);
  const auto& content = found->second.content;
  const std::size_t from = std::min(static_cast<std::size_t>(offset), content.size());
  const std::size_t length = std::min(size, content.size() - from);
  std::memcpy(into, content.data() + from, length);
  return static_cast<ssize_t>(length);
}

ssize_t pwritev64(int descriptor, const struct iovec* parts, int count, off64_t offset) {
  const std::lock_guard lock(files().mutex);
  const FileNumber* number = covered(descriptor);
  if (number == nullptr) return NEXT(pwritev64)(descriptor, parts, count, offset);
  Unsynced& file = unsynced(descriptor, *number);
  std::size_t at = static_cast<std::size_t>(offset);
  file.changed_from = std::min(file.changed_from, at);
  for (int i = 0; i < count; ++i) {
    const std::size_t length = parts[i].iov_len;
    file.content.resize(std::max(file.content.size(), at + length));
    std::memcpy(file.content.data() + at, parts[i].iov_base, length);
    at += length;
  }
  file.changed_to = std::max(file.changed_to, at);
  return static_cast<ssize_t>(at) - static_cast<ssize_t>(offset);
}

int ftruncate64(int descriptor, off64_t size) {
  const std::lock_guard lock(files().mutex);
  const FileNumber* number = covered(descriptor);
  if (number == nullptr) return NEXT(ftruncate64)(descriptor, size);
  Unsynced& file = unsynced(descriptor, *number);
  file.changed_from = std::min(file.changed_from, static_cast<std::size_t>(size));
  file.changed_to = std::max(file.changed_to, file.content.size());
  file.content.resize(static_cast<std::size_t>(size));
  return 0;
}

int fstat64(int descriptor, struct stat64* status) {
  const std::lock_guard lock(files().mutex);
  const int result = NEXT(fstat64)(descriptor, status);
  const FileNumber* number = covered(descriptor);
  if (result != 0 || number == nullptr) return result;
  const auto found = files().unsynced.find(*number);
  if (found == files().unsynced.end()) return result;
  status->st_size = static_cast<off64_t>(found->second.content.size());
  return result;
}

int unlink(const char* path) {
  const std::lock_guard lock(files().mutex);
  forget(path);
  return NEXT(unlink)(path);
}

int rename(const char* from, const char* to) {
  const std::lock_guard lock(files().mutex);
  forget(to);
  return NEXT(rename)(from, to);
}

int fdatasync(int descriptor) { return sync(descriptor, NEXT(fdatasync)); }
int fsync(int descriptor) { return sync(descriptor, NEXT(fsync)); }

}  // extern "C"
