#include "raft/entry.h"

#include <algorithm>
#include <limits>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "raft/configuration.h"

namespace raft {
namespace {

constexpr std::size_t kChecksumOffset = 0;
constexpr std::size_t kPreviousOffset = 8;
constexpr std::size_t kIndexOffset = 16;
constexpr std::size_t kTermOffset = 24;
constexpr std::size_t kTimeOffset = 32;
constexpr std::size_t kKindOffset = 44;
constexpr std::size_t kZeroOffset = 45;

bool known_kind(std::uint8_t kind) {
  return kind == static_cast<std::uint8_t>(EntryKind::kNoOperation) ||
         kind == static_cast<std::uint8_t>(EntryKind::kCommand) ||
         kind == static_cast<std::uint8_t>(EntryKind::kConfiguration);
}

// The record that begins at `offset`, as decode_entry().
base::Result<Entry> decode_at(const base::SharedBytes& bytes, std::size_t offset) {
  const std::size_t left = bytes.size() - offset;
  if (left < kRecordHeaderSize) {
    return base::Error{
        fmt::format("a record header needs {} bytes, {} are left", kRecordHeaderSize, left)};
  }
  const std::byte* at = bytes.data() + offset;
  const auto length = base::load_little_endian<std::uint32_t>(at + kRecordLengthOffset);
  if (length > left - kRecordHeaderSize) {
    return base::Error{fmt::format("a record declares {} bytes of payload, {} are left", length,
                                   left - kRecordHeaderSize)};
  }
  const std::size_t size = kRecordHeaderSize + length;
  const auto stored = base::load_little_endian<std::uint64_t>(at + kChecksumOffset);
  const auto actual = base::checksum({at + kPreviousOffset, size - kPreviousOffset});
  if (stored != actual) {
    return base::Error{
        fmt::format("a record's checksum is {:016x}, its bytes give {:016x}", stored, actual)};
  }
  const auto kind = std::to_integer<std::uint8_t>(at[kKindOffset]);
  const bool zeros = std::all_of(at + kZeroOffset, at + kRecordHeaderSize,
                                 [](auto b) { return b == std::byte{}; });
  if (!known_kind(kind) || !zeros) {
    return base::Error{fmt::format("a record of unknown kind {}", kind)};
  }
  Entry entry{base::load_little_endian<Index>(at + kIndexOffset),
              base::load_little_endian<Term>(at + kTermOffset), static_cast<EntryKind>(kind),
              bytes.part(offset, size)};
  if (entry.index == 0 || entry.term == 0) {
    return base::Error{fmt::format("a record with index {} and term {}", entry.index, entry.term)};
  }
  if (entry.kind == EntryKind::kConfiguration) {
    const auto configuration = decode_configuration(entry.payload().span());
    if (!configuration) return base::Error{configuration.error()};
  }
  return entry;
}

}  // namespace

std::uint64_t Entry::checksum() const {
  return base::load_little_endian<std::uint64_t>(record.data() + kChecksumOffset);
}

std::uint64_t Entry::previous_checksum() const {
  return base::load_little_endian<std::uint64_t>(record.data() + kPreviousOffset);
}

Milliseconds Entry::time_ms() const {
  return base::load_little_endian<Milliseconds>(record.data() + kTimeOffset);
}

LogPosition position_of(const Entry& entry) {
  return {entry.index, entry.term, entry.checksum(), entry.time_ms()};
}

void EntryBlockBuilder::add(Index index, Term term, EntryKind kind, base::SharedBytes payload) {
  CHECK(payload.size() <= std::numeric_limits<std::uint32_t>::max() - kRecordHeaderSize,
        "an entry of {} bytes cannot be encoded", payload.size());
  pending_.push_back({index, term, kind, std::move(payload)});
}

std::vector<Entry> EntryBlockBuilder::finish() {
  std::size_t size = 0;
  for (const auto& each : pending_) size += kRecordHeaderSize + each.payload.size();
  const auto block = std::make_shared_for_overwrite<std::byte[]>(size);

  std::vector<Entry> entries;
  entries.reserve(pending_.size());
  std::size_t offset = 0;
  for (const auto& each : pending_) {
    std::byte* at = block.get() + offset;
    const std::size_t length = kRecordHeaderSize + each.payload.size();
    base::store_little_endian(at + kPreviousOffset, previous_);
    base::store_little_endian(at + kIndexOffset, each.index);
    base::store_little_endian(at + kTermOffset, each.term);
    base::store_little_endian(at + kTimeOffset, time_ms_);
    base::store_little_endian(at + kRecordLengthOffset,
                              static_cast<std::uint32_t>(each.payload.size()));
    at[kKindOffset] = static_cast<std::byte>(each.kind);
    std::fill(at + kZeroOffset, at + kRecordHeaderSize, std::byte{});
    if (!each.payload.empty()) {
      std::memcpy(at + kRecordHeaderSize, each.payload.data(), each.payload.size());
    }
    previous_ = base::checksum({at + kPreviousOffset, length - kPreviousOffset});
    base::store_little_endian(at + kChecksumOffset, previous_);
    entries.push_back({each.index, each.term, each.kind, {block, at, length}});
    offset += length;
  }
  pending_.clear();
  return entries;
}

base::Result<Entry> decode_entry(const base::SharedBytes& bytes) { return decode_at(bytes, 0); }

base::Result<std::vector<Entry>> decode_entries(const base::SharedBytes& bytes) {
  std::vector<Entry> entries;
  std::size_t offset = 0;
  while (offset < bytes.size()) {
    auto entry = decode_at(bytes, offset);
    if (!entry) return base::Error{fmt::format("at byte {}: {}", offset, entry.error())};
    if (!entries.empty()) {
      const Entry& before = entries.back();
      if (entry->index != before.index + 1 || entry->term < before.term ||
          entry->time_ms() < before.time_ms() || entry->previous_checksum() != before.checksum()) {
        return base::Error{
            fmt::format("at byte {}: entry {} of term {} does not follow entry {} of term {}",
                        offset, entry->index, entry->term, before.index, before.term)};
      }
    }
    // Those of one message are often of about one size.
    if (entries.empty()) entries.reserve(bytes.size() / entry->record.size());
    offset += entry->record.size();
    entries.push_back(std::move(*entry));
  }
  return entries;
}

}  // namespace raft
