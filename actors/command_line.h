// The command line of raft-actor: without a command it runs a node.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

namespace actors {

struct CommandLine {
  enum class Command { kRunNode, kBackUp, kRestore, kRecover };

  Command command = Command::kRunNode;
  std::string config;
  bool check_config = false;
  bool profile = false;
  std::optional<std::string> runtime;
  std::optional<std::string> log_level;
  std::optional<std::string> data_directory;

  std::string file;                  // the backup to be written or read
  bool force = false;                // replace it
  bool new_cluster = false;          // a restore is meant to begin one
  std::vector<std::string> members;  // other data directories that are left
  bool yes = false;                  // a recovery is confirmed
};

// Declares everything; `line` is filled in when `app` parses, which throws CLI::ParseError.
void describe(CLI::App& app, CommandLine& line);

}  // namespace actors
