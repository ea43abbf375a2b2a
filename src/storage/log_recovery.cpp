#include "storage/log_recovery.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "storage/spare_segment.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr const char* kPreparingName = "next.preparing";
// While it is there it is the log, and every other segment is a remainder of the one before.
constexpr const char* kReplacementName = "replacement.segment";

std::vector<raft::Index> find_segments(const FileSystem& file_system, const Path& directory) {
  std::vector<raft::Index> found;
  for (const auto& name : file_system.list(directory)) {
    if (const auto index = index_of_segment(name)) found.push_back(*index);
  }
  return found;
}

// A segment made under a name that means nothing yet, which it keeps until its content is on disk.
// False where the disk is full: then nothing is left of it.
bool make_segment(FileSystem& file_system, const Path& directory, const SegmentHeader& header,
                  std::uint64_t zeros, const std::string& name) {
  const Path path = directory / kPreparingName;
  const SegmentHeaderBytes bytes = encode(header);
  const std::span<const std::byte> part(bytes);
  std::unique_ptr<File> file;
  try {
    file = file_system.open(path, FileSystem::OpenMode::kCreate);
    file->truncate(0);
    file->write(0, {&part, 1});
    write_zeros(*file, kSegmentHeaderSize, kSegmentHeaderSize + zeros);
    file->sync();
    file_system.rename(path, directory / name);
  } catch (const DiskFull&) {
    file.reset();
    if (file_system.exists(path)) file_system.remove(path);
    return false;
  }
  file_system.sync_directory(directory);
  return true;
}

std::uint64_t bytes_of_segments(FileSystem& file_system, const Path& directory,
                                const std::vector<raft::Index>& found, std::size_t from) {
  std::uint64_t bytes = 0;
  for (std::size_t place = from; place < found.size(); ++place) {
    const Path path = directory / segment_name(found[place]);
    bytes += file_system.open(path, FileSystem::OpenMode::kReadOnly)->size();
  }
  return bytes;
}

SegmentHeader read_header(const File& file, const Path& path, const LogOwner& owner) {
  std::array<std::byte, kMostHeaderSize> bytes{};
  const std::size_t size = file.read(0, bytes);
  if (const auto foreign = foreign_segment(std::span(bytes).first(size), owner)) {
    throw Refused(fmt::format("{}: {}", path.string(), *foreign));
  }
  const auto header = decode_segment_header(std::span(bytes).first(size));
  if (!header) throw Damage(path, 0, header.error());
  return *header;
}

// The replacement's name is on disk, so that no crash from here on brings the old log back, and
// the old segments may go in any order. They are gone for sure before the name goes.
void finish_replacement(FileSystem& file_system, const Path& directory, raft::Index first_index) {
  for (const raft::Index index : find_segments(file_system, directory)) {
    file_system.remove(directory / segment_name(index));
  }
  file_system.sync_directory(directory);
  file_system.rename(directory / kReplacementName, directory / segment_name(first_index));
  file_system.sync_directory(directory);
}

// One pass over the segments, from that at `from` to the last.
class Recovery {
 public:
  Recovery(FileSystem& file_system, Path directory, const LogOwner& owner)
      : file_system_(file_system), directory_(std::move(directory)), owner_(owner) {}

  RecoveredLog run(const std::vector<raft::Index>& found, std::size_t from,
                   const OpeningObserver& observer) {
    progress_.emplace(observer, OpeningProgress::Work::kReadLog,
                      observer ? bytes_of_segments(file_system_, directory_, found, from) : 0);
    for (std::size_t place = from; place < found.size(); ++place) {
      const bool last = place + 1 == found.size();
      try {
        read_segment(found[place], last);
      } catch (const Damage& damage) {
        throw LogDamage(damage, std::move(log_.contents), found, place);
      }
    }
    return std::move(log_);
  }

 private:
  void read_segment(raft::Index first_index, bool last) {
    path_ = directory_ / segment_name(first_index);
    auto file = file_system_.open(
        path_, last ? FileSystem::OpenMode::kReadWrite : FileSystem::OpenMode::kReadOnly);
    check_header(*file, first_index);
    RecordCursor cursor(*file, owner_.directory,
                        {first_index, kSegmentHeaderSize, kSegmentHeaderSize},
                        log_.contents.last().checksum, kChunkBytes);
    while (const auto entry = cursor.next()) {
      const raft::LogPosition& before = log_.contents.last();
      if (entry->term < before.term || entry->time_ms() < before.time_ms) {
        throw Damage(
            path_, cursor.record_offset(),
            fmt::format("entry {} of term {} at {} ms follows term {} at {} ms", entry->index,
                        entry->term, entry->time_ms(), before.term, before.time_ms));
      }
      log_.contents.add(*entry, cursor.record_offset(), cursor.position().frame_end);
      progress_->reach(bytes_before_ + cursor.position().offset, ++entries_);
    }
    bytes_before_ += cursor.file_size();
    if (cursor.stop().contradiction)
      throw Damage(path_, cursor.stop().offset, cursor.stop().reason);
    if (last) {
      finish_last(*file, cursor);
      log_.active = std::move(file);
    } else {
      check_end(*file, cursor);
    }
  }

