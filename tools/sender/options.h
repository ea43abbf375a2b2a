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
  bool force = false;

  bool retry = false;                    // a write, under a session of its own
  std::optional<std::uint64_t> session;  // of a write, or to be closed
  std::optional<std::uint64_t> seq;      // of a write; there with `session`
  std::string action;                    // of `session`: empty is "open"
  std::optional<double> expire_after_s;  // of a session to be opened

  std::optional<std::uint64_t> node;  // that joins, leaves, is promoted, or shall lead
  std::string peer_endpoint, client_endpoint, publish_endpoint;  // of the one that joins
  std::uint64_t priority = 0;
  bool learner = false;
  std::vector<std::uint64_t> replaces;
  bool no_wait = false;

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
