#include "storage/snapshot_file.h"

#include <algorithm>
#include <utility>

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::uint64_t kVerifyBytes = 1 << 20;

}  // namespace

base::Result<SnapshotFileHead> read_snapshot_head(const File& file, const Path& path,
                                                  std::uint64_t owner, std::uint64_t start) {
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

SnapshotWriter::SnapshotWriter(FileSystem& file_system, Path path, raft::SnapshotHead meta,
                               std::uint64_t owner, const BlockSizes& sizes, std::uint64_t start)
    : path_(std::move(path)),
      meta_(std::move(meta)),
      owner_(owner),
      start_(start),
      file_(file_system.open(path_, FileSystem::OpenMode::kCreate)),
      content_offset_(start + encode_snapshot_head(meta_, owner).size()),
      cutter_(sizes) {}

void SnapshotWriter::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!bytes.empty()) file_->write(offset, {&bytes, 1});
}

void SnapshotWriter::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto taken = bytes.first(cutter_.take(bytes));
    block_.insert(block_.end(), taken.begin(), taken.end());
    bytes = bytes.subspan(taken.size());
    if (cutter_.at_cut()) end_block();
  }
}

void SnapshotWriter::end_block() {
  write(content_offset_ + table_.content_size(), block_);
  table_.add(block_of(block_));
  block_.clear();
  if (table_.content_size() - synced_ < kSnapshotSyncBytes) return;
  file_->sync();
  synced_ = table_.content_size();
}

void SnapshotWriter::seal() {
  if (!block_.empty()) end_block();
  meta_.size = table_.content_size();
  meta_.blocks = table_.count();
  meta_.content_checksum = table_.checksum();
  write(start_, encode_snapshot_head(meta_, owner_));
  write(content_offset_ + meta_.size, table_.encode());
  file_->sync();
}

SnapshotReader::SnapshotReader(FileSystem& file_system, Path path, std::uint64_t owner,
                               std::uint64_t start, const char* remedy)
    : path_(std::move(path)),
      remedy_(remedy),
      file_(file_system.open(path_, FileSystem::OpenMode::kReadOnly)) {
  auto head = read_snapshot_head(*file_, path_, owner, start);
  if (!head) throw Damage(path_, start, head.error(), remedy_);
  meta_ = std::move(head->meta);
  content_offset_ = head->content_offset;
  const std::uint64_t table_offset = content_offset_ + meta_.size;
  const std::uint64_t expected = table_offset + meta_.table_size();
  if (file_->size() != expected) {
    throw Damage(path_, std::min(expected, file_->size()),
                 fmt::format("the snapshot has {} bytes and should have {}", file_->size() - start,
                             expected - start),
                 remedy_);
  }
  std::vector<std::byte> bytes(meta_.table_size());
  bytes.resize(file_->read(table_offset, bytes));
  auto table = BlockTable::decode(bytes, meta_);
  if (!table) {
    throw Damage(path_, table_offset, "the table of the snapshot's blocks does not check", remedy_);
  }
  table_ = std::move(*table);
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
  const std::size_t first = table_.block_at(offset);
  const std::size_t behind = table_.block_at(end - 1) + 1;
  const std::uint64_t from = table_.begin_of(first);
  const auto size = static_cast<std::size_t>(table_.begin_of(behind) - from);
  auto buffer = std::make_shared_for_overwrite<std::byte[]>(size);
  std::byte* data = buffer.get();
  const std::size_t got = file_->read(content_offset_ + from, {data, size});
  std::size_t at = 0;
  for (std::size_t block = first; block < behind; at += table_[block].size, ++block) {
    if (at + table_[block].size > got ||
        block_of({data + at, table_[block].size}) != table_[block]) {
      throw Damage(path_, content_offset_ + from + at, "a block of the snapshot does not check",
                   remedy_);
    }
  }
  return base::SharedBytes(std::move(buffer), data, size)
      .part(static_cast<std::size_t>(offset - from), static_cast<std::size_t>(end - offset));
}

base::SharedBytes SnapshotReader::read_transfer(std::uint64_t offset,
                                                std::uint64_t max_bytes) const {
  if (offset >= meta_.table_size()) return read(offset - meta_.table_size(), max_bytes);
  constexpr std::uint64_t kEntry = raft::SnapshotHead::kTableEntryBytes;
  const std::uint64_t end = offset + std::min(max_bytes, meta_.table_size() - offset);
  const std::size_t first = offset / kEntry;
  const auto entries = table_.encode(first, (end + kEntry - 1) / kEntry);
  const auto part = std::span(entries).subspan(offset - first * kEntry, end - offset);
  return base::SharedBytes::copy_of({reinterpret_cast<const char*>(part.data()), part.size()});
}

void SnapshotReader::read_block(std::size_t block, std::vector<std::byte>& into) const {
  into.resize(table_[block].size);
  into.resize(file_->read(content_offset_ + table_.begin_of(block), into));
}

}  // namespace storage
