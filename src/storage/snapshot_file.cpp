#include "storage/snapshot_file.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/checksum.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

// Content is synced as it grows, so that the last sync does not hold up the disk for long.
constexpr std::uint64_t kSyncBytes = 8 << 20;
constexpr std::uint64_t kVerifyBytes = 1 << 20;

// Of a snapshot that begins at `start`; the offset of its content is that in the file.
base::Result<SnapshotFileHead> read_head(const File& file, const Path& path, std::uint64_t owner,
                                         std::uint64_t start) {
  std::vector<std::byte> bytes(kSnapshotHeaderSize);
  bytes.resize(file.read(start, bytes));
  const auto size = snapshot_head_size(bytes);
  if (!size) return base::Error{size.error()};
  bytes.resize(*size);
  bytes.resize(file.read(start, bytes));
  if (const auto foreign = foreign_snapshot(bytes, owner)) {
    throw Refused(fmt::format("{}: {}", path.string(), *foreign));
  }
  auto head = decode_snapshot_head(bytes, owner);
  if (head) head->content_offset += start;
  return head;
}

// The checksums at the end of a file whose content has this size; fewer where the file is short.
std::vector<std::uint64_t> read_block_checksums(const File& file, std::uint64_t offset,
                                                std::uint64_t content_size) {
  const std::uint64_t from = offset + content_size;
  const std::uint64_t size = file.size();
  const std::uint64_t there = size > from ? (size - from) / sizeof(std::uint64_t) : 0;
  std::vector<std::uint64_t> checksums(std::min(there, block_count(content_size)));
  const std::size_t got = file.read(from, std::as_writable_bytes(std::span(checksums)));
  checksums.resize(got / sizeof(std::uint64_t));
  return checksums;
}

}  // namespace

SnapshotWriter::SnapshotWriter(FileSystem& file_system, Path path, raft::SnapshotHead meta,
                               std::uint64_t owner, std::uint64_t start)
    : path_(std::move(path)),
      meta_(std::move(meta)),
      owner_(owner),
      start_(start),
      file_(file_system.open(path_, FileSystem::OpenMode::kCreate)),
      content_offset_(start + encode_snapshot_head(meta_, owner).size()) {}

void SnapshotWriter::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!bytes.empty()) file_->write(offset, {&bytes, 1});
}

void SnapshotWriter::announce() {
  announced_ = true;
  file_->truncate(0);
  write(start_, encode_snapshot_head(meta_, owner_));
}

bool SnapshotWriter::resume() {
  auto head = read_head(*file_, path_, owner_, start_);
  if (!head) return false;
  announced_ = true;
  meta_ = std::move(head->meta);
  content_offset_ = head->content_offset;
  write(start_, encode_snapshot_head(meta_, owner_));
  const auto stored = read_block_checksums(*file_, content_offset_, meta_.size);
  std::vector<std::byte> block;
  for (const std::uint64_t checksum : stored) {
    block.resize(std::min(kBlockBytes, meta_.size - written_));
    const std::size_t got = file_->read(content_offset_ + written_, block);
    if (got < block.size() || base::checksum(block) != checksum) break;
    add_blocks(block);
  }
  return true;
}

void SnapshotWriter::append(std::span<const std::byte> bytes) {
  if (!rest_.empty()) {
    const std::size_t fill = std::min<std::size_t>(kBlockBytes - rest_.size(), bytes.size());
    rest_.insert(rest_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(fill));
    bytes = bytes.subspan(fill);
    if (rest_.size() < kBlockBytes) return;
    add_blocks(rest_);
    rest_.clear();
  }
  const std::size_t whole = bytes.size() - bytes.size() % kBlockBytes;
  add_blocks(bytes.first(whole));
  rest_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(whole), bytes.end());
}

