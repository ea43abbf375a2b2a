#include "storage/snapshot_receiver.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace storage {
namespace {

using Path = std::filesystem::path;

// No part is larger.
constexpr std::uint64_t kMostWanted = 64 << 20;

}  // namespace

SnapshotReceiver::SnapshotReceiver(FileSystem& file_system, Path path, raft::SnapshotHead head,
                                   std::uint64_t owner, std::uint64_t start)
    : path_(std::move(path)),
      meta_(std::move(head)),
      owner_(owner),
      start_(start),
      file_(file_system.open(path_, FileSystem::OpenMode::kCreate)),
      content_offset_(start + encode_snapshot_head(meta_, owner).size()) {}

void SnapshotReceiver::write(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (!bytes.empty()) file_->write(offset, {&bytes, 1});
  unsynced_ += bytes.size();
  if (unsynced_ >= kSnapshotSyncBytes) seal();
}

void SnapshotReceiver::begin() {
  file_->truncate(0);
  write(start_, encode_snapshot_head(meta_, owner_));
}

bool SnapshotReceiver::resume() {
  auto head = read_snapshot_head(*file_, path_, owner_, start_);
  if (!head) return false;
  meta_ = std::move(head->meta);
  content_offset_ = head->content_offset;
  if (file_->size() != content_offset_ + meta_.transfer_size()) return false;
  table_bytes_.resize(meta_.table_size());
  table_bytes_.resize(file_->read(content_offset_ + meta_.size, table_bytes_));
  write(start_, encode_snapshot_head(meta_, owner_));
  return adopt_table(Place::kPerhapsHere);
}

bool SnapshotReceiver::adopt_table(Place place) {
  table_ = BlockTable::decode(table_bytes_, meta_);
  if (!table_) return false;
  write(content_offset_ + meta_.size, table_bytes_);
  table_bytes_ = {};
  places_.assign(table_->count(), place);
  missing_ = table_->count();
  place_blocks();
  return true;
}

void SnapshotReceiver::look_up(const SnapshotReader* own) {
  own_ = own;
  own_blocks_.resize(own == nullptr ? 0 : own->table().count());
  std::iota(own_blocks_.begin(), own_blocks_.end(), std::size_t{0});
  std::sort(own_blocks_.begin(), own_blocks_.end(), [&](std::size_t left, std::size_t right) {
    return own_->table()[left] < own_->table()[right];
  });
  if (table_) place_blocks();
}

std::optional<std::size_t> SnapshotReceiver::in_own(const Block& block) const {
  const auto found = std::lower_bound(
      own_blocks_.begin(), own_blocks_.end(), block,
      [&](std::size_t each, const Block& sought) { return own_->table()[each] < sought; });
  if (found == own_blocks_.end() || own_->table()[*found] != block) return std::nullopt;
  return *found;
}

SnapshotReceiver::Place SnapshotReceiver::place_of(const Block& block) const {
  return in_own(block) ? Place::kOwn : Place::kWanted;
}

// Of all that are not here: whether they can be copied.
void SnapshotReceiver::place_blocks() {
  to_copy_ = 0;
  copy_from_ = 0;
  for (std::size_t block = 0; block < places_.size(); ++block) {
    Place& place = places_[block];
    if (place == Place::kHere) continue;
    if (place != Place::kPerhapsHere) place = place_of((*table_)[block]);
    if (place != Place::kWanted) to_copy_ += (*table_)[block].size;
  }
  find_wanted(0);
}

void SnapshotReceiver::find_wanted(std::size_t from) {
  const auto begin = places_.begin() + static_cast<std::ptrdiff_t>(from);
  const auto found = std::find(begin, places_.end(), Place::kWanted);
  const auto wanted = static_cast<std::size_t>(found - places_.begin());
  // What has come in part was of the block that was wanted first.
  if (wanted != first_wanted_) partial_.clear();
  first_wanted_ = wanted;
}

