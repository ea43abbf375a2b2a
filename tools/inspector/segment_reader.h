// SegmentReader: the records of one segment, from its header to the first place where no further
// one checks, and where asked on behind that place. What a record follows is for the caller.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "inspector/file.h"
#include "inspector/format.h"

namespace inspector {

struct Record {
  RecordHeader header;
  Bytes bytes;  // header and payload; valid until the next call
  std::uint64_t offset = 0;
  FrameHeader frame;  // the one that holds it

  [[nodiscard]] Bytes payload() const { return bytes.subspan(kRecordHeaderBytes); }
};

struct Stop {
  std::uint64_t offset = 0;
  std::string reason;
  bool contradiction = false;  // it checks, and cannot be: no interrupted write leaves that
  bool inside_frame = false;
  bool behind_record = false;   // inside a frame, a record of it has been read
  std::uint64_t frame_end = 0;  // inside a frame: where it ends, as it says
};

class SegmentReader {
 public:
  // `first`: the index of the first record, as header or name say.
  SegmentReader(const File& file, std::uint64_t owner, raft::Index first)
      : file_(file), window_(file), owner_(owner), expected_(first) {}

  // The next record: its checksum is right, it lies within its frame, and has the index that
  // belongs there. None: stop() says why.
  [[nodiscard]] std::optional<Record> next();
  [[nodiscard]] const Stop& stop() const { return stop_; }
  // Of the record that belongs where it stands or stopped.
  [[nodiscard]] raft::Index expected() const { return expected_; }

  // After a stop. The first byte from there on that is not zero; the size of the file where there
  // is none.
  [[nodiscard]] std::uint64_t content_behind();
  // Whether a frame behind the stop says that the bytes at the stop had been on disk before it.
  [[nodiscard]] bool proven_synced();
  // Goes on with the next frame behind that does not repeat an index; where it begins.
  [[nodiscard]] std::optional<std::uint64_t> resume();

 private:
  [[nodiscard]] bool enter_frame();
  [[nodiscard]] std::optional<Record> halt(Stop stop);
  // The first frame at or behind `from` that `wanted` takes.
  template <typename Wanted>
  [[nodiscard]] std::optional<FrameHeader> find_frame(std::uint64_t from, Wanted wanted);

  const File& file_;
  Window window_;
  std::uint64_t owner_;
  raft::Index expected_;
  std::uint64_t offset_ = kSegmentHeaderBytes;  // of the next record, or of the end of a frame
  std::uint64_t frame_end_ = kSegmentHeaderBytes;
  std::uint32_t left_in_frame_ = 0;  // records
  FrameHeader frame_;
  Stop stop_;
};

}  // namespace inspector
