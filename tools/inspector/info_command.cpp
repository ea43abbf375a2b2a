// raft-log info.
#include <fmt/format.h>

#include "client/terminal.h"
#include "inspector/describe.h"
#include "inspector/findings_output.h"
#include "inspector/inspection.h"
#include "inspector/options.h"

namespace inspector {
namespace {

std::string vote_text(raft::NodeId voted_for) {
  return voted_for == 0 ? "no vote" : fmt::format("a vote for node {}", voted_for);
}

void print_identity(const Inspection& found) {
  if (const auto& identity = found.directory.identity) {
    fmt::print("node {} of cluster \"{}\", data directory {}, started {} times\n", identity->node,
               client::printable(identity->cluster), hex64(identity->directory_id),
               identity->starts);
  } else {
    fmt::print("no identity that checks; the log is of {}\n", describe(found.directory.owner));
  }
}

void print_hard_state(const HardState& state) {
  if (state.in_force) {
    fmt::print("term {}, {}\n", state.in_force->term, vote_text(state.in_force->voted_for));
  } else {
    fmt::print("term and vote: not known\n");
  }
  for (std::size_t which = 0; which < state.copies.size(); ++which) {
    if (const auto& copy = state.copies[which]) {
      fmt::print("  hard_state.{}: save {}, term {}, {}\n", which, copy->sequence, copy->term,
                 vote_text(copy->voted_for));
    } else {
      fmt::print("  hard_state.{}: {}\n", which, state.problems[which]);
    }
  }
}

void print_log(const LogSummary& log) {
  if (log.empty()) {
    fmt::print("log: empty behind entry {}\n", log.base.index);
  } else {
    fmt::print("log: entries {} to {}, terms {} to {}\n", log.ranges.front().first,
               log.ranges.back().last, log.terms.front().term, log.terms.back().term);
  }
  for (const Segment& segment : log.segments) {
    const std::string entries =
        segment.entries == 0
            ? "no entry"
            : fmt::format("entries {} to {}", segment.first_index, segment.last_index);
    fmt::print("  {}  {}, {} bytes, {}\n", segment.path.filename().string(), entries, segment.bytes,
               segment.state);
  }
  for (std::size_t i = 0; i < log.terms.size(); ++i) {
    fmt::print("  term {} from entry {}\n", log.terms[i].term, log.terms[i].first_index);
  }
}

void print_snapshots(const std::vector<Snapshot>& snapshots) {
  if (snapshots.empty()) fmt::print("snapshots: none\n");
  for (const Snapshot& snapshot : snapshots) {
    fmt::print("snapshot {}: {}, {} bytes", snapshot.path.filename().string(), snapshot.state,
               snapshot.bytes);
    if (snapshot.header) {
      fmt::print(", up to entry {} of term {}, {} bytes of content", snapshot.header->last.index,
                 snapshot.header->last.term, snapshot.header->content_bytes);
    }
    fmt::print("\n");
  }
}

void print_configuration(const Inspection& found) {
  if (!found.configuration) {
    fmt::print("configuration: none\n");
    return;
  }
  fmt::print("configuration, of {} {}: {}\n",
             found.configuration_in_log ? "entry" : "the snapshot up to entry",
             found.configuration_index, configuration_text(*found.configuration));
  for (const raft::Member& member : found.configuration->members) {
    fmt::print("  node {}: {}, {}, {}, data directory {}\n", member.id,
               client::printable(member.peer), client::printable(member.client),
               client::printable(member.publish),
               member.identity == 0 ? "not known" : hex64(member.identity));
  }
}

Json hard_state_json(const HardState& state) {
  const auto to_json = [](const HardStateCopy& copy) -> Json {
    Json json{{"sequence", copy.sequence}, {"term", copy.term}, {"voted_for", nullptr}};
    if (copy.voted_for != 0) json["voted_for"] = copy.voted_for;
    return json;
  };
  Json copies = Json::array();
  for (std::size_t which = 0; which < state.copies.size(); ++which) {
    const auto& copy = state.copies[which];
    Json json = copy ? to_json(*copy) : Json{{"problem", state.problems[which]}};
    json["valid"] = copy.has_value();
    copies.push_back(std::move(json));
  }
  return {{"in_force", state.in_force ? to_json(*state.in_force) : Json(nullptr)},
          {"copies", std::move(copies)}};
}

Json log_json(const LogSummary& log) {
  Json segments = Json::array();
  for (const Segment& segment : log.segments) {
    segments.push_back(
        {{"file", segment.path.filename().string()},
         {"first_index", segment.before.index + 1},
         {"last_index", segment.entries == 0 ? segment.before.index : segment.last_index},
         {"entries", segment.entries},
         {"bytes", segment.bytes},
         {"state", segment.state}});
  }
  Json terms = Json::array();
  for (const TermRun& run : log.terms) {
    terms.push_back({{"term", run.term}, {"first_index", run.first_index}});
  }
  return {{"first_index", log.base.index + 1},
          {"last_index", log.last.index},
          {"terms", std::move(terms)},
          {"segments", std::move(segments)}};
}

Json snapshots_json(const std::vector<Snapshot>& snapshots) {
  Json array = Json::array();
  for (const Snapshot& snapshot : snapshots) {
    Json json{{"file", snapshot.path.filename().string()},
              {"state", snapshot.state},
              {"bytes", snapshot.bytes}};
    if (snapshot.header) {
      json["index"] = snapshot.header->last.index;
      json["term"] = snapshot.header->last.term;
      json["content_bytes"] = snapshot.header->content_bytes;
      json["configuration"] = configuration_json(snapshot.header->configuration);
    }
    array.push_back(std::move(json));
  }
  return array;
}

void print_json(const Inspection& found) {
  Json json{{"identity", nullptr}};
  if (const auto& identity = found.directory.identity) {
    json["identity"] = {{"cluster", client::bytes_to_json(identity->cluster)},
                        {"node", identity->node},
                        {"directory", hex64(identity->directory_id)},
                        {"starts", identity->starts}};
  }
  json["format_version"] = kFormatVersion;
  json["segment_version"] = kSegmentVersion;
  json["snapshot_version"] = kSnapshotVersion;
  json["hard_state"] = hard_state_json(found.hard_state);
  json["log"] = log_json(found.log);
  json["snapshots"] = snapshots_json(found.snapshots);
  json["configuration"] = nullptr;
  if (found.configuration) {
    json["configuration"] = configuration_json(*found.configuration);
    json["configuration"]["index"] = found.configuration_index;
  }
  Json findings = Json::array();
  for (const Finding& each : found.findings) findings.push_back(finding_json(each));
  json["findings"] = std::move(findings);
  fmt::print("{}\n", json.dump());
}

}  // namespace

int run_info(const Options& options) {
  const Inspection found = inspect(options.directory, false);
  if (options.json) {
    print_json(found);
  } else {
    print_identity(found);
    fmt::print("format version {}, of segments {}, of snapshots {}\n", kFormatVersion,
               kSegmentVersion, kSnapshotVersion);
    print_hard_state(found.hard_state);
    print_log(found.log);
    print_snapshots(found.snapshots);
    print_configuration(found);
    print_findings(stdout, found.findings, false);
  }
  return damaged(found.findings) ? kFound : kSuccess;
}

}  // namespace inspector
