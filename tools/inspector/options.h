// The command line of raft-log.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

namespace inspector {

enum ExitCode : int {
  kSuccess = 0,
  kFound = 1,  // damage; or the entry that was asked for is not there
  kUsage = 2,
  kUnreadable = 3,
};

struct Options {
  std::string directory;
  bool json = false;
  std::uint64_t from = 0;
  std::uint64_t to = UINT64_MAX;
  std::uint64_t last = 0;  // 0: all
  bool values = false;
  std::uint64_t index = 0;
  bool raw = false;
};

using Command = int (*)(const Options&);
int run_info(const Options& options);
int run_list(const Options& options);
int run_verify(const Options& options);
int run_dump(const Options& options);

void declare_options(CLI::App& app, Options& options, Command& command);

}  // namespace inspector
