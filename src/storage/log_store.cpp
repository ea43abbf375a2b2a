#include "storage/log_store.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "storage/log_reader.h"
#include "storage/log_recovery.h"
#include "storage/record_cursor.h"
#include "storage/segment.h"
#include "storage/segment_format.h"
#include "storage/spare_segment.h"

namespace storage {
namespace {

// Where no spare was ready, zeros are written ahead of the log in slices: a sync into a file that
// is there already is twice as fast as one that makes it grow, and a slice is short enough not to
// stall a write.
constexpr std::uint64_t kSliceBytes = 1 << 20;
// The next segment is prepared when such a part of the last one is in use: a log that stays small
// needs none.
constexpr std::uint64_t kPartInUse = 4;
// A multiple of the pages of any system.
constexpr std::uint64_t kForgetBytes = 256 << 10;

}  // namespace

// Invariant: in the active segment [0, synced) is on disk, [0, contents.last_segment().end) is
// written, and from there to the end of the file there is nothing but zeros, and a seal where
// `sealed` says so.
struct LogStore::Implementation {
  FileSystem& file_system;
  std::filesystem::path directory;
  LogOwner owner;
  LogOptions options;
  LogContents contents;
  std::unique_ptr<File> active;
  SpareSegment spare;
  std::uint64_t torn_bytes = 0;
  std::string dropped;
  std::uint64_t file_size = 0;
  std::uint64_t synced = 0;
  std::uint64_t forgotten = 0;
  bool sealed = false;
  bool failed = false;

  Implementation(FileSystem& files, std::filesystem::path path, const LogOwner& log_owner,
                 LogOptions log_options, const OpeningObserver& observer)
      : file_system(files),
        directory(std::move(path)),
        owner(log_owner),
        options(log_options),
        spare(files, directory, log_options.segment_bytes) {
    auto recovered = recover_log(file_system, directory, owner, options.covered, observer);
    contents = std::move(recovered.contents);
    active = std::move(recovered.active);
    torn_bytes = recovered.torn_bytes;
    dropped = std::move(recovered.dropped);
    file_size = active->size();
    synced = contents.last_segment().end;
    sealed = recovered.sealed;
    seal();
  }

  [[nodiscard]] std::filesystem::path path_of(const Segment& segment) const {
    return directory / segment_name(segment.first_index());
  }

  // A16: after a failed change nothing more is changed. Where room may be lacking, the change sees
  // to that itself: what is left undone in its middle for want of it is a fault like any other.
  template <typename Change>
  auto change(Change action) {
    if (failed) throw DiskFault("the log " + directory.string() + " failed before and is closed");
    try {
      return action();
    } catch (const DiskFull& full) {
      failed = true;
      throw DiskFault(full.what());
    } catch (...) {
      failed = true;
      throw;
    }
  }

  void sync() {
    const std::uint64_t end = contents.last_segment().end;
    if (synced == end) return;
    active->sync();
    synced = end;
    forget_synced();
  }

  // The log is read again by a start, and for a follower that is far behind: until then its pages
  // are worth more as those that the next entries go to.
  void forget_synced() {
    if (synced < forgotten + kForgetBytes) return;
    const std::uint64_t end = synced / kForgetBytes * kForgetBytes;
    active->forget(forgotten, end - forgotten);
    forgotten = end;
  }

  // Whatever can meet a full disk comes here, before a byte of the frame is written.
  bool make_room(std::span<const raft::Entry> entries) {
    const std::uint64_t length = bytes_of(entries);
    return find_room(length) || (spare.give_back() && find_room(length));
  }

  bool find_room(std::uint64_t length) {
    if (needs_new_segment(length) && !roll_over()) return false;
    return prepare_up_to(frame_aligned(contents.last_segment().end) + kFrameHeaderSize + length);
  }

  void append(std::span<const raft::Entry> entries) {
    check_chain(entries);
    const std::uint64_t length = bytes_of(entries);

    FrameHeader header;
    header.owner = owner.directory;
    header.offset = frame_aligned(contents.last_segment().end);
    header.synced = synced;
    header.first_index = entries.front().index;
    header.length = length;
    header.count = static_cast<std::uint32_t>(entries.size());
    const FrameHeaderBytes bytes = encode(header);
    sealed = false;
    active->write(header.offset, frame_parts(bytes, entries));

    std::uint64_t offset = header.offset + kFrameHeaderSize;
    const std::uint64_t end = offset + length;
    for (const auto& entry : entries) {
      contents.add(entry, offset, end);
      offset += entry.record.size();
    }
  }

