// LogWalk: one pass over all segments of a log, from the first to the last, by the rules of
// docs/log-format.md. Where a node stops at the first damage, this says what it is and goes on
// behind it, with what can still be read. Nothing is changed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "inspector/file.h"
#include "inspector/finding.h"
#include "inspector/segment_reader.h"

namespace inspector {

struct Segment {
  Path path;
  std::uint64_t bytes = 0;      // of the file
  raft::LogPosition before;     // the entry before the first, as the header says
  raft::Index first_index = 0;  // 0: no entry of it can be read
  raft::Index last_index = 0;
  std::uint64_t entries = 0;
  std::string state;  // "closed", "open"; "cut": by a truncation; "torn tail"; "damaged"
};

// Entries from one index on, without hole, as they could be read.
struct Range {
  raft::Index first = 0;
  raft::Index last = 0;
};

// From this entry on, up to the next run.
struct TermRun {
  raft::Index first_index = 0;
  raft::Term term = 0;
};

struct LogSummary {
  std::vector<Segment> segments;
  std::vector<Range> ranges;
  std::vector<TermRun> terms;
  raft::LogPosition base;  // of the first segment
  raft::LogPosition last;  // the last entry, or the base where there is none
  bool replaced = false;   // replacement.segment is there, and is the log

  [[nodiscard]] bool empty() const { return ranges.empty(); }
};

struct WalkOptions {
  LogOwner owner;
  // Segments that end before it are passed over, unread.
  raft::Index from = 0;
  // No segment behind the one that holds it is read.
  raft::Index to = UINT64_MAX;
  std::function<void(const Record&, const Path&)> on_entry;  // may be empty
  // What is found, as it is found; may be empty.
  std::function<void(const Finding&)> on_finding;
  // Where this entry should be is none that checks; may be empty.
  std::function<void(raft::Index, const Stop&, const Path&)> on_unreadable;
  // Bytes that were read, and all there are; may be empty.
  std::function<void(std::uint64_t, std::uint64_t)> on_progress;
};

// The segments that are the log, by rising first index.
struct SegmentNames {
  std::vector<std::string> names;
  bool replaced = false;
};
// None where there is no such directory.
[[nodiscard]] std::optional<SegmentNames> segments_in(const Path& directory);

class LogWalk {
 public:
  // `directory`: DIR/log.
  LogWalk(Path directory, const WalkOptions& options)
      : directory_(std::move(directory)), options_(options) {}

  // Once. Throws MovedOn and Unreadable. Findings go to the options' on_finding.
  [[nodiscard]] LogSummary run();

 private:
  void choose_segments(const SegmentNames& found);
  void open_segments();
  void read_segment(std::size_t place, bool last);
  [[nodiscard]] std::optional<SegmentHeader> read_header(const File& file, raft::Index named);
  void follow(const SegmentHeader& header);
  void read_entries(SegmentReader& reader, const File& file, bool last);
  [[nodiscard]] bool goes_on(SegmentReader& reader, const File& file, bool last);
  void take(const Record& record, const File& file);
  void check_follows(const Record& record, const File& file);
  void report(Weight weight, const Path& file, std::uint64_t offset, std::string what);

  Path directory_;
  const WalkOptions& options_;
  LogSummary log_;
  std::vector<std::string> names_;            // of the segments to be read
  std::vector<std::unique_ptr<File>> files_;  // of the first of them
  std::optional<raft::LogPosition> before_;   // what the next record follows, where it is known
  bool tail_lost_ = false;                    // the end of the segment before cannot be read
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_total_ = 0;
};

}  // namespace inspector
