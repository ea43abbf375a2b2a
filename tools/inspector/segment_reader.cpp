#include "inspector/segment_reader.h"

#include <fmt/format.h>

#include <algorithm>

namespace inspector {
namespace {

constexpr std::uint64_t kScanBytes = 1 << 20;

std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

}  // namespace

std::optional<Record> SegmentReader::halt(Stop stop) {
  stop_ = std::move(stop);
  return std::nullopt;
}

// At the end of a frame, or of the segment header.
bool SegmentReader::enter_frame() {
  const std::uint64_t at = aligned(offset_);
  if (const auto odd = first_not_zero(window_, offset_, std::min(at, file_.size()))) {
    stop_ = {.offset = *odd, .reason = "a byte between two frames is not zero"};
    return false;
  }
  const auto frame = decode_frame_header(window_.at(at, kFrameHeaderBytes), owner_, at);
  if (!frame) {
    const bool ends = at >= file_.size();
    stop_ = {.offset = ends ? offset_ : at,
             .reason = ends ? "the file ends" : "no frame header that checks"};
    return false;
  }
  std::string problem = impossible(*frame);
  if (problem.empty() && frame->first_index != expected_) {
    problem = fmt::format("a frame begins with entry {} where entry {} belongs", frame->first_index,
                          expected_);
  }
  if (!problem.empty()) {
    stop_ = {.offset = at, .reason = std::move(problem), .contradiction = true};
    return false;
  }
  if (frame->count == 0) {
    stop_ = {.offset = at + kFrameHeaderBytes, .reason = "the seal of what is before it"};
    return false;
  }
  frame_ = *frame;
  left_in_frame_ = frame->count;
  offset_ = at + kFrameHeaderBytes;
  frame_end_ = offset_ + frame->length;
  return true;
}

std::optional<Record> SegmentReader::next() {
  if (left_in_frame_ == 0 && !enter_frame()) return std::nullopt;
  Stop stop{.offset = offset_,
            .inside_frame = true,
            .behind_record = left_in_frame_ < frame_.count,
            .frame_end = frame_end_};
  const std::uint64_t left = frame_end_ - offset_;
  auto bytes = window_.at(offset_, std::min(left, kRecordHeaderBytes));
  if (bytes.size() < kRecordHeaderBytes) {
    stop.reason = fmt::format("a record header of which {} bytes are there", bytes.size());
    // The frame is whole and yet has fewer records than it says.
    stop.contradiction = left == 0;
    return halt(std::move(stop));
  }
  const std::uint64_t size = kRecordHeaderBytes + load_record_header(bytes).length;
  bytes = window_.at(offset_, std::min(left, size));
  const RecordHeader header = load_record_header(bytes);
  if (bytes.size() < size) {
    stop.reason = fmt::format("a record of {} bytes of which {} are there", size, bytes.size());
    return halt(std::move(stop));
  }
  const std::uint64_t checksum = record_checksum(bytes);
  if (checksum != header.checksum) {
    stop.reason = fmt::format(
        "the record of entry {} does not check: the checksum is {:016x}, the "
        "bytes give {:016x}",
        expected_, header.checksum, checksum);
    return halt(std::move(stop));
  }
  if (header.index != expected_) {
    stop.reason = fmt::format("entry {} where entry {} belongs", header.index, expected_);
  } else if ((left_in_frame_ == 1) != (left == size)) {
    stop.reason = fmt::format("a frame whose records are not the {} that it says", frame_.count);
  }
  stop.contradiction = !stop.reason.empty();
  if (stop.contradiction) return halt(std::move(stop));
  const Record record{header, bytes, offset_, frame_};
  offset_ += size;
  --left_in_frame_;
  ++expected_;
  return record;
}

std::uint64_t SegmentReader::content_behind() {
  return first_not_zero(window_, stop_.offset, file_.size()).value_or(file_.size());
}

template <typename Wanted>
std::optional<FrameHeader> SegmentReader::find_frame(std::uint64_t from, Wanted wanted) {
  for (std::uint64_t at = aligned(from);;) {
    const Bytes chunk = window_.at(at, kScanBytes);
    if (chunk.size() < kFrameHeaderBytes) return std::nullopt;
    std::uint64_t place = 0;
    for (; place + kFrameHeaderBytes <= chunk.size(); place += kFrameAlignment) {
      const auto frame = decode_frame_header(chunk.subspan(place), owner_, at + place);
      if (frame && impossible(*frame).empty() && wanted(*frame)) return frame;
    }
    at += place;
  }
}

bool SegmentReader::proven_synced() {
  return find_frame(stop_.offset + 1,
                    [&](const FrameHeader& frame) { return frame.synced > stop_.offset; })
      .has_value();
}

std::optional<std::uint64_t> SegmentReader::resume() {
  // The frame that holds the stop is behind it already; a frame that was refused is looked at
  // again.
  const auto frame = find_frame(
      stop_.offset, [&](const FrameHeader& each) { return each.first_index >= expected_; });
  if (!frame) return std::nullopt;
  expected_ = frame->first_index;
  offset_ = frame_end_ = frame->offset;
  left_in_frame_ = 0;
  return frame->offset;
}

}  // namespace inspector
