// Preloaded into a node by full_disk_test.py: a disk that is full for as long as the test says,
// below one folder. FULL_DISK_BELOW names the folder, FULL_DISK_FILE a file that is there while it
// is full. What stands in a file may be written over, what makes it grow finds no room, and statvfs
// says that nothing is free. Where FULL_DISK_FILE holds a number, that many bytes are said to be
// free, and everything is written.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

const char* setting(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? "" : value;
}

// Bytes that are free, or -1 where nothing limits them.
long long limit() {
  const char* name = setting("FULL_DISK_FILE");
  if (*name == '\0') return -1;
  const int file = open(name, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  char text[32] = {};
  const ssize_t size = read(file, text, sizeof text - 1);
  close(file);
  return size <= 0 ? 0 : atoll(text);
}

bool is_below(const char* path) {
  const char* folder = setting("FULL_DISK_BELOW");
  const size_t length = strlen(folder);
  return length > 0 && strncmp(path, folder, length) == 0;
}

bool is_below(int descriptor) {
  char link[64];
  char path[PATH_MAX] = {};
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  return readlink(link, path, sizeof path - 1) > 0 && is_below(path);
}

bool finds_no_room(int descriptor, long long end) {
  const int before = errno;
  struct stat status {};
  const bool none = limit() == 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                    end > static_cast<long long>(status.st_size) && is_below(descriptor);
  errno = none ? ENOSPC : before;
  return none;
}

long long length_of(const iovec* parts, int count) {
  long long bytes = 0;
  for (int i = 0; i < count; ++i) bytes += static_cast<long long>(parts[i].iov_len);
  return bytes;
}

long long place_of(int descriptor) {
  struct stat status {};
  const int flags = fcntl(descriptor, F_GETFL);
  if (flags >= 0 && (flags & O_APPEND) != 0 && fstat(descriptor, &status) == 0) {
    return static_cast<long long>(status.st_size);
  }
  return static_cast<long long>(lseek(descriptor, 0, SEEK_CUR));
}

template <typename Status>
int say_what_is_free(const char* name, const char* path, Status* status) {
  static const auto real = next<int (*)(const char*, Status*)>(name);
  const int result = real(path, status);
  const long long bytes = limit();
  if (result == 0 && bytes >= 0 && is_below(path)) {
    status->f_bavail = status->f_bfree = static_cast<fsblkcnt_t>(bytes) / status->f_frsize;
  }
  return result;
}

}  // namespace

extern "C" {

ssize_t write(int descriptor, const void* bytes, size_t size) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t)>("write");
  const long long place = limit() == 0 ? place_of(descriptor) : -1;
  if (place >= 0 && finds_no_room(descriptor, place + static_cast<long long>(size))) return -1;
  return real(descriptor, bytes, size);
}

ssize_t pwrite64(int descriptor, const void* bytes, size_t size, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  if (finds_no_room(descriptor, offset + static_cast<long long>(size))) return -1;
  return real(descriptor, bytes, size, offset);
}

ssize_t pwritev64(int descriptor, const iovec* parts, int count, off64_t offset) {
  static const auto real = next<ssize_t (*)(int, const iovec*, int, off64_t)>("pwritev64");
  if (finds_no_room(descriptor, offset + length_of(parts, count))) return -1;
  return real(descriptor, parts, count, offset);
}

int fallocate64(int descriptor, int mode, off64_t offset, off64_t length) {
  static const auto real = next<int (*)(int, int, off64_t, off64_t)>("fallocate64");
  if (finds_no_room(descriptor, offset + length)) return -1;
  return real(descriptor, mode, offset, length);
}

int statvfs64(const char* path, struct statvfs64* status) __THROW {
  return say_what_is_free("statvfs64", path, status);
}

// Under the names that programs use which are not built for large files.
ssize_t plain_pwrite(int, const void*, size_t, off64_t) __asm__("pwrite");
ssize_t plain_pwrite(int descriptor, const void* bytes, size_t size, off64_t offset) {
  return pwrite64(descriptor, bytes, size, offset);
}

int plain_statvfs(const char*, struct statvfs64*) __asm__("statvfs");
int plain_statvfs(const char* path, struct statvfs64* status) { return statvfs64(path, status); }

}  // extern "C"
