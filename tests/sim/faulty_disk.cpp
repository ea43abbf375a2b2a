#include "faulty_disk.h"

#include <utility>

namespace sim {

class FaultyDisk::ReadFile final : public storage::File {
 public:
  ReadFile(FaultyDisk& disk, Path path, std::unique_ptr<storage::File> file)
      : disk_(disk), path_(std::move(path)), file_(std::move(file)) {}

  void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) override {
    file_->write(offset, parts);
  }
  [[nodiscard]] std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
    disk_.count_read(path_);
    const std::size_t got = file_->read(offset, into);
    disk_.garble(path_, into.first(got));
    return got;
  }
  void sync() override { file_->sync(); }
  void truncate(std::uint64_t size) override { file_->truncate(size); }
  [[nodiscard]] std::uint64_t size() const override { return file_->size(); }

 private:
  FaultyDisk& disk_;
  Path path_;
  std::unique_ptr<storage::File> file_;
};

void FaultyDisk::count_read(const Path& path) {
  if (reads_left_ == 0 || --reads_left_ > 0) return;
  throw storage::DiskFault("cannot read " + path.string() + ": Input/output error");
}

void FaultyDisk::garble(const Path& path, std::span<std::byte> bytes) {
  if (path != garbled_ || bytes.empty()) return;
  bytes[bytes.size() / 2] ^= std::byte{1};
  garbled_.clear();
}

std::unique_ptr<storage::File> FaultyDisk::open(const Path& path, OpenMode mode) {
  return std::make_unique<ReadFile>(*this, path, SimulatedDisk::open(path, mode));
}

}  // namespace sim
