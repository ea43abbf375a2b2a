// Files opened to be read and for nothing else: no lock, no change, not even of a time of access
// where the system allows it. A node may write, cut and remove them meanwhile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace inspector {

using Path = std::filesystem::path;

class File {
 public:
  // Throws MovedOn where there is no such file, Unreadable where it cannot be opened.
  explicit File(Path path);
  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] const Path& path() const { return path_; }
  // When it was opened. Nothing behind it is read, so that a file which grows is read to an end.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  // Fills `into` from `offset`; the result is shorter where the file ends.
  [[nodiscard]] std::span<const std::byte> read(std::uint64_t offset,
                                                std::span<std::byte> into) const;
  [[nodiscard]] std::vector<std::byte> read_all() const;

 private:
  Path path_;
  int descriptor_;
  std::uint64_t size_ = 0;
};

// Parts of a file in rising order, read in large chunks.
class Window {
 public:
  explicit Window(const File& file) : file_(file) {}
  // `size` bytes from `offset`, or as many as the file has. Valid until the next call.
  [[nodiscard]] std::span<const std::byte> at(std::uint64_t offset, std::uint64_t size);

 private:
  const File& file_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> chunk_;
  std::uint64_t chunk_offset_ = 0;
};

// The first byte in [from, to) that is not zero.
[[nodiscard]] std::optional<std::uint64_t> first_not_zero(Window& window, std::uint64_t from,
                                                          std::uint64_t to);

// File names, sorted; none where there is no such directory.
[[nodiscard]] std::optional<std::vector<std::string>> names_in(const Path& directory);
[[nodiscard]] bool is_there(const Path& path);

}  // namespace inspector