  // A17: the last write looks like an interrupted one when it is damaged, until something behind it
  // tells that it was synced. A segment that nothing may be written to any more gets the next one
  // as its seal. On a full disk there is none: the log is what it was, and an append makes up for
  // it.
  void seal() {
    const Segment& segment = contents.last_segment();
    CHECK(synced == segment.end, "a seal behind {}, synced to {}", segment.end, synced);
    if (segment.partial) {
      static_cast<void>(roll_over());
      return;
    }
    if (sealed || segment.end == kSegmentHeaderSize) return;
    FrameHeader header;
    header.owner = owner.directory;
    header.offset = frame_aligned(segment.end);
    header.synced = synced;
    header.first_index = contents.last().index + 1;
    if (!prepare_up_to(header.offset + kFrameHeaderSize)) return;
    const FrameHeaderBytes bytes = encode(header);
    const std::span<const std::byte> part(bytes);
    active->write(header.offset, {&part, 1});
    sealed = true;
  }

  void close() {
    sync();
    seal();
    active->sync();
  }

  void check_chain(std::span<const raft::Entry> entries) const {
    CHECK(!entries.empty() && entries.size() <= UINT32_MAX, "an append of {} entries",
          entries.size());
    raft::LogPosition last = contents.last();
    for (const auto& entry : entries) {
      CHECK(entry.index == last.index + 1 && entry.previous_checksum() == last.checksum,
            "entry {} with previous checksum {:016x} appended behind entry {} with {:016x}",
            entry.index, entry.previous_checksum(), last.index, last.checksum);
      CHECK(entry.term >= last.term && entry.time_ms() >= last.time_ms,
            "entry {} of term {} at {} ms appended behind term {} at {} ms", entry.index,
            entry.term, entry.time_ms(), last.term, last.time_ms);
      last = raft::position_of(entry);
    }
  }

  [[nodiscard]] bool needs_new_segment(std::uint64_t length) const {
    const Segment& segment = contents.last_segment();
    const bool empty = segment.end == kSegmentHeaderSize;
    return segment.partial || (!empty && frame_aligned(segment.end) + kFrameHeaderSize + length >
                                             options.segment_bytes);
  }

  // The end of a segment is synced before the next one gets its name: so a torn tail can only be
  // in the last segment. So is its seal, of which a part would be damage there.
  bool roll_over() {
    if (sealed) active->sync();
    sync();
    return begin_segment();
  }

  bool begin_segment() {
    const SegmentHeader header{owner, contents.last()};
    auto next = spare.is_complete() ? spare.become(header) : nullptr;
    if (!next) {
      next = create_segment(file_system, directory, header,
                            ahead_of(kSegmentHeaderSize) - kSegmentHeaderSize);
    }
    if (!next) return false;
    active->forget(forgotten, synced - forgotten);
    active = std::move(next);
    forgotten = 0;
    contents.add_segment(contents.last());
    file_size = active->size();
    synced = kSegmentHeaderSize;
    sealed = false;
    return true;
  }

  // Up to where the file should reach when it is written up to `end`.
  [[nodiscard]] std::uint64_t ahead_of(std::uint64_t end) const {
    return std::max(end, std::min(end + kSliceBytes, options.segment_bytes));
  }

  bool prepare_up_to(std::uint64_t end) {
    if (end > file_size) grow(ahead_of(end));
    return end <= file_size;
  }

  void grow(std::uint64_t size) {
    try {
      write_zeros(*active, file_size, size);
    } catch (const DiskFull&) {
      // As far as there was room, there are zeros now. Perhaps that is enough.
    }
    file_size = active->size();
  }

  // A18: from the end backwards, so that at every moment the log is without hole.
  void truncate_from(raft::Index index) {
    CHECK(index > contents.base().index && index <= contents.last().index,
          "a truncation from {} of a log of {} to {}", index, contents.base().index + 1,
          contents.last().index);
    while (contents.segments().size() > 1 && contents.last_segment().first_index() >= index) {
      active.reset();
      spare.retire(path_of(contents.last_segment()));
      contents.remove_segment();
    }
    if (!active) {
      active = file_system.open(path_of(contents.last_segment()), FileSystem::OpenMode::kReadWrite);
      file_size = active->size();
      synced = contents.last_segment().end;
      forgotten = 0;
      sealed = false;
    }
    if (index <= contents.last().index) cut(index);
  }

  // Each removal is on disk before the next, so that no crash leaves a hole.
  bool trim_to(raft::Index index, std::size_t max_segments) {
    while (contents.segments().size() > 1 && contents.last_index_of(0) <= index) {
      if (max_segments-- == 0) return false;
      spare.retire(path_of(contents.segments().front()));
      contents.remove_first_segment();
    }
    return true;
  }

  bool reset(const raft::LogPosition& base) {
    CHECK(base.index > 0 || base == raft::LogPosition{}, "a base before entry 1 with term {}",
          base.term);
    auto empty = replace_log(file_system, directory, {owner, base});
    if (!empty && spare.give_back()) empty = replace_log(file_system, directory, {owner, base});
    if (!empty) return false;
    active = std::move(empty);
    contents = LogContents();
    contents.add_segment(base);
    file_size = kSegmentHeaderSize;
    synced = kSegmentHeaderSize;
    forgotten = 0;
    sealed = false;
    return true;
  }

