#include "inspector/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "inspector/finding.h"

namespace inspector {
namespace {

constexpr std::size_t kChunkBytes = 1 << 20;

[[noreturn]] void fail(const char* what, const Path& path, int error) {
  throw Unreadable(fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(error)));
}

int open_to_read(const Path& path) {
  // O_NOATIME is for the owner of the file alone.
  int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOATIME);
  if (descriptor < 0 && errno == EPERM) descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor >= 0) return descriptor;
  if (errno == ENOENT) throw MovedOn(path.string() + " is gone");
  fail("open", path, errno);
}

}  // namespace

File::File(Path path) : path_(std::move(path)), descriptor_(open_to_read(path_)) {
  struct stat status {};
  const bool known = ::fstat(descriptor_, &status) == 0;
  if (known && S_ISREG(status.st_mode)) {
    size_ = static_cast<std::uint64_t>(status.st_size);
    return;
  }
  const int error = known ? EISDIR : errno;
  ::close(descriptor_);
  fail("read", path_, error);
}

File::~File() { ::close(descriptor_); }

std::span<const std::byte> File::read(std::uint64_t offset, std::span<std::byte> into) const {
  const std::uint64_t there = size_ - std::min(offset, size_);
  into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), there)));
  std::size_t done = 0;
  while (done < into.size()) {
    const ssize_t got = ::pread(descriptor_, into.data() + done, into.size() - done,
                                static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got > 0) {
      done += static_cast<std::size_t>(got);
    } else if (errno != EINTR) {
      throw Unreadable(fmt::format("cannot read {}, offset {}: {}", path_.string(), offset + done,
                                   std::strerror(errno)));
    }
  }
  return into.first(done);
}

std::vector<std::byte> File::read_all() const {
  std::vector<std::byte> bytes(static_cast<std::size_t>(size_));
  bytes.resize(read(0, bytes).size());
  return bytes;
}

std::span<const std::byte> Window::at(std::uint64_t offset, std::uint64_t size) {
  size = std::min(size, file_.size() - std::min(offset, file_.size()));
  if (size == 0) return {};
  const bool inside = offset >= chunk_offset_ && offset + size <= chunk_offset_ + chunk_.size();
  if (!inside) {
    const std::uint64_t wanted =
        std::min(std::max<std::uint64_t>(size, kChunkBytes), file_.size() - offset);
    buffer_.resize(static_cast<std::size_t>(wanted));
    chunk_ = file_.read(offset, buffer_);
    chunk_offset_ = offset;
  }
  const auto part = chunk_.subspan(static_cast<std::size_t>(offset - chunk_offset_));
  return part.first(static_cast<std::size_t>(std::min<std::uint64_t>(size, part.size())));
}

std::optional<std::uint64_t> first_not_zero(Window& window, std::uint64_t from, std::uint64_t to) {
  while (from < to) {
    const auto bytes = window.at(from, std::min<std::uint64_t>(kChunkBytes, to - from));
    if (bytes.empty()) return std::nullopt;
    // Each byte is the one before it, and the first is zero: memcmp is far faster than a loop.
    const bool zero = bytes[0] == std::byte{} &&
                      std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
    if (!zero) {
      const auto found =
          std::find_if(bytes.begin(), bytes.end(), [](auto byte) { return byte != std::byte{}; });
      return from + static_cast<std::uint64_t>(found - bytes.begin());
    }
    from += bytes.size();
  }
  return std::nullopt;
}

std::optional<std::vector<std::string>> names_in(const Path& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator each(directory, error), end; !error && each != end;
       each.increment(error)) {
    names.push_back(each->path().filename().string());
  }
  if (error == std::errc::no_such_file_or_directory) return std::nullopt;
  if (error) fail("list", directory, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

bool is_there(const Path& path) {
  std::error_code error;
  const bool there = std::filesystem::exists(path, error);
  if (error) fail("examine", path, error.value());
  return there;
}

}  // namespace inspector
