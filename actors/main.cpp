// raft-actor: runs one node of a cluster, or does what a stopped one needs.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <utility>

#include "actors/command_line.h"
#include "actors/commands/commands.h"
#include "actors/logging.h"
#include "actors/node.h"
#include "actors/process.h"
#include "actors/runtime.h"
#include "actors/supervisor.h"
#include "settings/settings.h"
#include "storage/file_system.h"

namespace {

constexpr int kSuccess = 0;
constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
constexpr int kEndedAtOnce = 130;  // as a shell reports the end by Ctrl-C
// Of a node one of whose actors failed: what waits for a disk that hangs would keep it for ever
// from being started again, and what it had to say is on disk or was never promised.
constexpr unsigned kSecondsToStop = 10;

settings::Settings load_settings(const actors::CommandLine& line) {
  settings::Settings settings = settings::load(settings::find(line.config));
  if (line.runtime) settings.runtime = *settings::runtime_mode_of(*line.runtime);
  if (line.log_level) settings.logging.level = *settings::log_level_of(*line.log_level);
  if (line.data_directory) settings.node.data_directory = *line.data_directory;
  return settings;
}

int check_config(const actors::CommandLine& line, const settings::Settings& settings) {
  fmt::print("{}: ok: node {} of cluster {}, {} members\n", settings::find(line.config).string(),
             settings.node.id, settings.node.cluster, settings.members.size());
  return kSuccess;
}

int run_node(const settings::Settings& settings, storage::FileSystem& file_system, bool profiled) {
  // Before the first thread is started, so that all have the signals blocked.
  actors::StopSignals signals;
  actors::Logging logging(settings.node.id, settings.logging.level);
  const actors::ActorLog log(logging, "main");

  const std::uint64_t open_files = actors::raise_open_files(settings.limits.max_open_files);
  if (open_files < settings.limits.max_open_files) {
    log.warning("only {} files may be open, max_open_files is {}: raise the limit of the system",
                open_files, settings.limits.max_open_files);
  }

  std::optional<actors::EndsBySignal> starting(std::in_place, signals);
  actors::Node node(settings, file_system, logging);
  actors::Runtime runtime(node.inside(), settings.runtime, node.actors(),
                          profiled ? &node.profile() : nullptr);
  const actors::Supervision supervision{.stop_order = node.stop_order(),
                                        .stop_descriptor = signals.descriptor(),
                                        .take_order = [&signals] { signals.take(); },
                                        .end_at_once = [] { _exit(kEndedAtOnce); },
                                        .limit_stop = [] { actors::end_after(kSecondsToStop); }};
  starting.reset();
  return actors::supervise(runtime, supervision, log) ? kSuccess : kFailure;
}

int run(const actors::CommandLine& line) {
  using Command = actors::CommandLine::Command;
  const settings::Settings settings = load_settings(line);
  if (line.check_config) return check_config(line, settings);
  const auto file_system = storage::posix_file_system();
  switch (line.command) {
    case Command::kRunNode:
      return run_node(settings, *file_system, line.profile);
    case Command::kBackUp:
      commands::back_up(*file_system, settings, line.file, line.force);
      break;
    case Command::kRestore:
      commands::restore(*file_system, settings, line.file, line.new_cluster);
      break;
    case Command::kRecover:
      commands::recover(*file_system, settings, {line.members.begin(), line.members.end()},
                        line.yes);
      break;
  }
  return kSuccess;
}

}  // namespace

int main(int argc, char** argv) {
  actors::CommandLine line;
  CLI::App app("raft-actor runs one node of a cluster.", "raft-actor");
  actors::describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kWrongUsage;
  }

  try {
    return run(line);
  } catch (const commands::NotConfirmed& error) {
    fmt::print(stderr, "raft-actor: {}\n", error.what());
    return kWrongUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft-actor: {}\n", error.what());
    return kFailure;
  }
}
