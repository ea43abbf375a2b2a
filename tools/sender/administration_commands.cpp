// What is asked of the cluster and answered at once: its members, a snapshot, a session.
#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "client/endpoints.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/members.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Outcome;
using client::printable;

std::uint64_t integer(const Outcome& outcome, std::string_view name) {
  return outcome.reply->fields().integer(name).value_or(0);
}

// From the leader where it can be had, which alone knows how far the others are.
Outcome ask_for_members(client::Client& client) {
  Outcome outcome = client.call(client::make_members());
  if (!outcome.ok() || !outcome.reply->leader_endpoint()) return outcome;
  Outcome of_leader = client.call(client::make_members());  // it follows the hint of the first
  return of_leader.ok() ? std::move(of_leader) : std::move(outcome);
}

void print_members(const Members& members) {
  print_line(fmt::format("{:>5}  {:<9}  {:>10}  {:>8}  {:<24}  {:<24}  {}", "NODE", "KIND", "MATCH",
                         "PRIORITY", "CLIENT", "PEER", "PUBLISH"));
  for (const Member& member : members.members) {
    const char* kind = member.voter ? "voter" : member.promoting ? "promoting" : "learner";
    const std::string match =
        member.match_index ? std::to_string(*member.match_index) : std::string("-");
    print_line(fmt::format("{:>5}  {:<9}  {:>10}  {:>8}  {:<24}  {:<24}  {}", member.id, kind,
                           match, member.priority, printable(member.client), printable(member.peer),
                           printable(member.publish)));
  }
  print_line(members.changing
                 ? fmt::format("index {}; changing: {}", members.index, describe_change(members))
                 : fmt::format("index {}", members.index));
}

}  // namespace

int run_members(const Options& options) {
  Session session(options);
  const Outcome outcome = ask_for_members(session.client());
  const int code = print_outcome(options, outcome);
  if (code != kSuccess || options.json) return code;
  const auto members = read_members(*outcome.reply);
  if (!members) {
    fmt::print(stderr, "zmq-send: {} does not say who the members are\n", outcome.endpoint);
    return kNoAnswer;
  }
  print_members(*members);
  return kSuccess;
}

int run_snapshot(const Options& options) {
  Session session(options);
  const Outcome outcome = session.client().call(client::make_snapshot());
  const int code = print_outcome(options, outcome);
  if (code == kSuccess && !options.json) {
    print_line(
        fmt::format("snapshot at index {}, at {}", integer(outcome, "index"), outcome.endpoint));
  }
  return code;
}

int run_session(const Options& options) {
  const bool close = options.action == "close";
  if (close != options.session.has_value()) {
    throw client::UsageError(close ? "which session? zmq-send session close ID"
                                   : "a new session gets its number from the cluster");
  }
  std::optional<std::uint64_t> timeout_ms;
  if (options.expire_after_s) {
    timeout_ms = static_cast<std::uint64_t>(std::llround(*options.expire_after_s * 1000));
  }
  Session session(options);
  const Outcome outcome = session.client().call(close ? client::make_session_close(*options.session)
                                                      : client::make_session_open(timeout_ms));
  if (const int code = print_outcome(options, outcome); code != kSuccess) return code;
  const bool found = !close || outcome.reply->fields().is_true("found");
  if (!found) fmt::print(stderr, "zmq-send: session {} is not open\n", *options.session);
  if (found && !options.json) {
    print_line(close ? fmt::format("session {} is closed", *options.session)
                     : std::to_string(integer(outcome, "session")));
  }
  return found ? kSuccess : kNotThere;
}

}  // namespace sender
