#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <map>

#include "client/ask_each.h"
#include "client/endpoints.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Answer;
using client::Fields;
using client::Json;
using client::Outcome;

// A node that is there answers `status` at once; do not let one that is gone hold up the table.
constexpr std::chrono::milliseconds kStatusTimeout{1000};

std::string text_of(std::optional<std::uint64_t> number) {
  return number ? std::to_string(*number) : "-";
}

// Node ids by client endpoint, as any answer knows them.
std::map<std::string, std::uint64_t> ids_of_members(const std::vector<Answer>& answers) {
  std::map<std::string, std::uint64_t> ids;
  for (const Answer& answer : answers) {
    const auto* members = answer.reply ? answer.reply->fields().find("members") : nullptr;
    if (members == nullptr || members->type != msgpack::type::ARRAY) continue;
    for (std::uint32_t i = 0; i < members->via.array.size; ++i) {
      const Fields member(&members->via.array.ptr[i]);
      const auto id = member.integer("id");
      if (id) ids[std::string(member.bytes("client").value_or(""))] = *id;
    }
  }
  return ids;
}

// The leader as the node knows it: its id, or the hint that a node which does not lead gives.
std::optional<std::uint64_t> leader_of(const Fields& status) {
  const auto id = status.integer("leader");
  return id ? id : status.map("leader").integer("id");
}

struct Row {
  std::optional<std::uint64_t> node;
  const Answer* answer;
};

std::vector<Row> make_rows(const std::vector<Answer>& answers) {
  const auto ids = ids_of_members(answers);
  std::vector<Row> rows;
  for (const Answer& answer : answers) {
    const auto known = ids.find(answer.endpoint);
    std::optional<std::uint64_t> node;
    if (known != ids.end()) node = known->second;
    if (answer.reply) node = answer.reply->fields().integer("node");
    rows.push_back({node, &answer});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) {
    return a.node.value_or(UINT64_MAX) < b.node.value_or(UINT64_MAX);
  });
  return rows;
}

void print_table(const std::vector<Row>& rows) {
  const bool colour = client::is_terminal(STDOUT_FILENO);
  print_line(fmt::format("{:>4}  {:<12}  {:>6}  {:>6}  {:>10}  {:>10}  {}", "NODE", "ROLE", "TERM",
                         "LEADER", "COMMIT", "APPLIED", "CLIENT"));
  for (const Row& row : rows) {
    const Fields fields = row.answer->reply ? row.answer->reply->fields() : Fields();
    const std::string role =
        client::printable(row.answer->reply ? fields.bytes("role").value_or("-") : "unreachable");
    // Padded by hand: the colour's own characters take no room.
    const std::string padding(role.size() < 12 ? 12 - role.size() : 0, ' ');
    print_line(fmt::format("{:>4}  {}{}  {:>6}  {:>6}  {:>10}  {:>10}  {}", text_of(row.node),
                           client::coloured_role(role, colour), padding,
                           text_of(fields.integer("term")), text_of(leader_of(fields)),
                           text_of(fields.integer("commit_index")),
                           text_of(fields.integer("applied_index")), row.answer->endpoint));
  }
}

void print_json_rows(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    Json json{{"endpoint", row.answer->endpoint}, {"reachable", row.answer->reply.has_value()}};
    json["node"] = row.node ? Json(*row.node) : Json(nullptr);
    if (row.answer->reply) json.update(row.answer->reply->to_json());
    print_json(json);
  }
}

Json parse_json(const std::string& text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw client::UsageError(fmt::format("this is no JSON: {}", error.what()));
  }
}

}  // namespace

int run_status(const Options& options) {
  Session session(options);
  const auto timeout = std::min(options.timeout(), kStatusTimeout);
  const client::Request request = client::make_status();
  auto answers = client::ask_each(session.context(), session.endpoints(), request, timeout);
  auto others = client::all_members(answers);
  others.erase(others.begin(), others.begin() + static_cast<std::ptrdiff_t>(answers.size()));
  for (Answer& answer : client::ask_each(session.context(), others, request, timeout)) {
    answers.push_back(std::move(answer));
  }
  const auto rows = make_rows(answers);
  if (options.json) {
    print_json_rows(rows);
  } else {
    print_table(rows);
  }
  const bool any = std::any_of(answers.begin(), answers.end(),
                               [](const Answer& answer) { return answer.reply.has_value(); });
  if (!any) fmt::print(stderr, "zmq-send: no node answered\n");
  return any ? kSuccess : kNoAnswer;
}

int run_debug(const Options& options) {
  Session session(options);
  const Outcome outcome = session.client().call(client::make_debug());
  const int code = print_outcome(options, outcome);
  if (code != kSuccess || options.json) return code;
  Json json = outcome.reply->to_json();
  json.erase("ok");
  json.erase("leader");
  for (const auto& [name, value] : json.items()) {
    print_line(value.is_string() ? value.get<std::string>()
                                 : fmt::format("{}: {}", client::printable(name), value.dump(2)));
  }
  return code;
}

int run_raw(const Options& options) {
  const Json json = parse_json(options.value);
  client::Request request;
  try {
    request = client::make_raw(json);
  } catch (const std::invalid_argument& error) {
    throw client::UsageError(error.what());
  }
  Session session(options);
  const Outcome outcome = session.client().call(request);
  Json reply = outcome_to_json(outcome);
  if (json.is_object() && json.contains("id")) reply["id"] = json["id"];
  print_json(reply);
  if (outcome.ok()) return kSuccess;
  fmt::print(stderr, "zmq-send: {}\n", describe_failure(outcome));
  return kNoAnswer;
}

}  // namespace sender