void SnapshotWriter::add_blocks(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  write(content_offset_ + written_, bytes);
  const std::size_t before = block_checksums_.size();
  for (std::size_t at = 0; at < bytes.size(); at += kBlockBytes) {
    const std::size_t size = std::min<std::size_t>(kBlockBytes, bytes.size() - at);
    block_checksums_.push_back(base::checksum(bytes.subspan(at, size)));
  }
  written_ += bytes.size();
  if (announced_) {
    const auto added = std::span(block_checksums_).subspan(before);
    write(content_offset_ + meta_.size + before * sizeof(std::uint64_t), std::as_bytes(added));
  }
  if (written_ - synced_ < kSyncBytes) return;
  file_->sync();
  synced_ = written_;
}

bool SnapshotWriter::complete() {
  add_blocks(rest_);
  rest_.clear();
  const std::uint64_t checksum = content_checksum(block_checksums_);
  if (announced_) return written_ == meta_.size && checksum == meta_.content_checksum;
  meta_.size = written_;
  meta_.content_checksum = checksum;
  return true;
}

void SnapshotWriter::seal() {
  if (!announced_) {
    write(start_, encode_snapshot_head(meta_, owner_));
    write(content_offset_ + written_, std::as_bytes(std::span(block_checksums_)));
  }
  file_->sync();
}

SnapshotReader::SnapshotReader(FileSystem& file_system, Path path, std::uint64_t owner,
                               std::uint64_t start, const char* remedy)
    : path_(std::move(path)),
      remedy_(remedy),
      file_(file_system.open(path_, FileSystem::OpenMode::kReadOnly)) {
  auto head = read_head(*file_, path_, owner, start);
  if (!head) throw Damage(path_, start, head.error(), remedy_);
  meta_ = std::move(head->meta);
  content_offset_ = head->content_offset;
  const std::uint64_t checksums_offset = content_offset_ + meta_.size;
  const std::uint64_t expected = checksums_offset + block_count(meta_.size) * sizeof(std::uint64_t);
  if (file_->size() != expected) {
    throw Damage(path_, std::min(expected, file_->size()),
                 fmt::format("the snapshot has {} bytes and should have {}", file_->size() - start,
                             expected - start),
                 remedy_);
  }
  block_checksums_ = read_block_checksums(*file_, content_offset_, meta_.size);
  if (content_checksum(block_checksums_) != meta_.content_checksum) {
    throw Damage(path_, checksums_offset, "the checksums of the snapshot's blocks do not check",
                 remedy_);
  }
}

void SnapshotReader::verify(const OpeningObserver& observer) const {
  ProgressCount progress(observer, OpeningProgress::Work::kVerifySnapshot, meta_.size);
  for (std::uint64_t offset = 0; offset < meta_.size; offset += kVerifyBytes) {
    static_cast<void>(read(offset, kVerifyBytes));
    progress.reach(offset + kVerifyBytes);
  }
}

base::SharedBytes SnapshotReader::read(std::uint64_t offset, std::uint64_t max_bytes) const {
  if (offset >= meta_.size || max_bytes == 0) return {};
  const std::uint64_t end = offset + std::min(max_bytes, meta_.size - offset);
  const std::uint64_t from = offset - offset % kBlockBytes;
  const std::uint64_t to = std::min(block_count(end) * kBlockBytes, meta_.size);
  const auto size = static_cast<std::size_t>(to - from);
  auto buffer = std::make_shared_for_overwrite<std::byte[]>(size);
  std::byte* data = buffer.get();
  const std::size_t got = file_->read(content_offset_ + from, {data, size});
  for (std::size_t at = 0; at < size; at += kBlockBytes) {
    const std::size_t length = std::min<std::size_t>(kBlockBytes, size - at);
    if (at + length > got ||
        base::checksum({data + at, length}) != block_checksums_[(from + at) / kBlockBytes]) {
      throw Damage(path_, content_offset_ + from + at, "a block of the snapshot does not check",
                   remedy_);
    }
  }
  return base::SharedBytes(std::move(buffer), data, size)
      .part(static_cast<std::size_t>(offset - from), static_cast<std::size_t>(end - offset));
}

}  // namespace storage
