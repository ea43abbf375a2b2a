// raft-log dump.
#include <fmt/format.h>

#include <cctype>

#include "inspector/data_directory.h"
#include "inspector/describe.h"
#include "inspector/findings_output.h"
#include "inspector/log_walk.h"
#include "inspector/options.h"
#include "inspector/settle.h"

namespace inspector {
namespace {

constexpr std::size_t kBytesInLine = 16;

struct Found {
  Findings findings;
  Path path;
  std::vector<std::byte> bytes;  // of the record, copied; empty: it is not there
  std::uint64_t offset = 0;
  std::optional<FrameHeader> frame;  // none: the record does not check
  std::vector<Range> ranges;

  [[nodiscard]] Record record() const {
    return {load_record_header(bytes), bytes, offset, frame.value_or(FrameHeader{})};
  }
};

// What stands where the entry should be: as long as it says, and not beyond its frame.
void take_unreadable(const Stop& stop, const Path& path, Found& found) {
  const File file(path);
  std::vector<std::byte> bytes(kRecordHeaderBytes);
  if (file.read(stop.offset, bytes).size() < kRecordHeaderBytes) return;
  const std::uint64_t end = std::min(stop.frame_end, file.size());
  if (end < stop.offset + kRecordHeaderBytes) return;
  bytes.resize(static_cast<std::size_t>(
      std::min(end - stop.offset, kRecordHeaderBytes + load_record_header(bytes).length)));
  bytes.resize(file.read(stop.offset, bytes).size());
  if (bytes.size() < kRecordHeaderBytes) return;
  found.path = path;
  found.offset = stop.offset;
  found.bytes = std::move(bytes);
}

Found find_entry(const Options& options) {
  Found found;
  const Directory directory = open_directory(options.directory, found.findings);
  if (directory.unfinished) return found;
  WalkOptions walk;
  walk.owner = directory.owner;
  walk.from = walk.to = options.index;
  walk.on_entry = [&](const Record& record, const Path& path) {
    if (record.header.index != options.index) return;
    found.path = path;
    found.offset = record.offset;
    found.bytes.assign(record.bytes.begin(), record.bytes.end());
    found.frame = record.frame;
  };
  walk.on_unreadable = [&](raft::Index index, const Stop& stop, const Path& path) {
    if (index == options.index && stop.inside_frame) take_unreadable(stop, path, found);
  };
  walk.on_finding = [&](const Finding& finding) { found.findings.push_back(finding); };
  static_cast<void>(LogWalk(directory.log_path(), walk).run());
  if (!found.bytes.empty()) return found;
  WalkOptions all;
  all.owner = directory.owner;
  found.ranges = LogWalk(directory.log_path(), all).run().ranges;
  return found;
}

std::string hex(Bytes bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += fmt::format("{}{:02x}", text.empty() ? "" : " ", std::to_integer<unsigned>(byte));
  }
  return text;
}

void print_field(const Record& record, std::size_t at, std::size_t size, const std::string& what) {
  fmt::print("  {:>10}  {:<23}  {}\n", record.offset + at, hex(record.bytes.subspan(at, size)),
             what);
}

void print_header(const Record& record) {
  const RecordHeader& header = record.header;
  const bool checks = record_checksum(record.bytes) == header.checksum;
  print_field(record, 0, 8,
              fmt::format("checksum {} ({})", hex64(header.checksum),
                          checks ? "right" : "does not fit what follows"));
  print_field(record, 8, 8,
              fmt::format("previous {}, the checksum of entry {}", hex64(header.previous),
                          header.index - 1));
  print_field(record, 16, 8, fmt::format("index    {}", header.index));
  print_field(record, 24, 8, fmt::format("term     {}", header.term));
  print_field(record, 32, 8, fmt::format("time     {} ms of the log", header.time_ms));
  print_field(record, 40, 4, fmt::format("length   {} bytes of payload", header.length));
  print_field(record, 44, 1, fmt::format("kind     {}", kind_name(header.kind)));
  print_field(record, 45, 3, header.zero == 0 ? "zero" : "should be zero");
}

void print_payload(const Record& record) {
  const Bytes payload = record.payload();
  for (std::size_t at = 0; at < payload.size(); at += kBytesInLine) {
    const Bytes line = payload.subspan(at, std::min(kBytesInLine, payload.size() - at));
    std::string text;
    for (const std::byte byte : line) {
      const auto character = std::to_integer<unsigned char>(byte);
      text += character >= 0x20 && character < 0x7f ? static_cast<char>(character) : '.';
    }
    fmt::print("  {:>10}  {:<47}  {}\n", record.offset + kRecordHeaderBytes + at, hex(line), text);
  }
}

void print_text(const Found& found) {
  const Record record = found.record();
  fmt::print("{}, offset {}: {} bytes", found.path.string(), found.offset, record.bytes.size());
  if (found.frame) {
    fmt::print(", in the frame at {}: entries {} to {}, written when the file was on disk up to {}",
               found.frame->offset, found.frame->first_index,
               found.frame->first_index + found.frame->count - 1, found.frame->synced);
  }
  fmt::print("\n");
  print_header(record);
  if (found.frame) fmt::print("{}\n", entry_text(record, true));
  print_payload(record);
}

void print_json(const Found& found) {
  const Record record = found.record();
  Json json = found.frame ? entry_json(record, true) : Json::object();
  json["file"] = client::bytes_to_json(found.path.string());
  json["offset"] = found.offset;
  if (found.frame) {
    json["frame"] = {{"offset", found.frame->offset},
                     {"synced", found.frame->synced},
                     {"first_index", found.frame->first_index},
                     {"count", found.frame->count}};
  }
  json["checksum"] = hex64(record.header.checksum);
  json["checks"] = found.frame.has_value();
  json["previous"] = hex64(record.header.previous);
  json["record"] = hex(record.bytes);
  fmt::print("{}\n", json.dump());
}

int report_missing(const Options& options, const Found& found) {
  std::string there;
  for (const Range& range : found.ranges) {
    there += fmt::format("{}{} to {}", there.empty() ? "" : ", ", range.first, range.last);
  }
  fmt::print(stderr, "raft-log: entry {} is not in the log of {}, which holds {}\n", options.index,
             options.directory, there.empty() ? "none" : there);
  return kFound;
}

}  // namespace

int run_dump(const Options& options) {
  const Found found = settle([&](const Findings&) { return find_entry(options); });
  int code = kSuccess;
  if (found.bytes.empty()) {
    code = report_missing(options, found);
  } else if (options.raw) {
    const Bytes payload = found.record().payload();
    std::fwrite(payload.data(), 1, payload.size(), stdout);
  } else if (options.json) {
    print_json(found);
  } else {
    print_text(found);
  }
  std::fflush(stdout);
  print_findings(stderr, found.findings, false);
  return found.bytes.empty() || damaged(found.findings) ? kFound : code;
}

}  // namespace inspector
