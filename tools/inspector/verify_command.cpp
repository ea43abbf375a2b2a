// raft-log verify.
#include <fmt/format.h>
#include <unistd.h>

#include "client/terminal.h"
#include "inspector/describe.h"
#include "inspector/findings_output.h"
#include "inspector/inspection.h"
#include "inspector/options.h"

namespace inspector {
namespace {

std::string verdict(const Findings& findings) {
  if (damaged(findings)) return "damaged";
  for (const Finding& each : findings) {
    if (each.weight == Weight::kTornTail) return "torn tail";
  }
  return "clean";
}

std::uint64_t count_entries(const LogSummary& log) {
  std::uint64_t entries = 0;
  for (const Segment& segment : log.segments) entries += segment.entries;
  return entries;
}

std::string ranges_text(const std::vector<Range>& ranges) {
  std::string text;
  for (const Range& range : ranges) {
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", range.first, range.last);
  }
  return text;
}

void print_summary(const Inspection& found, const std::string& path) {
  const std::string word = verdict(found.findings);
  const int code = word == "damaged" ? 31 : word == "clean" ? 32 : 33;
  const bool colour = client::is_terminal(STDOUT_FILENO);
  const LogSummary& log = found.log;
  const std::string entries =
      log.empty() ? fmt::format("no entry behind {}", log.base.index)
                  : fmt::format("{} entries, {}", count_entries(log), ranges_text(log.ranges));
  fmt::print("{}: {}: {} in {} segments\n", path,
             colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, word) : word, entries,
             log.segments.size());
}

void print_summary_json(const Inspection& found) {
  Json ranges = Json::array();
  for (const Range& range : found.log.ranges) {
    ranges.push_back({{"first", range.first}, {"last", range.last}});
  }
  std::uint64_t content = 0;
  for (const Snapshot& each : found.snapshots) {
    if (each.state == "complete" && each.header) content = each.header->content_bytes;
  }
  const Json summary{{"verdict", verdict(found.findings)},
                     {"entries", count_entries(found.log)},
                     {"ranges", std::move(ranges)},
                     {"segments", found.log.segments.size()},
                     {"snapshot_content_bytes", content}};
  fmt::print("{}\n", Json{{"summary", summary}}.dump());
}

}  // namespace

int run_verify(const Options& options) {
  const Inspection found = inspect(options.directory, true);
  print_findings(stdout, found.findings, options.json);
  if (options.json) {
    print_summary_json(found);
  } else {
    print_summary(found, options.directory);
  }
  return damaged(found.findings) ? kFound : kSuccess;
}

}  // namespace inspector
