#include "storage/doubt.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/checksum.h"
#include "base/little_endian.h"

namespace storage {
namespace {

constexpr std::uint64_t kMagic = 0x7462642d74666172;  // "raft-dbt"
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFixedSize = 40;
constexpr std::size_t kMaximumReasonSize = 4096;
constexpr std::size_t kChecksummedFrom = 8;
constexpr std::size_t kCopyBytes = 1 << 20;

std::vector<std::byte> encode(const Doubt& doubt, std::uint64_t owner) {
  const std::string reason = doubt.reason.substr(0, kMaximumReasonSize);
  std::vector<std::byte> bytes(kFixedSize + reason.size());
  base::store_little_endian(bytes.data() + 8, kMagic);
  base::store_little_endian(bytes.data() + 16, kVersion);
  base::store_little_endian(bytes.data() + 20, static_cast<std::uint32_t>(reason.size()));
  base::store_little_endian(bytes.data() + 24, owner);
  base::store_little_endian(bytes.data() + 32, doubt.from);
  std::copy_n(reinterpret_cast<const std::byte*>(reason.data()), reason.size(),
              bytes.begin() + kFixedSize);
  base::store_little_endian(bytes.data(),
                            base::checksum(std::span(bytes).subspan(kChecksummedFrom)));
  return bytes;
}

void write_all(File& file, std::uint64_t offset, std::span<const std::byte> bytes) {
  file.write(offset, {&bytes, 1});
}

}  // namespace

DoubtFile::DoubtFile(FileSystem& file_system, std::filesystem::path directory, std::uint64_t owner)
    : file_system_(file_system), directory_(std::move(directory)), owner_(owner) {
  // Names may be known to the page cache alone: that of the doubt, though what it stands for is cut
  // already, and those of files that were set aside, which would come back to where they were.
  if (file_system_.exists(aside())) file_system_.sync_directory(aside());
  if (!file_system_.exists(path())) return;
  current_ = read();
  file_system_.sync_directory(directory_);
}

Doubt DoubtFile::read() const {
  const auto file = file_system_.open(path(), FileSystem::OpenMode::kReadOnly);
  std::vector<std::byte> bytes(kFixedSize + kMaximumReasonSize);
  bytes.resize(file->read(0, bytes));
  const bool checks =
      bytes.size() >= kFixedSize &&
      base::load_little_endian<std::uint64_t>(bytes.data()) ==
          base::checksum(std::span(bytes).subspan(kChecksummedFrom)) &&
      base::load_little_endian<std::uint64_t>(bytes.data() + 8) == kMagic &&
      base::load_little_endian<std::uint32_t>(bytes.data() + 16) == kVersion &&
      base::load_little_endian<std::uint32_t>(bytes.data() + 20) == bytes.size() - kFixedSize &&
      base::load_little_endian<std::uint64_t>(bytes.data() + 24) == owner_;
  if (!checks) return {1, path().string() + " says so, and does not check itself"};
  return {base::load_little_endian<raft::Index>(bytes.data() + 32),
          {reinterpret_cast<const char*>(bytes.data()) + kFixedSize, bytes.size() - kFixedSize}};
}

void DoubtFile::mark(Doubt doubt) {
  if (current_) doubt.from = std::min(doubt.from, current_->from);
  const auto bytes = encode(doubt, owner_);
  const auto file = file_system_.open(path(), FileSystem::OpenMode::kCreate);
  file->truncate(0);
  write_all(*file, 0, bytes);
  file->sync();
  file_system_.sync_directory(directory_);
  current_ = std::move(doubt);
}

void DoubtFile::set_aside(const std::filesystem::path& file) {
  make_durable_directory(file_system_, aside());
  file_system_.rename(file, aside() / file.filename());
  file_system_.sync_directory(aside());
  file_system_.sync_directory(file.parent_path());
}

bool DoubtFile::keep_copy(const std::filesystem::path& file) {
  try {
    copy_aside(file);
    return true;
  } catch (const DiskFull&) {
    const auto copy = aside() / file.filename();
    if (file_system_.exists(copy)) file_system_.remove(copy);
    return false;
  }
}

void DoubtFile::copy_aside(const std::filesystem::path& file) {
  make_durable_directory(file_system_, aside());
  const auto from = file_system_.open(file, FileSystem::OpenMode::kReadOnly);
  const auto to = file_system_.open(aside() / file.filename(), FileSystem::OpenMode::kCreate);
  to->truncate(0);
  std::vector<std::byte> buffer(std::min<std::uint64_t>(kCopyBytes, from->size()));
  std::uint64_t at = 0;
  while (const std::size_t got = from->read(at, buffer)) {
    write_all(*to, at, std::span(buffer).first(got));
    at += got;
  }
  to->sync();
  file_system_.sync_directory(aside());
}

void DoubtFile::forget_set_aside() {
  if (!file_system_.exists(aside())) return;
  for (const auto& name : file_system_.list(aside())) file_system_.remove(aside() / name);
  file_system_.remove(aside());
  file_system_.sync_directory(directory_);
}

void DoubtFile::settle() {
  if (current_) {
    file_system_.remove(path());
    file_system_.sync_directory(directory_);
    current_.reset();
  }
  forget_set_aside();
}

}  // namespace storage