bool SnapshotReceiver::add(std::uint64_t offset, std::span<const std::byte> bytes) {
  const bool fits =
      offset <= meta_.transfer_size() && bytes.size() <= meta_.transfer_size() - offset;
  if (!table_) {
    if (!fits || offset != table_bytes_.size()) bytes = {};
    const auto part =
        bytes.first(std::min<std::size_t>(bytes.size(), meta_.table_size() - table_bytes_.size()));
    if (!add_table(part)) return false;
    if (!table_) return true;
    bytes = bytes.subspan(part.size());
    offset = meta_.table_size();
  }
  if (fits && offset >= meta_.table_size()) add_content(offset - meta_.table_size(), bytes);
  return true;
}

bool SnapshotReceiver::add_table(std::span<const std::byte> bytes) {
  table_bytes_.insert(table_bytes_.end(), bytes.begin(), bytes.end());
  return table_bytes_.size() < meta_.table_size() || adopt_table(Place::kWanted);
}

void SnapshotReceiver::add_content(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::size_t block = table_->block_at(offset);
    const std::uint64_t rest = table_->begin_of(block + 1) - offset;
    const auto part = bytes.first(std::min<std::uint64_t>(rest, bytes.size()));
    add_to_block(block, offset - table_->begin_of(block), part);
    offset += part.size();
    bytes = bytes.subspan(part.size());
  }
}

void SnapshotReceiver::add_to_block(std::size_t block, std::uint64_t within,
                                    std::span<const std::byte> bytes) {
  if (places_[block] != Place::kWanted) return;
  const std::size_t size = (*table_)[block].size;
  if (bytes.size() == size) {
    keep(block, bytes);
  } else if (block == first_wanted_ && within == partial_.size()) {
    partial_.insert(partial_.end(), bytes.begin(), bytes.end());
    if (partial_.size() < size) return;
    if (!keep(block, partial_)) partial_.clear();
  }
  find_wanted(first_wanted_);
}

bool SnapshotReceiver::keep(std::size_t block, std::span<const std::byte> bytes) {
  if (block_of(bytes) != (*table_)[block]) return false;
  write(content_offset_ + table_->begin_of(block), bytes);
  places_[block] = Place::kHere;
  --missing_;
  return true;
}

void SnapshotReceiver::copy(std::uint64_t max_bytes) {
  std::uint64_t done = 0;
  for (; copy_from_ < places_.size() && done < max_bytes; ++copy_from_) {
    if (places_[copy_from_] == Place::kHere || places_[copy_from_] == Place::kWanted) continue;
    const std::uint64_t size = (*table_)[copy_from_].size;
    if (places_[copy_from_] == Place::kPerhapsHere) look_at_file(copy_from_);
    if (places_[copy_from_] == Place::kOwn) copy_own(copy_from_);
    done += size;
    to_copy_ -= size;
    if (places_[copy_from_] == Place::kWanted) find_wanted(std::min(first_wanted_, copy_from_));
  }
}

void SnapshotReceiver::look_at_file(std::size_t block) {
  std::vector<std::byte> bytes((*table_)[block].size);
  bytes.resize(file_->read(content_offset_ + table_->begin_of(block), bytes));
  if (!keep(block, bytes)) places_[block] = place_of((*table_)[block]);
}

void SnapshotReceiver::copy_own(std::size_t block) {
  std::vector<std::byte> bytes;
  own_->read_block(*in_own((*table_)[block]), bytes);
  if (keep(block, bytes)) {
    copied_ += bytes.size();
  } else {
    places_[block] = Place::kWanted;
  }
}

std::uint64_t SnapshotReceiver::next_offset() const {
  if (!table_) return table_bytes_.size();
  return meta_.table_size() + table_->begin_of(first_wanted_) + partial_.size();
}

std::uint64_t SnapshotReceiver::wanted() const {
  if (!table_) return meta_.table_size() - table_bytes_.size();
  std::uint64_t bytes = 0;
  for (std::size_t block = first_wanted_; block < places_.size() && bytes < kMostWanted; ++block) {
    if (places_[block] != Place::kWanted) break;
    bytes += (*table_)[block].size;
  }
  return bytes - partial_.size();
}

void SnapshotReceiver::seal() {
  file_->sync();
  unsynced_ = 0;
}

}  // namespace storage
