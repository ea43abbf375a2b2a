#include "inspector/log_walk.h"

#include <fmt/format.h>

#include <algorithm>

namespace inspector {
namespace {

// Checksum and magic. Where zeros stand instead, there is no frame, and what follows is not of one.
constexpr std::uint64_t kFrameStartBytes = 16;
// Well below the 1024 that a process may have open by default.
constexpr std::size_t kMostOpenFiles = 500;
constexpr const char* kSuffix = ".segment";
// While it is there it is the log, and the others are remainders of the one before.
constexpr const char* kReplacement = "replacement.segment";

std::string position_text(const raft::LogPosition& position) {
  return fmt::format("entry {} of term {} at {} ms with checksum {:016x}", position.index,
                     position.term, position.time_ms, position.checksum);
}

}  // namespace

std::optional<SegmentNames> segments_in(const Path& directory) {
  const auto names = names_in(directory);
  if (!names) return std::nullopt;
  SegmentNames found;
  for (const std::string& name : *names) {
    if (name == kReplacement) return SegmentNames{{name}, true};
    if (index_in_name(name, kSuffix).value_or(0) > 0) found.names.push_back(name);
  }
  return found;
}

void LogWalk::report(Weight weight, const Path& file, std::uint64_t offset, std::string what) {
  if (weight == Weight::kDamage && !log_.segments.empty()) log_.segments.back().state = "damaged";
  if (options_.on_finding) options_.on_finding({weight, file, offset, std::move(what)});
}

LogSummary LogWalk::run() {
  const auto found = segments_in(directory_);
  if (!found) {
    report(Weight::kDamage, directory_, 0, "the log is missing");
    return std::move(log_);
  }
  if (found->names.empty()) {
    report(Weight::kDamage, directory_, 0, "the log is missing: there is no segment");
    return std::move(log_);
  }
  choose_segments(*found);
  open_segments();
  for (std::size_t place = 0; place < names_.size(); ++place) {
    read_segment(place, names_[place] == found->names.back());
    bytes_done_ += log_.segments.back().bytes;
  }
  return std::move(log_);
}

// Names tell what a segment begins with, so those that hold nothing of what is asked for need not
// be read.
void LogWalk::choose_segments(const SegmentNames& found) {
  log_.replaced = found.replaced;
  if (found.replaced) {
    report(Weight::kNote, directory_ / kReplacement, 0,
           "the log is being replaced by an empty one; a start of the node finishes that");
  }
  names_ = found.names;
  if (found.replaced) return;
  const auto begins_behind = [](raft::Index index) {
    return [index](const std::string& name) { return index_in_name(name, kSuffix) > index; };
  };
  auto end = std::find_if(names_.begin(), names_.end(), begins_behind(options_.to));
  if (end == names_.begin()) ++end;
  names_.erase(end, names_.end());
  auto begin = std::find_if(names_.begin(), names_.end(), begins_behind(options_.from));
  if (begin != names_.begin()) --begin;
  names_.erase(names_.begin(), begin);
  for (const std::string& name : names_) {
    std::error_code error;
    const auto size = std::filesystem::file_size(directory_ / name, error);
    if (!error) bytes_total_ += size;
  }
}

// What is open can be read to its end, though a node may trim it meanwhile. Of what it trims it
// writes zeros over one now and then: the next pass finds that gone.
void LogWalk::open_segments() {
  for (const std::string& name : names_) {
    if (files_.size() == kMostOpenFiles) return;
    files_.push_back(std::make_unique<File>(directory_ / name));
  }
}

void LogWalk::read_segment(std::size_t place, bool last) {
  const std::string& name = names_[place];
  const auto opened =
      place < files_.size() ? std::move(files_[place]) : std::make_unique<File>(directory_ / name);
  const File& file = *opened;
  log_.segments.push_back({.path = file.path(), .bytes = file.size(), .state = ""});
  const raft::Index named = index_in_name(name, kSuffix).value_or(0);
  const auto header = read_header(file, named);
  if (header) {
    log_.segments.back().before = header->before;
    follow(*header);
  }
  if (log_.segments.size() == 1) {
    // What a header that does not check would have said is not known, but for its name.
    log_.base = header ? header->before : raft::LogPosition{named == 0 ? 0 : named - 1};
    log_.last = log_.base;
    if (header) before_ = header->before;
  }
  tail_lost_ = false;
  const raft::Index first = header ? header->first_index : named;
  if (before_ && before_->index + 1 != first) before_.reset();
  SegmentReader reader(file, options_.owner.directory, first);
  read_entries(reader, file, last);
  if (log_.segments.back().state.empty()) log_.segments.back().state = last ? "open" : "closed";
}

std::optional<SegmentHeader> LogWalk::read_header(const File& file, raft::Index named) {
  std::vector<std::byte> buffer(kMostSegmentHeaderBytes);
  const auto header = decode_segment_header(file.path(), file.read(0, buffer));
  if (!header) {
    report(Weight::kDamage, file.path(), 0, header.error());
    return std::nullopt;
  }
  if (header->owner != options_.owner) {
    report(Weight::kDamage, file.path(), 24,
           fmt::format("the segment belongs to {}{}, this is {}", describe(header->owner),
                       header->owner.cluster == options_.owner.cluster ? "" : " in another cluster",
                       describe(options_.owner)));
    return std::nullopt;
  }
  if (named != 0 && header->first_index != named) {
    report(Weight::kDamage, file.path(), 32,
           fmt::format("the segment begins with entry {}, its name says {}", header->first_index,
                       named));
  }
  return *header;
}

// A segment behind another one follows its last entry.
void LogWalk::follow(const SegmentHeader& header) {
  if (log_.segments.size() == 1) return;
  const Path& path = log_.segments.back().path;
  const raft::LogPosition& last = log_.last;
  const bool lost_before = tail_lost_ && header.before.index >= last.index;
  if (header.before.index > last.index && !lost_before) {
    report(Weight::kDamage, path, 32,
           fmt::format("a hole in the log: entries {} to {} are missing before this segment",
                       last.index + 1, header.before.index));
  } else if (header.before.index < last.index) {
    report(Weight::kDamage, path, 32,
           fmt::format("the segment begins with entry {}, which the log has already",
                       header.first_index));
  } else if (header.before.index == last.index && before_ && header.before != last) {
    report(Weight::kDamage, path, 32,
           fmt::format("the segment follows {}, the one before it ends with {}",
                       position_text(header.before), position_text(last)));
  }
  before_ = header.before;
}

void LogWalk::read_entries(SegmentReader& reader, const File& file, bool last) {
  do {
    while (const auto record = reader.next()) take(*record, file);
  } while (goes_on(reader, file, last));
}

// At a stop: says what it means, and whether there is more to read behind it.
bool LogWalk::goes_on(SegmentReader& reader, const File& file, bool last) {
  Segment& segment = log_.segments.back();
  Stop stop = reader.stop();
  if (!stop.contradiction) {
    const std::uint64_t content = stop.inside_frame ? stop.offset : reader.content_behind();
    const bool clean =
        content == file.size() && (!stop.inside_frame || stop.behind_record || !last);
    if (clean) {
      if (stop.inside_frame && segment.state.empty()) segment.state = "cut";
      return false;
    }
    if (options_.on_unreadable) options_.on_unreadable(reader.expected(), stop, file.path());
    const bool proven = !last || reader.proven_synced();
    if (content >= stop.offset + kFrameStartBytes) {
      stop.offset = content;
      stop.reason = "bytes that are not zero behind the last frame";
    }
    if (!proven) {
      if (segment.state.empty()) segment.state = "torn tail";
      report(Weight::kTornTail, file.path(), stop.offset,
             fmt::format("{}: an interrupted write behind entry {}, which a start of the node cuts",
                         stop.reason, reader.expected() - 1));
      return false;
    }
    if (last) stop.reason += ", although later writes show that it was on disk";
  }
  before_.reset();
  const auto next = reader.resume();
  tail_lost_ = !next;
  report(Weight::kDamage, file.path(), stop.offset,
         next ? fmt::format("{}; it goes on with entry {} at offset {}", stop.reason,
                            reader.expected(), *next)
              : fmt::format("{}; no entry behind it in this file can be read", stop.reason));
  return next.has_value();
}

void LogWalk::take(const Record& record, const File& file) {
  check_follows(record, file);
  before_ = log_.last = record.header.position();
  const raft::Index index = record.header.index;
  Segment& segment = log_.segments.back();
  if (segment.entries++ == 0) segment.first_index = index;
  segment.last_index = index;
  if (log_.ranges.empty() || log_.ranges.back().last + 1 != index) {
    log_.ranges.push_back({index, index});
  }
  log_.ranges.back().last = index;
  if (log_.terms.empty() || log_.terms.back().term != record.header.term) {
    log_.terms.push_back({index, record.header.term});
  }
  if (options_.on_entry) options_.on_entry(record, file.path());
  if (options_.on_progress) options_.on_progress(bytes_done_ + record.offset, bytes_total_);
}

void LogWalk::check_follows(const Record& record, const File& file) {
  const RecordHeader& header = record.header;
  const auto damage = [&](std::string what) {
    report(Weight::kDamage, file.path(), record.offset,
           fmt::format("entry {} {}", header.index, what));
  };
  if (header.term == 0) damage("has term 0");
  if (header.kind < kNoOperation || header.kind > kConfiguration) {
    damage(fmt::format("is of unknown kind {}", header.kind));
  }
  if (header.zero != 0) damage("has bytes that are not zero behind its kind");
  if (header.kind == kNoOperation && header.length != 0) damage("is a no-operation with a payload");
  if (header.kind == kConfiguration) {
    const auto configuration = raft::decode_configuration(record.payload());
    if (!configuration) damage("is no configuration: " + configuration.error());
  }
  if (!before_) return;
  if (header.previous != before_->checksum) {
    damage(fmt::format("follows a record with checksum {:016x}, the one before it has {:016x}",
                       header.previous, before_->checksum));
  }
  if (header.term < before_->term || header.time_ms < before_->time_ms) {
    damage(fmt::format("of term {} at {} ms follows term {} at {} ms", header.term, header.time_ms,
                       before_->term, before_->time_ms));
  }
}

}  // namespace inspector
