// MemoryFiles: a file system that holds bytes and does nothing else, so that what is counted and
// measured is the code above it. Nothing is lost, and a sync costs nothing. One thread.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/file_system.h"

namespace benchmarks {

class MemoryFiles final : public storage::FileSystem {
 public:
  [[nodiscard]] std::unique_ptr<storage::File> open(const Path& path, OpenMode mode) override;
  [[nodiscard]] bool exists(const Path& path) const override;
  [[nodiscard]] std::vector<std::string> list(const Path& directory) const override;
  void make_directory(const Path& path) override;
  void rename(const Path& from, const Path& to) override;
  void remove(const Path& path) override;
  void sync_directory(const Path&) override {}
  [[nodiscard]] std::unique_ptr<storage::File> lock(const Path& path) override;

 private:
  std::set<std::string> directories_;
  std::map<std::string, std::shared_ptr<std::vector<std::byte>>> files_;
};

}  // namespace benchmarks
