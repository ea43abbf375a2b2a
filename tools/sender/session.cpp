#include "sender/session.h"

#include <fmt/format.h>

#include <cstdio>

#include "client/endpoints.h"
#include "client/terminal.h"

namespace sender {

Session::Session(const Options& options)
    : endpoints_(client::find_client_endpoints(options.to, options.config)),
      client_(context_, {endpoints_, options.timeout(), !options.once}) {}

std::string describe_failure(const client::Outcome& outcome) {
  if (!outcome.reply) return outcome.failure;
  return fmt::format("{}: {} ({})", client::printable(outcome.reply->error_code()),
                     client::printable(outcome.reply->error_message()), outcome.endpoint);
}

client::Json outcome_to_json(const client::Outcome& outcome) {
  if (outcome.reply) return outcome.reply->to_json();
  return {{"ok", false}, {"error", {{"code", "no_answer"}, {"message", outcome.failure}}}};
}

int print_outcome(const Options& options, const client::Outcome& outcome) {
  if (options.json) print_json(outcome_to_json(outcome));
  if (outcome.ok()) return kSuccess;
  fmt::print(stderr, "zmq-send: {}\n", describe_failure(outcome));
  return kNoAnswer;
}

void print_line(const std::string& line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void print_json(const client::Json& json) { print_line(json.dump()); }

}  // namespace sender