  void check_header(const File& file, raft::Index first_index) {
    const SegmentHeader header = read_header(file, path_, owner_);
    if (header.first_index() != first_index) {
      throw Damage(path_, 0,
                   fmt::format("the segment begins with entry {}, its name says {}",
                               header.first_index(), first_index));
    }
    if (!log_.contents.segments().empty()) check_follows(header.before);
    log_.contents.add_segment(header.before);
  }

  void check_follows(const raft::LogPosition& named) {
    const raft::LogPosition& last = log_.contents.last();
    const raft::Index first_index = named.index + 1;
    const raft::Index expected = last.index + 1;
    if (first_index > expected) {
      throw Damage(path_, 0,
                   fmt::format("a hole in the log: entries {} to {} are missing", expected,
                               first_index - 1));
    }
    if (first_index < expected) {
      throw Damage(path_, 0, fmt::format("the log has entry {} twice", first_index));
    }
    if (named != last) {
      throw Damage(path_, 0,
                   fmt::format("the segment follows another entry {} (checksum {:016x}) than the "
                               "one before it ({:016x})",
                               last.index, named.checksum, last.checksum));
    }
  }

  // A segment with one behind it was synced before that one was made: it ends in whole frames,
  // perhaps a seal, and zeros, or, where it was truncated inside a frame, with the file.
  void check_end(const File& file, const RecordCursor& cursor) {
    const bool whole = cursor.inside_frame() ? cursor.stop().offset == cursor.file_size()
                                             : end_of_content(file, cursor.end()) == cursor.end();
    if (!whole) throw Damage(path_, cursor.stop().offset, cursor.stop().reason);
    log_.contents.last_segment().partial = cursor.inside_frame();
  }

  void finish_last(File& file, const RecordCursor& cursor) {
    Segment& segment = log_.contents.last_segment();
    const std::uint64_t stop = cursor.stop().offset;
    const std::uint64_t content_end = end_of_content(file, cursor.end());
    const bool inside = cursor.inside_frame();
    const bool clean = inside ? stop == cursor.file_size() : content_end == cursor.end();
    if (!clean && proven_synced(file, owner_.directory, stop)) {
      throw Damage(path_, stop,
                   cursor.stop().reason + ", although later writes show that it was synced");
    }
    segment.partial = inside && segment.end == stop;
    if (!clean || (inside && !segment.partial)) {
      const std::uint64_t lost_end =
          inside ? std::max(content_end, std::min(cursor.position().frame_end, cursor.file_size()))
                 : content_end;
      log_.torn_bytes = lost_end - segment.end;
      file.truncate(segment.end);
    }
    make_durable(file, cursor);
    log_.sealed = clean && cursor.stop().sealed;
  }

  // What is read may be known to the page cache alone: of a process that was killed before its
  // sync, or whose sync failed, after which the kernel takes the pages for clean. So what no
  // later frame proves to be synced is written once more, then all is synced.
  void make_durable(File& file, const RecordCursor& cursor) {
    const std::uint64_t end = log_.contents.last_segment().end;
    std::vector<std::byte> buffer;
    for (std::uint64_t at = cursor.frame() ? cursor.frame()->synced : end; at < end;) {
      buffer.resize(std::min<std::uint64_t>(kChunkBytes, end - at));
      const std::span<const std::byte> part(buffer.data(), file.read(at, buffer));
      file.write(at, {&part, 1});
      at += part.size();
    }
    file.sync();
    file_system_.sync_directory(directory_);
  }

  FileSystem& file_system_;
  Path directory_;
  LogOwner owner_;
  Path path_;  // of the segment being read
  std::optional<ProgressCount> progress_;
  std::uint64_t bytes_before_ = 0;  // in the segments before it
  std::uint64_t entries_ = 0;
  RecoveredLog log_;
};

// A18: from the front, each removal on disk before the next.
void drop_first(FileSystem& file_system, const Path& directory,
                const std::vector<raft::Index>& found, std::size_t count) {
  for (std::size_t place = 0; place < count; ++place) {
    file_system.remove(directory / segment_name(found[place]));
    file_system.sync_directory(directory);
  }
}

