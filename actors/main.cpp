// raft-actor: runs one node of a cluster.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <string>

#include "actors/logging.h"
#include "actors/node.h"
#include "actors/process.h"
#include "actors/release.h"
#include "actors/runtime.h"
#include "actors/supervisor.h"
#include "settings/settings.h"
#include "storage/file_system.h"

namespace {

constexpr int kSuccess = 0;
constexpr int kFailure = 1;
constexpr int kWrongUsage = 2;
constexpr int kEndedAtOnce = 130;  // as a shell reports the end by Ctrl-C

struct CommandLine {
  std::string config;
  bool check_config = false;
  std::optional<std::string> runtime;
  std::optional<std::string> log_level;
  std::optional<std::string> data_directory;
};

void describe(CLI::App& app, CommandLine& line) {
  app.set_version_flag("--version", std::string("raft-actor ") + actors::release());
  app.add_option("CONFIG", line.config,
                 "Settings of the node. A bare file name that is not in the current folder is "
                 "looked for in the folders of RAFT_ACTOR_CONFIG_PATH")
      ->required();
  app.add_flag("--check-config", line.check_config,
               "Say whether CONFIG is in order, and do nothing else");
  app.add_option("--runtime", line.runtime, "threaded: a thread for each actor; async: one for all")
      ->check(CLI::IsMember({"threaded", "async"}));
  app.add_option("--log-level", line.log_level, "What to log")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  app.add_option("--data-dir", line.data_directory, "Where the node keeps its data");
  app.footer(
      "\nExamples:\n"
      "  raft-actor node2.toml                       run node 2\n"
      "  raft-actor --runtime async node2.toml       on a single thread\n"
      "  raft-actor --check-config my/node.toml      check the settings\n"
      "\nCtrl-C or SIGTERM stops the node in order, a second one at once.\n"
      "Exit codes: 0 stopped in order, 1 an error, 2 wrong usage.");
}

settings::Settings load_settings(const CommandLine& line) {
  settings::Settings settings = settings::load(settings::find(line.config));
  if (line.runtime) settings.runtime = *settings::runtime_mode_of(*line.runtime);
  if (line.log_level) settings.logging.level = *settings::log_level_of(*line.log_level);
  if (line.data_directory) settings.node.data_directory = *line.data_directory;
  return settings;
}

int run_node(const settings::Settings& settings) {
  // Before the first thread is started, so that all have the signals blocked.
  actors::StopSignals signals;
  actors::Logging logging(settings.node.id, settings.logging.level);
  const actors::ActorLog log(logging, "main");

  const std::uint64_t open_files = actors::raise_open_files(settings.limits.max_open_files);
  if (open_files < settings.limits.max_open_files) {
    log.warning("only {} files may be open, max_open_files is {}: raise the limit of the system",
                open_files, settings.limits.max_open_files);
  }

  const auto file_system = storage::posix_file_system();
  actors::Node node(settings, *file_system, logging);
  actors::Runtime runtime(node.inside(), settings.runtime, node.actors());
  const actors::Supervision supervision{.stop_order = node.stop_order(),
                                        .stop_descriptor = signals.descriptor(),
                                        .take_order = [&signals] { signals.take(); },
                                        .end_at_once = [] { _exit(kEndedAtOnce); }};
  return actors::supervise(runtime, supervision, log) ? kSuccess : kFailure;
}

}  // namespace

int main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("raft-actor runs one node of a cluster.", "raft-actor");
  describe(app, line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kWrongUsage;
  }

  try {
    const settings::Settings settings = load_settings(line);
    if (line.check_config) {
      fmt::print("{}: ok: node {} of cluster {}, {} members\n",
                 settings::find(line.config).string(), settings.node.id, settings.node.cluster,
                 settings.members.size());
      return kSuccess;
    }
    return run_node(settings);
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft-actor: {}\n", error.what());
    return kFailure;
  }
}