  void prepare_ahead(std::uint64_t bytes) {
    const Segment& last = contents.last_segment();
    const std::uint64_t wanted = last.partial ? 0 : ahead_of(last.end);
    if (spare.is_allowed() && file_size < wanted) {
      const std::uint64_t before = file_size;
      grow(std::min(wanted, before + bytes));
      active->start_writing(before, file_size - before);
      return;
    }
    const bool soon = last.end >= options.segment_bytes / kPartInUse;
    if (soon || spare.exists()) spare.prepare(bytes);
  }

  [[nodiscard]] LogReader reader() const {
    return {file_system, directory, owner.directory, contents, active.get()};
  }

  void cut(raft::Index index) {
    const Segment& segment = contents.last_segment();
    const raft::Index start = std::max(index - 1, segment.first_index());
    RecordCursor cursor(*active, owner.directory, LogContents::mark_before(segment, start),
                        std::nullopt, kMarkSpacing);
    Mark before;
    raft::LogPosition last = segment.before;
    std::optional<raft::Entry> entry;
    for (;;) {
      before = cursor.position();
      entry = cursor.next();
      if (!entry || entry->index == index) break;
      last = raft::position_of(*entry);
    }
    if (!entry) throw Damage(path_of(segment), cursor.stop().offset, cursor.stop().reason);
    // A frame that begins with the entry goes as a whole; one that began before it becomes
    // partial, and the next append begins a new segment.
    const bool partial = before.offset != before.frame_end;
    const std::uint64_t end = before.offset;
    active->truncate(end);
    active->sync();
    contents.cut(last, end, partial);
    file_size = end;
    synced = end;
    forgotten = std::min(forgotten, end);
    sealed = false;
  }
};

LogStore::LogStore(FileSystem& file_system, std::filesystem::path directory, const LogOwner& owner,
                   LogOptions options, const OpeningObserver& observer)
    : implementation_(std::make_unique<Implementation>(file_system, std::move(directory), owner,
                                                       options, observer)) {}

LogStore::~LogStore() = default;

const raft::LogPosition& LogStore::base() const { return implementation_->contents.base(); }

const raft::LogPosition& LogStore::last() const { return implementation_->contents.last(); }

raft::Index LogStore::first_index() const { return base().index + 1; }

raft::Index LogStore::last_index() const { return last().index; }

const std::vector<raft::ConfigurationEntry>& LogStore::configurations() const {
  return implementation_->contents.configurations();
}

const std::vector<raft::TermRun>& LogStore::term_runs() const {
  return implementation_->contents.term_runs();
}

const std::filesystem::path& LogStore::directory() const { return implementation_->directory; }

std::uint64_t LogStore::bytes() const {
  std::uint64_t bytes = 0;
  for (const Segment& segment : implementation_->contents.segments()) {
    bytes += segment.end - kSegmentHeaderSize;
  }
  return bytes;
}

std::uint64_t LogStore::torn_bytes() const { return implementation_->torn_bytes; }

const std::string& LogStore::dropped() const { return implementation_->dropped; }

std::vector<raft::Entry> LogStore::tail(std::size_t max_bytes) const {
  return implementation_->reader().tail(max_bytes);
}

std::vector<raft::Entry> LogStore::read(raft::Index first, raft::Index last,
                                        std::size_t max_bytes) const {
  CHECK(first_index() <= first && first <= last && last <= last_index(),
        "a read of {} to {} from a log of {} to {}", first, last, first_index(), last_index());
  return implementation_->reader().read(first, last, max_bytes);
}

bool LogStore::make_room(std::span<const raft::Entry> entries) {
  return implementation_->change([&] { return implementation_->make_room(entries); });
}

void LogStore::append(std::span<const raft::Entry> entries) {
  if (!make_room(entries)) throw DiskFull("no room for entries in " + directory().string());
  implementation_->change([&] { implementation_->append(entries); });
}

void LogStore::truncate_from(raft::Index index) {
  implementation_->change([&] { implementation_->truncate_from(index); });
}

bool LogStore::trim_to(raft::Index index, std::size_t max_segments) {
  bool all = false;
  implementation_->change([&] { all = implementation_->trim_to(index, max_segments); });
  return all;
}

void LogStore::reset(const raft::LogPosition& base) {
  if (!implementation_->change([&] { return implementation_->reset(base); })) {
    throw DiskFull("no room for another log in " + directory().string());
  }
}

void LogStore::sync() {
  implementation_->change([&] { implementation_->sync(); });
}

void LogStore::seal() {
  implementation_->change([&] { implementation_->seal(); });
}

void LogStore::allow_spare(bool allowed) {
  implementation_->change([&] { implementation_->spare.allow(allowed); });
}

std::uint64_t LogStore::room_for_spare() const { return implementation_->spare.room_wanted(); }

void LogStore::prepare_ahead(std::uint64_t bytes) {
  implementation_->change([&] { implementation_->prepare_ahead(bytes); });
}

void LogStore::close() {
  implementation_->change([&] { implementation_->close(); });
}

}  // namespace storage
