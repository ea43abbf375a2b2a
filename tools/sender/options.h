// The command line of zmq-send.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sender {

// As in --help.
enum ExitCode : int { kSuccess = 0, kNotThere = 1, kUsage = 2, kNoAnswer = 3 };

struct Options {
  std::vector<std::string> to;
  std::string config;
  double timeout_s = 10;
  bool json = false;
  bool once = false;

  std::string input;  // empty: none
  std::size_t in_flight = 256;

  std::string key;    // or the channel
  std::string value;  // or the JSON of raw
  bool value_given = false;
  std::string file;
  bool local = false;

  std::vector<std::string> prefixes;
  std::optional<std::uint64_t> after;
  std::uint64_t count = 0;  // 0: no end
  bool complete = false;
  std::vector<std::string> publish_endpoints;

  [[nodiscard]] std::chrono::milliseconds timeout() const {
    return std::chrono::milliseconds(static_cast<std::int64_t>(timeout_s * 1000));
  }
};

using Command = std::function<int(const Options&)>;

// Declares everything; the chosen command is in `command` once the line was parsed.
void declare_options(CLI::App& app, Options& options, Command& command);

}  // namespace sender
