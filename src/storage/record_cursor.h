// RecordCursor: walks the records of one segment from a given place to the first that does not
// check, reading in large chunks. The entries of one chunk share its buffer. Recovery, reading
// and truncation all see a segment through it. Used by src/storage alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "raft/entry.h"
#include "storage/file_system.h"
#include "storage/segment_format.h"

namespace storage {

// A place in a segment where a record or, at offset == frame_end, a frame begins.
struct Mark {
  raft::Index index = 0;        // of the record there
  std::uint64_t offset = 0;     // of the record, or of the end of the frame before
  std::uint64_t frame_end = 0;  // where the records of its frame end
};

// Why a cursor went no further.
struct Stop {
  std::uint64_t offset = 0;    // where something else than the next record stands
  std::string reason;          // for people
  bool contradiction = false;  // the bytes check, yet do not follow: no torn write does that
  bool sealed = false;         // a seal stands there
};

class RecordCursor {
 public:
  // `previous_checksum`: of the record before `start`, where it is known.
  RecordCursor(const File& file, std::uint64_t owner, Mark start,
               std::optional<std::uint64_t> previous_checksum, std::size_t chunk_bytes);

  // The next record, verified, or none: then stop() says why.
  [[nodiscard]] std::optional<raft::Entry> next();

  [[nodiscard]] const Stop& stop() const { return stop_; }
  // Of the record that next() returned last.
  [[nodiscard]] std::uint64_t record_offset() const { return record_offset_; }
  // Behind the record that next() returned last.
  [[nodiscard]] const Mark& position() const { return position_; }
  // The frame entered last, if one was entered.
  [[nodiscard]] const std::optional<FrameHeader>& frame() const { return frame_; }
  // Whether the frame entered last has further records to come.
  [[nodiscard]] bool inside_frame() const { return position_.offset != position_.frame_end; }
  [[nodiscard]] std::uint64_t file_size() const { return file_size_; }
  // Behind the last record and its seal, if there is one: from here on nothing is written yet.
  [[nodiscard]] std::uint64_t end() const {
    return stop_.sealed ? stop_.offset + kFrameHeaderSize : stop_.offset;
  }

 private:
  [[nodiscard]] base::SharedBytes window(std::uint64_t offset, std::uint64_t size);
  [[nodiscard]] bool enter_frame();
  [[nodiscard]] bool follows(const raft::Entry& entry) const;

  const File& file_;
  std::uint64_t owner_;
  Mark position_;
  std::optional<std::uint64_t> previous_checksum_;
  std::size_t chunk_bytes_;
  std::uint64_t file_size_;
  std::uint64_t record_offset_ = 0;
  std::uint32_t left_in_frame_ = 0;  // records; 0 where the cursor began inside the frame
  std::optional<FrameHeader> frame_;
  Stop stop_;
  base::SharedBytes chunk_;
  std::uint64_t chunk_offset_ = 0;
};

// Where the last byte that is not zero in [from, file.size()) ends; `from` where all are zero.
[[nodiscard]] std::uint64_t end_of_content(const File& file, std::uint64_t from);
// Whether a frame behind `offset` was written after the bytes at `offset` were synced.
[[nodiscard]] bool proven_synced(const File& file, std::uint64_t owner, std::uint64_t offset);

}  // namespace storage
