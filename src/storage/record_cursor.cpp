#include "storage/record_cursor.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>

#include "base/checksum.h"
#include "base/little_endian.h"

namespace storage {
namespace {

constexpr std::size_t kScanBytes = 1 << 20;
constexpr std::size_t kZeroStep = 4096;

// Each byte is the one before it, and the first is zero: memcmp is many times faster than a loop.
bool all_zero(std::span<const std::byte> bytes) {
  return bytes.empty() || (bytes[0] == std::byte{} &&
                           std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

// For a scan from `from` to the end of the file, at least a header long.
std::vector<std::byte> scan_buffer(const File& file, std::uint64_t from) {
  const std::uint64_t size = file.size();
  const std::uint64_t left = size > from ? size - from : 0;
  return std::vector<std::byte>(std::clamp<std::uint64_t>(left, kFrameHeaderSize, kScanBytes));
}

// Whether the record that begins there is as it was written, whatever it says.
bool checks(std::span<const std::byte> record) {
  return record.size() >= raft::kRecordHeaderSize &&
         base::load_little_endian<std::uint64_t>(record.data()) ==
             base::checksum(record.subspan(sizeof(std::uint64_t)));
}

}  // namespace

RecordCursor::RecordCursor(const File& file, std::uint64_t owner, Mark start,
                           std::optional<std::uint64_t> previous_checksum, std::size_t chunk_bytes)
    : file_(file),
      owner_(owner),
      position_(start),
      previous_checksum_(previous_checksum),
      chunk_bytes_(chunk_bytes),
      file_size_(file.size()) {}

// The bytes from `offset`: `size` of them, or as many as the file has.
base::SharedBytes RecordCursor::window(std::uint64_t offset, std::uint64_t size) {
  size = std::min(size, file_size_ - std::min(offset, file_size_));
  if (size == 0) return {};
  const bool inside = offset >= chunk_offset_ && offset + size <= chunk_offset_ + chunk_.size();
  if (!inside) {
    const auto wanted = static_cast<std::size_t>(
        std::min(std::max<std::uint64_t>(size, chunk_bytes_), file_size_ - offset));
    auto buffer = std::make_shared_for_overwrite<std::byte[]>(wanted);
    std::byte* data = buffer.get();
    const std::size_t got = file_.read(offset, {data, wanted});
    chunk_ = base::SharedBytes(std::move(buffer), data, got);
    chunk_offset_ = offset;
    size = std::min<std::uint64_t>(size, got);
  }
  return chunk_.part(offset - chunk_offset_, size);
}

bool RecordCursor::enter_frame() {
  const std::uint64_t at = frame_aligned(position_.offset);
  if (at > position_.offset && position_.offset < file_size_ &&
      !all_zero(window(position_.offset, at - position_.offset).span())) {
    stop_ = {position_.offset, "the padding of a frame is not zero", false};
    return false;
  }
  if (at >= file_size_) {
    stop_ = {position_.offset, "the file ends", false};
    return false;
  }
  const auto header = decode_frame_header(window(at, kFrameHeaderSize).span(), owner_, at);
  if (!header) {
    stop_ = {at, "no frame header that checks", false};
    return false;
  }
  if (header->first_index != position_.index) {
    stop_ = {at,
             fmt::format("a frame begins with entry {} where entry {} belongs", header->first_index,
                         position_.index),
             true};
    return false;
  }
  if (header->is_seal()) {
    stop_ = {at, "the seal of what is before it", false, true};
    return false;
  }
  frame_ = header;
  left_in_frame_ = header->count;
  position_.offset = at + kFrameHeaderSize;
  position_.frame_end = position_.offset + header->length;
  return true;
}

bool RecordCursor::follows(const raft::Entry& entry) const {
  return entry.index == position_.index &&
         (!previous_checksum_ || entry.previous_checksum() == *previous_checksum_);
}

std::optional<raft::Entry> RecordCursor::next() {
  if (!inside_frame() && !enter_frame()) return std::nullopt;
  const std::uint64_t left = position_.frame_end - position_.offset;
  auto bytes = window(position_.offset, std::min<std::uint64_t>(left, raft::kRecordHeaderSize));
  if (bytes.size() == raft::kRecordHeaderSize) {
    const auto length =
        base::load_little_endian<std::uint32_t>(bytes.data() + raft::kRecordLengthOffset);
    bytes =
        window(position_.offset, std::min(left, raft::kRecordHeaderSize + std::uint64_t{length}));
  }
  auto entry = raft::decode_entry(bytes);
  if (!entry) {
    // No interrupted write leaves a whole record that means nothing: a newer release may have.
    stop_ = {position_.offset, entry.error(), checks(bytes.span())};
    return std::nullopt;
  }
  if (!follows(*entry)) {
    stop_ = {position_.offset,
             fmt::format("entry {} with previous checksum {:016x} where entry {} belongs",
                         entry->index, entry->previous_checksum(), position_.index),
             true};
    return std::nullopt;
  }
  const bool last = left == entry->record.size();
  if (left_in_frame_ > 0 && (--left_in_frame_ == 0) != last) {
    stop_ = {position_.offset, "a frame whose records are not as many as it says", true};
    return std::nullopt;
  }
  record_offset_ = position_.offset;
  previous_checksum_ = entry->checksum();
  position_.offset += entry->record.size();
  ++position_.index;
  return std::move(*entry);
}

std::uint64_t end_of_content(const File& file, std::uint64_t from) {
  std::vector<std::byte> buffer = scan_buffer(file, from);
  std::uint64_t end = from;
  std::uint64_t offset = from;
  while (const std::size_t got = file.read(offset, buffer)) {
    std::span<const std::byte> left = std::span(buffer).first(got);
    while (!left.empty() && all_zero(left.last(std::min(left.size(), kZeroStep)))) {
      left = left.first(left.size() - std::min(left.size(), kZeroStep));
    }
    while (!left.empty() && left.back() == std::byte{}) left = left.first(left.size() - 1);
    if (!left.empty()) end = offset + left.size();
    offset += got;
  }
  return end;
}

bool proven_synced(const File& file, std::uint64_t owner, std::uint64_t offset) {
  std::uint64_t at = frame_aligned(offset + 1);
  std::vector<std::byte> buffer = scan_buffer(file, at);
  for (;;) {
    const std::size_t got = file.read(at, buffer);
    if (got < kFrameHeaderSize) return false;
    std::size_t place = 0;
    for (; place + kFrameHeaderSize <= got; place += kFrameAlignment) {
      const auto header = decode_frame_header(std::span(buffer).subspan(place, kFrameHeaderSize),
                                              owner, at + place);
      if (header && header->synced > offset) return true;
    }
    at += place;
  }
}

}  // namespace storage
