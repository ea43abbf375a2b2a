#include "storage/file_system.h"

#include <algorithm>
#include <array>

namespace storage {

void make_durable_directory(FileSystem& file_system, const FileSystem::Path& path) {
  if (path.empty()) return;
  if (file_system.exists(path)) {
    file_system.make_directory(path);  // throws where a file stands in the way
    // Who made it may have been killed before its name was on disk.
    file_system.sync_directory(path.parent_path());
    return;
  }
  make_durable_directory(file_system, path.parent_path());
  file_system.make_directory(path);
  file_system.sync_directory(path.parent_path());
}

void File::take_room(std::uint64_t from, std::uint64_t to) {
  write_zeros(*this, std::max(from, size()), to);
}

void write_zeros(File& file, std::uint64_t from, std::uint64_t to) {
  static constexpr std::array<std::byte, 64 << 10> kZeros{};
  std::vector<std::span<const std::byte>> parts;
  for (std::uint64_t at = from; at < to; at += parts.back().size()) {
    parts.push_back(std::span(kZeros).first(std::min<std::uint64_t>(kZeros.size(), to - at)));
  }
  if (!parts.empty()) file.write(from, parts);
}

}  // namespace storage
