#include "storage/log_recovery.h"

#include <algorithm>
#include <array>
#include <vector>

namespace storage {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kChunkBytes = 1 << 20;
constexpr const char* kPreparingName = "next.preparing";

std::vector<raft::Index> find_segments(const FileSystem& file_system, const Path& directory) {
  std::vector<raft::Index> found;
  for (const auto& name : file_system.list(directory)) {
    if (const auto index = index_of_segment(name)) found.push_back(*index);
  }
  return found;
}

// One pass over the segments, from the first to the last.
class Recovery {
 public:
  Recovery(FileSystem& file_system, Path directory, std::uint64_t owner)
      : file_system_(file_system), directory_(std::move(directory)), owner_(owner) {}

  RecoveredLog run() {
    const auto found = find_segments(file_system_, directory_);
    for (std::size_t place = 0; place < found.size(); ++place) {
      const bool last = place + 1 == found.size();
      read_segment(found[place], last);
    }
    return std::move(log_);
  }

 private:
  void read_segment(raft::Index first_index, bool last) {
    path_ = directory_ / segment_name(first_index);
    auto file = file_system_.open(
        path_, last ? FileSystem::OpenMode::kReadWrite : FileSystem::OpenMode::kReadOnly);
    check_header(*file, first_index);
    log_.contents.add_segment(first_index);
    RecordCursor cursor(*file, owner_, {first_index, kHeaderSize, kHeaderSize},
                        log_.contents.last_checksum(), kChunkBytes);
    while (const auto entry = cursor.next()) {
      if (entry->term < log_.contents.last_term()) {
        throw Damage(path_, cursor.record_offset(),
                     fmt::format("entry {} of term {} follows term {}", entry->index, entry->term,
                                 log_.contents.last_term()));
      }
      log_.contents.add(*entry, cursor.record_offset(), cursor.position().frame_end);
    }
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
    HeaderBytes bytes{};
    const std::size_t size = file.read(0, bytes);
    const auto header = decode_segment_header(std::span(bytes).first(size));
    if (!header) throw Damage(path_, 0, header.error());
    if (header->owner != owner_) {
      throw Damage(path_, 0,
                   fmt::format("the segment belongs to data directory {:016x}, this is {:016x}",
                               header->owner, owner_));
    }
    if (header->first_index != first_index) {
      throw Damage(path_, 0,
                   fmt::format("the segment begins with entry {}, its name says {}",
                               header->first_index, first_index));
    }
    const raft::Index expected = log_.contents.last_index() + 1;
    if (first_index > expected) {
      throw Damage(path_, 0,
                   fmt::format("a hole in the log: entries {} to {} are missing", expected,
                               first_index - 1));
    }
    if (first_index < expected) {
      throw Damage(path_, 0, fmt::format("the log has entry {} twice", first_index));
    }
    if (header->previous_checksum != log_.contents.last_checksum()) {
      throw Damage(
          path_, 0,
          fmt::format("the segment follows another entry {} (checksum {:016x}) than the "
                      "one before it ({:016x})",
                      first_index - 1, header->previous_checksum, log_.contents.last_checksum()));
    }
  }

  // A segment with one behind it was synced before that one was made: it ends in whole frames
  // and zeros, or, where it was truncated inside a frame, with the file.
  void check_end(const File& file, const RecordCursor& cursor) {
    const bool whole = cursor.inside_frame()
                           ? cursor.stop().offset == cursor.file_size()
                           : end_of_content(file, cursor.stop().offset) == cursor.stop().offset;
    if (!whole) throw Damage(path_, cursor.stop().offset, cursor.stop().reason);
    log_.contents.last_segment().partial = cursor.inside_frame();
  }

  void finish_last(File& file, const RecordCursor& cursor) {
    Segment& segment = log_.contents.last_segment();
    const std::uint64_t stop = cursor.stop().offset;
    const std::uint64_t content_end = end_of_content(file, stop);
    const bool inside = cursor.inside_frame();
    const bool clean = inside ? stop == cursor.file_size() : content_end == stop;
    if (!clean && proven_synced(file, owner_, stop)) {
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
  std::uint64_t owner_;
  Path path_;  // of the segment being read
  RecoveredLog log_;
};

}  // namespace

RecoveredLog recover_log(FileSystem& file_system, const Path& directory, std::uint64_t owner) {
  make_durable_directory(file_system, directory);
  if (file_system.exists(directory / kPreparingName)) {
    file_system.remove(directory / kPreparingName);
  }
  if (!log_exists(file_system, directory)) {
    create_segment(file_system, directory, {owner, 1, 0}, 0);
  }
  return Recovery(file_system, directory, owner).run();
}

bool log_exists(const FileSystem& file_system, const Path& directory) {
  return file_system.exists(directory) && !find_segments(file_system, directory).empty();
}

std::unique_ptr<File> create_segment(FileSystem& file_system, const Path& directory,
                                     const SegmentHeader& header, std::uint64_t zeros) {
  const Path preparing = directory / kPreparingName;
  const Path path = directory / segment_name(header.first_index);
  const HeaderBytes bytes = encode(header);
  const std::span<const std::byte> part(bytes);
  const auto file = file_system.open(preparing, FileSystem::OpenMode::kCreate);
  file->truncate(0);
  file->write(0, {&part, 1});
  write_zeros(*file, kHeaderSize, kHeaderSize + zeros);
  file->sync();
  file_system.rename(preparing, path);
  file_system.sync_directory(directory);
  return file_system.open(path, FileSystem::OpenMode::kReadWrite);
}

void write_zeros(File& file, std::uint64_t from, std::uint64_t to) {
  static constexpr std::array<std::byte, 64 << 10> kZeros{};
  std::vector<std::span<const std::byte>> parts;
  for (std::uint64_t at = from; at < to; at += parts.back().size()) {
    parts.push_back(std::span(kZeros).first(std::min<std::uint64_t>(kZeros.size(), to - at)));
  }
  if (!parts.empty()) file.write(from, parts);
}

}  // namespace storage
