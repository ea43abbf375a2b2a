#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>

#include "actors/commands/commands.h"
#include "actors/commands/new_cluster.h"
#include "actors/commands/progress.h"
#include "actors/commands/recovery_report.h"
#include "actors/database.h"
#include "actors/disk.h"
#include "storage/new_directory.h"
#include "storage/survivor.h"

namespace commands {
namespace {

using Path = std::filesystem::path;

constexpr std::size_t kEntryBytes = 8 << 20;

// The three places of a recovery.
struct Places {
  explicit Places(const Path& data_directory)
      : directory(storage::beside(data_directory, "")),
        recovered(storage::beside(data_directory, storage::kRecoveredSuffix)),
        before(storage::beside(data_directory, storage::kBeforeRecoverySuffix)) {}

  Path directory;
  Path recovered;  // the new one, while it is made
  Path before;     // the old one, afterwards
};

// Each step is durable before the next. Between the two there is no data directory, and a start
// of the node refuses to make one.
void move_in(storage::FileSystem& file_system, const Places& places) {
  const Path parent = places.directory.parent_path();
  if (storage::read_identity(file_system, places.directory)) {
    file_system.rename(places.directory, places.before);
    file_system.sync_directory(parent);
  }
  file_system.rename(places.recovered, places.directory);
  file_system.sync_directory(parent);
}

// Of a recovery that was cut short between its two renames.
bool finish_cut_short(storage::FileSystem& file_system, const settings::Settings& settings,
                      const Places& places) {
  if (storage::read_identity(file_system, places.directory)) return false;
  const auto recovered = storage::read_identity(file_system, places.recovered);
  if (!recovered || !file_system.exists(places.before)) return false;
  if (recovered->node != settings.node.id || recovered->cluster != settings.node.cluster) {
    throw storage::Refused(fmt::format("{} is of node {} of cluster \"{}\": correct the settings",
                                       places.recovered.string(), recovered->node,
                                       recovered->cluster));
  }
  move_in(file_system, places);
  return true;
}

void check_places(storage::FileSystem& file_system, const Places& places) {
  if (file_system.exists(places.before)) {
    throw storage::Refused(fmt::format(
        "{} is there: {} was recovered before; start its node, or, to recover once more, move the "
        "older one away",
        places.before.string(), places.directory.string()));
  }
  if (!storage::read_identity(file_system, places.directory)) {
    throw storage::Refused(
        fmt::format("{} holds no node: there is nothing to recover", places.directory.string()));
  }
}

std::vector<storage::Survivor> inspect(storage::FileSystem& file_system,
                                       const settings::Settings& settings,
                                       const std::vector<Path>& members) {
  std::vector<storage::Survivor> survivors;
  for (const Path& path : members) {
    survivors.push_back(storage::inspect_survivor(file_system, path));
    const std::string& cluster = survivors.back().identity.cluster;
    if (cluster == settings.node.cluster) continue;
    throw storage::Refused(fmt::format("{} is of cluster \"{}\", and this is cluster \"{}\"",
                                       path.string(), cluster, settings.node.cluster));
  }
  return survivors;
}

// §5.4.1: what was committed is in the log that is the most up to date of a majority. Of fewer,
// that one has the most of it.
void refuse_if_another_knows_more(const std::vector<storage::Survivor>& survivors,
                                  const raft::LogPosition& last) {
  const auto best = std::ranges::max_element(survivors, [](const auto& a, const auto& b) {
    return storage::more_up_to_date(b.last, a.last);
  });
  if (best == survivors.end() || !storage::more_up_to_date(best->last, last)) return;
  throw storage::Refused(fmt::format(
      "{}, of node {}, is the best surviving directory: it ends with entry {} of term {}, this one "
      "with entry {} of term {}; recover that node instead",
      best->path.string(), best->identity.node, best->last.index, best->last.term, last.index,
      last.term));
}

actors::Disk open_disk(storage::FileSystem& file_system, const settings::Settings& settings,
                       const actors::ActorLog& log) {
  try {
    return {file_system, settings, log};
  } catch (const storage::InUse&) {
    throw storage::Refused(fmt::format("{} is in use: its node runs; stop it first",
                                       settings.node.data_directory.string()));
  }
}

void ask_for_confirmation() {
  if (isatty(STDIN_FILENO) != 1) {
    throw NotConfirmed("nothing was changed: there is no terminal to confirm this at; say --yes");
  }
  fmt::print("Type `yes` to go on: ");
  std::fflush(stdout);
  std::string answer;
  for (int next = std::getchar(); next != EOF && next != '\n'; next = std::getchar()) {
    answer += static_cast<char>(next);
  }
  if (answer != "yes") throw std::runtime_error("nothing was changed");
}

// The state of `disk`, and then all of its log. In a copy: should the old cluster come to life
// again, what is in the old directory has to be what it was.
void fill_with_all(const actors::Disk& disk, ::database::Database& state) {
  load_snapshot(state, [&](const TakePart& take) { read_state(*disk.state_machine, take); });
  const storage::LogStore& log = disk.persistence->log();
  Progress progress("entries applied", log.last_index() - state.applied_index());
  while (state.applied_index() < log.last_index()) {
    std::vector<::database::Committed> committed;
    for (const raft::Entry& entry :
         log.read(state.applied_index() + 1, log.last_index(), kEntryBytes)) {
      committed.push_back(actors::to_committed(entry));
    }
    static_cast<void>(state.apply(committed));
    progress.add(committed.size());
  }
}

void write_note(storage::FileSystem& file_system, const Path& directory, const std::string& text) {
  const auto file =
      file_system.open(directory / "recovery.txt", storage::FileSystem::OpenMode::kCreate);
  const auto bytes = std::as_bytes(std::span(text));
  file->write(0, {&bytes, 1});
  file->sync();
  file_system.sync_directory(directory);
}

void print_done(const settings::Settings& settings, const Places& places) {
  fmt::print("{}: node {} is a new cluster {} now, its only member; the old directory is {}\n",
             places.directory.string(), settings.node.id, settings.node.cluster,
             places.before.string());
}

}  // namespace

void recover(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::vector<Path>& members, bool confirmed) {
  const Places places(settings.node.data_directory);
  if (finish_cut_short(file_system, settings, places)) return print_done(settings, places);
  check_places(file_system, places);
  const auto survivors = inspect(file_system, settings, members);
  const actors::Logging logging(settings.node.id, settings.logging.level);
  actors::Disk disk = open_disk(file_system, settings, actors::ActorLog(logging, "recover"));
  const raft::LogPosition last = disk.persistence->log().last();
  if (last.index == 0) {
    throw storage::Refused(
        fmt::format("{} holds no entry: there is nothing to recover", places.directory.string()));
  }
  refuse_if_another_knows_more(survivors, last);
  const std::string report = describe_recovery(settings, disk, survivors);
  fmt::print("{}", report);
  if (!confirmed) ask_for_confirmation();

  std::filesystem::remove_all(places.recovered);  // of a recovery that was cut short
  found_cluster(file_system, settings, places.recovered, last,
                [&](::database::Database& state) { fill_with_all(disk, state); });
  write_note(file_system, places.recovered, report);
  disk.state_machine.reset();  // its files move
  move_in(file_system, places);
  print_done(settings, places);
}

}  // namespace commands
