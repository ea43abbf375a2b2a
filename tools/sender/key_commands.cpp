#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "client/endpoints.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/exactly_once.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Outcome;
using client::printable;

std::string read_value(const Options& options) {
  if (!options.file.empty()) {
    std::ifstream file(options.file, std::ios::binary);
    std::string value{std::istreambuf_iterator<char>(file), {}};
    if (!file.is_open() || file.bad()) {
      throw client::UsageError(fmt::format("{}: cannot be read", options.file));
    }
    return value;
  }
  if (!options.value_given) {
    throw client::UsageError("no value: give it as a word, as '-' for stdin, or with --file");
  }
  if (options.value != "-") return options.value;
  return {std::istreambuf_iterator<char>(std::cin), {}};
}

std::uint64_t integer(const Outcome& outcome, std::string_view name) {
  return outcome.reply->fields().integer(name).value_or(0);
}

std::string_view repetition(const Outcome& outcome) {
  return outcome.reply->fields().is_true("repeated") ? " (done before, and told again)" : "";
}

int report_missing(const Options& options) {
  fmt::print(stderr, "zmq-send: '{}' is not there\n", printable(options.key));
  return kNotThere;
}

}  // namespace

int run_set(const Options& options) {
  const std::string value = read_value(options);
  Session session(options);
  const Outcome outcome = call_write(session, options, [&](const auto& name) {
    return client::make_set(options.key, value, name);
  });
  const int code = print_outcome(options, outcome);
  if (code == kSuccess && !options.json) {
    print_line(fmt::format("{}: version {}, index {}{}", printable(options.key),
                           integer(outcome, "version"), integer(outcome, "index"),
                           repetition(outcome)));
  }
  return code;
}

int run_get(const Options& options) {
  using client::Consistency;
  Session session(options);
  const auto consistency = options.local ? Consistency::kLocal : Consistency::kLinearizable;
  const Outcome outcome = session.client().call(client::make_get(options.key, consistency));
  if (const int code = print_outcome(options, outcome); code != kSuccess) return code;
  if (!outcome.reply->fields().is_true("found")) return report_missing(options);
  if (options.json) return kSuccess;
  const std::string_view value = outcome.reply->fields().bytes("value").value_or("");
  std::fwrite(value.data(), 1, value.size(), stdout);
  if (client::is_terminal(STDOUT_FILENO)) std::fputc('\n', stdout);
  return kSuccess;
}

int run_delete(const Options& options) {
  Session session(options);
  const Outcome outcome = call_write(
      session, options, [&](const auto& name) { return client::make_delete(options.key, name); });
  if (const int code = print_outcome(options, outcome); code != kSuccess) return code;
  const bool found = outcome.reply->fields().is_true("found");
  // Where it was sent twice, the first time may have deleted it.
  if (!found && !outcome.resent) return report_missing(options);
  if (!options.json) {
    print_line(fmt::format("{}: {}, index {}{}", printable(options.key),
                           found ? "deleted" : "not there any more", integer(outcome, "index"),
                           repetition(outcome)));
  }
  return kSuccess;
}

int run_publish(const Options& options) {
  const std::string value = read_value(options);
  Session session(options);
  const Outcome outcome = call_write(session, options, [&](const auto& name) {
    return client::make_publish(options.key, value, name);
  });
  const int code = print_outcome(options, outcome);
  if (code == kSuccess && !options.json) {
    print_line(fmt::format("{}: seq {}, index {}{}", printable(options.key),
                           integer(outcome, "seq"), integer(outcome, "index"),
                           repetition(outcome)));
  }
  return code;
}

}  // namespace sender