// The first segment behind the damaged one that, with the snapshot up to `covered`, leaves no hole.
std::optional<std::size_t> next_covered(const LogDamage& damage, raft::Index covered) {
  const std::size_t next = damage.place() + 1;
  const auto& found = damage.segments();
  if (next >= found.size() || found[next] > covered + 1) return std::nullopt;
  return next;
}

RecoveredLog recover_segments(FileSystem& file_system, const Path& directory, const LogOwner& owner,
                              raft::Index covered, const OpeningObserver& observer) {
  const auto found = find_segments(file_system, directory);
  std::size_t from = 0;
  std::string dropped;
  for (;;) {
    try {
      RecoveredLog log = Recovery(file_system, directory, owner).run(found, from, observer);
      drop_first(file_system, directory, found, from);
      log.dropped = std::move(dropped);
      return log;
    } catch (const LogDamage& damage) {
      const auto next = next_covered(damage, covered);
      if (!next) throw;
      from = *next;
      if (dropped.empty()) dropped = damage.found();
    }
  }
}

void finish_replacement_begun(FileSystem& file_system, const Path& directory,
                              const LogOwner& owner) {
  const Path replacement = directory / kReplacementName;
  if (!file_system.exists(replacement)) return;
  raft::Index first_index = 0;
  try {
    const auto file = file_system.open(replacement, FileSystem::OpenMode::kReadOnly);
    first_index = read_header(*file, replacement, owner).first_index();
  } catch (const Damage& damage) {
    throw LogDamage(damage, {}, find_segments(file_system, directory), 0);
  }
  // Its name may be known to the page cache alone.
  file_system.sync_directory(directory);
  finish_replacement(file_system, directory, first_index);
}

}  // namespace

RecoveredLog recover_log(FileSystem& file_system, const Path& directory, const LogOwner& owner,
                         raft::Index covered, const OpeningObserver& observer) {
  make_durable_directory(file_system, directory);
  if (file_system.exists(directory / kPreparingName)) {
    file_system.remove(directory / kPreparingName);
  }
  remove_spare(file_system, directory);
  finish_replacement_begun(file_system, directory, owner);
  if (!log_exists(file_system, directory)) {
    if (!create_segment(file_system, directory, {owner, {}}, 0)) {
      throw DiskFull("no room for a log in " + directory.string());
    }
  }
  return recover_segments(file_system, directory, owner, covered, observer);
}

bool cut_log(FileSystem& file_system, const Path& directory, const LogDamage& damage,
             DoubtFile& doubt) {
  const auto& kept = damage.intact().segments();
  const auto& found = damage.segments();
  if (kept.empty()) {
    set_aside_log(file_system, directory, doubt);
    return true;
  }
  // The damaged segment stays as far as it is intact, unless not even its header is.
  const raft::Index last_kept = kept.back().first_index();
  for (std::size_t place = found.size(); place-- > 0 && found[place] > last_kept;) {
    doubt.set_aside(directory / segment_name(found[place]));
  }
  if (last_kept != found[damage.place()]) return true;
  const Path path = directory / segment_name(last_kept);
  const bool copied = doubt.keep_copy(path);
  const auto file = file_system.open(path, FileSystem::OpenMode::kReadWrite);
  file->truncate(kept.back().end);
  file->sync();
  return copied;
}

void set_aside_log(FileSystem& file_system, const Path& directory, DoubtFile& doubt) {
  const auto found = find_segments(file_system, directory);
  for (std::size_t place = found.size(); place-- > 0;) {
    doubt.set_aside(directory / segment_name(found[place]));
  }
  // It stood for all of them.
  const Path replacement = directory / kReplacementName;
  if (file_system.exists(replacement)) doubt.set_aside(replacement);
}

bool log_exists(const FileSystem& file_system, const Path& directory) {
  return file_system.exists(directory) && (!find_segments(file_system, directory).empty() ||
                                           file_system.exists(directory / kReplacementName));
}

bool replacement_is_under_way(const FileSystem& file_system, const Path& directory) {
  return file_system.exists(directory / kReplacementName);
}

std::unique_ptr<File> create_segment(FileSystem& file_system, const Path& directory,
                                     const SegmentHeader& header, std::uint64_t zeros) {
  const std::string name = segment_name(header.first_index());
  if (!make_segment(file_system, directory, header, zeros, name)) return nullptr;
  return file_system.open(directory / name, FileSystem::OpenMode::kReadWrite);
}

std::unique_ptr<File> replace_log(FileSystem& file_system, const Path& directory,
                                  const SegmentHeader& header) {
  if (!make_segment(file_system, directory, header, 0, kReplacementName)) return nullptr;
  finish_replacement(file_system, directory, header.first_index());
  return file_system.open(directory / segment_name(header.first_index()),
                          FileSystem::OpenMode::kReadWrite);
}

}  // namespace storage
