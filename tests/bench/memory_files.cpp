#include "memory_files.h"

#include <algorithm>
#include <utility>

namespace benchmarks {
namespace {

// More than a segment of the benchmarks, so that no file is moved while it grows.
constexpr std::size_t kReservedBytes = 8 << 20;

using Content = std::shared_ptr<std::vector<std::byte>>;

class MemoryFile final : public storage::File {
 public:
  explicit MemoryFile(Content content) : content_(std::move(content)) {}

  void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) override {
    for (const auto part : parts) {
      if (offset + part.size() > content_->size()) content_->resize(offset + part.size());
      std::copy(part.begin(), part.end(), content_->begin() + static_cast<std::ptrdiff_t>(offset));
      offset += part.size();
    }
  }
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= content_->size()) return 0;
    const std::size_t size = std::min(into.size(), content_->size() - offset);
    const auto from = content_->begin() + static_cast<std::ptrdiff_t>(offset);
    std::copy(from, from + static_cast<std::ptrdiff_t>(size), into.begin());
    return size;
  }
  void sync() override {}
  void truncate(std::uint64_t size) override { content_->resize(size); }
  [[nodiscard]] std::uint64_t size() const override { return content_->size(); }

 private:
  Content content_;
};

}  // namespace

std::unique_ptr<storage::File> MemoryFiles::open(const Path& path, OpenMode mode) {
  auto found = files_.find(path.string());
  if (found == files_.end()) {
    if (mode != OpenMode::kCreate) throw storage::DiskFault(path.string() + ": no such file");
    auto content = std::make_shared<std::vector<std::byte>>();
    content->reserve(kReservedBytes);
    found = files_.emplace(path.string(), std::move(content)).first;
  }
  return std::make_unique<MemoryFile>(found->second);
}

bool MemoryFiles::exists(const Path& path) const {
  return files_.count(path.string()) + directories_.count(path.string()) > 0;
}

void MemoryFiles::make_directory(const Path& path) {
  for (Path each = path; each != each.root_path(); each = each.parent_path()) {
    directories_.insert(each.string());
  }
}

std::vector<std::string> MemoryFiles::list(const Path& directory) const {
  std::vector<std::string> names;
  for (const auto& [name, content] : files_) {
    const Path path(name);
    if (path.parent_path() == directory) names.push_back(path.filename());
  }
  return names;
}

void MemoryFiles::rename(const Path& from, const Path& to) {
  auto moved = files_.extract(from.string());
  if (moved.empty()) throw storage::DiskFault(from.string() + ": no such file");
  files_.erase(to.string());
  moved.key() = to.string();
  files_.insert(std::move(moved));
}

void MemoryFiles::remove(const Path& path) { files_.erase(path.string()); }

std::unique_ptr<storage::File> MemoryFiles::lock(const Path& path) {
  return open(path, OpenMode::kCreate);
}

}  // namespace benchmarks
