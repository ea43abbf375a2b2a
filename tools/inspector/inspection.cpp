#include "inspector/inspection.h"

#include <fmt/format.h>
#include <unistd.h>

#include "inspector/settle.h"

namespace inspector {
namespace {

constexpr double kMebibyte = 1024.0 * 1024.0;

// One pass. The log is read first, then what a node makes durable before the log relies on it: so
// the log is never newer than what it is held against.
class Pass {
 public:
  Pass(client::ProgressLine& progress, bool check_content)
      : progress_(progress), check_content_(check_content) {}

  Inspection run(const Path& path) {
    found_.directory = open_directory(path, found_.findings);
    if (found_.directory.unfinished) return std::move(found_);
    const auto newest = newest_snapshot(found_.directory);
    walk_log(newest);
    found_.hard_state = read_hard_state(found_.directory, found_.findings);
    found_.snapshots = read_snapshots(
        found_.directory,
        {check_content_, [this](auto done, auto total) { show("snapshot", done, total); }},
        found_.findings);
    check_term();
    check_snapshot();
    choose_configuration();
    return std::move(found_);
  }

 private:
  void walk_log(std::optional<raft::Index> newest) {
    WalkOptions options;
    options.owner = found_.directory.owner;
    options.on_entry = [&](const Record& record, const Path&) {
      if (record.header.index == newest) at_snapshot_ = record.header.position();
      if (record.header.kind != kConfiguration) return;
      auto configuration = raft::decode_configuration(record.payload());
      if (!configuration) return;
      found_.configuration = std::move(*configuration);
      found_.configuration_index = record.header.index;
      found_.configuration_in_log = true;
    };
    options.on_finding = [&](const Finding& finding) { found_.findings.push_back(finding); };
    options.on_progress = [this](auto done, auto total) { show("log", done, total); };
    found_.log = LogWalk(found_.directory.log_path(), options).run();
    if (newest && found_.log.base.index == *newest) at_snapshot_ = found_.log.base;
  }

  void show(const char* what, std::uint64_t done, std::uint64_t total) {
    if (!progress_.is_due()) return;
    progress_.show(fmt::format("{}: {:.0f} of {:.0f} MiB", what,
                               static_cast<double>(done) / kMebibyte,
                               static_cast<double>(total) / kMebibyte));
  }

  void add(Weight weight, const Path& file, std::string what) {
    found_.findings.push_back({weight, file, 0, std::move(what)});
  }

  // A term is on disk before an entry of it.
  void check_term() {
    const auto& promised = found_.hard_state.in_force;
    if (!promised || found_.log.last.term <= promised->term) return;
    add(Weight::kDamage, found_.directory.path / "hard_state.0",
        fmt::format("the log holds entries of term {}, term and vote know none after {}",
                    found_.log.last.term, promised->term));
  }

  void check_snapshot() {
    const LogSummary& log = found_.log;
    if (log.segments.empty()) return;
    const Path& file = log.segments.front().path;
    const Snapshot* newest = nullptr;
    for (const Snapshot& each : found_.snapshots) {
      if (each.state == "complete" || each.state == "damaged") newest = &each;
    }
    if (newest != nullptr && !newest->header) return;
    const raft::LogPosition end = newest ? newest->header->last : raft::LogPosition{};
    if (log.base.index > end.index) {
      const std::string what =
          newest ? fmt::format("the newest snapshot ends with entry {}", end.index)
                 : std::string("there is no snapshot");
      add(Weight::kDamage, file,
          fmt::format("the log begins behind entry {}, and {}: what is between is missing",
                      log.base.index, what));
      return;
    }
    constexpr const char* kAnew = "a start of the node begins the log anew behind it";
    if (log.last.index < end.index) {
      add(Weight::kNote, newest->path,
          fmt::format("the log ends with entry {}, before the snapshot's last, {}; {}",
                      log.last.index, end.index, kAnew));
    } else if (at_snapshot_ && at_snapshot_->index == end.index && *at_snapshot_ != end) {
      add(Weight::kNote, newest->path,
          fmt::format("the log holds another entry {} than the snapshot; {}", end.index, kAnew));
    }
  }

  void choose_configuration() {
    if (found_.configuration_in_log) return;
    for (const Snapshot& each : found_.snapshots) {
      if (each.state != "complete" || !each.header) continue;
      found_.configuration = each.header->configuration;
      found_.configuration_index = each.header->last.index;
    }
  }

  client::ProgressLine& progress_;
  bool check_content_;
  Inspection found_;
  std::optional<raft::LogPosition> at_snapshot_;  // of the log, at the index of the newest
};

}  // namespace

Inspection inspect(const Path& directory, bool check_content) {
  client::ProgressLine progress;
  auto found =
      settle([&](const Findings&) { return Pass(progress, check_content).run(directory); });
  progress.clear();
  return found;
}

}  // namespace inspector
