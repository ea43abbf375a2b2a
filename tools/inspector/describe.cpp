#include "inspector/describe.h"

#include <fmt/format.h>

#include <string_view>
#include <variant>

#include "client/terminal.h"
#include "database/command.h"

namespace inspector {
namespace {

// Of a key, a channel or a value on one line.
constexpr std::size_t kMostTextBytes = 200;

std::string quoted(std::string_view bytes) {
  const bool cut = bytes.size() > kMostTextBytes;
  std::string text;
  for (const char character : client::printable(bytes.substr(0, kMostTextBytes))) {
    if (character == '"') text += '\\';
    text += character;
  }
  return fmt::format("\"{}\"{}", text, cut ? "..." : "");
}

struct Text {
  bool values;

  [[nodiscard]] std::string value(std::string_view bytes) const {
    return fmt::format("bytes={}{}", bytes.size(), values ? " value=" + quoted(bytes) : "");
  }
  std::string operator()(const database::SetCommand& set) const {
    return fmt::format("set key={} {}", quoted(set.key), value(set.value));
  }
  std::string operator()(const database::DeleteCommand& remove) const {
    return "delete key=" + quoted(remove.key);
  }
  std::string operator()(const database::PublishCommand& publish) const {
    return fmt::format("publish channel={} {}", quoted(publish.channel), value(publish.value));
  }
  std::string operator()(const database::OpenSessionCommand& open) const {
    return fmt::format("session.open timeout_ms={} max_sessions={}", open.timeout_ms,
                       open.max_sessions);
  }
  std::string operator()(const database::CloseSessionCommand& close) const {
    return fmt::format("session.close session={}", close.session);
  }
  std::string operator()(const database::SessionCommand& command) const {
    return fmt::format("{} session={} seq={}", std::visit(*this, command.write), command.session,
                       command.seq);
  }
};

struct ToJson {
  bool values;

  [[nodiscard]] Json with_value(Json json, std::string_view bytes) const {
    json["value_bytes"] = bytes.size();
    if (values) json["value"] = client::bytes_to_json(bytes);
    return json;
  }
  Json operator()(const database::SetCommand& set) const {
    return with_value({{"op", "set"}, {"key", client::bytes_to_json(set.key)}}, set.value);
  }
  Json operator()(const database::DeleteCommand& remove) const {
    return {{"op", "delete"}, {"key", client::bytes_to_json(remove.key)}};
  }
  Json operator()(const database::PublishCommand& publish) const {
    return with_value({{"op", "publish"}, {"channel", client::bytes_to_json(publish.channel)}},
                      publish.value);
  }
  Json operator()(const database::OpenSessionCommand& open) const {
    return {{"op", "session.open"},
            {"timeout_ms", open.timeout_ms},
            {"max_sessions", open.max_sessions}};
  }
  Json operator()(const database::CloseSessionCommand& close) const {
    return {{"op", "session.close"}, {"session", close.session}};
  }
  Json operator()(const database::SessionCommand& command) const {
    Json json = std::visit(*this, command.write);
    json["session"] = command.session;
    json["seq"] = command.seq;
    return json;
  }
};

std::string_view view_of(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string payload_text(const Record& record, bool values) {
  if (record.header.kind == kNoOperation) return {};
  if (record.header.kind == kConfiguration) {
    const auto configuration = raft::decode_configuration(record.payload());
    return configuration ? configuration_text(*configuration) : configuration.error();
  }
  const auto command = database::decode_command(view_of(record.payload()));
  return command ? std::visit(Text{values}, *command) : "changes nothing: " + command.error();
}

}  // namespace

std::string entry_text(const Record& record, bool values) {
  const RecordHeader& header = record.header;
  std::string text = fmt::format("{:>8}  term {}  {} ms  {}  {} bytes", header.index, header.term,
                                 header.time_ms, kind_name(header.kind), header.length);
  const std::string payload = payload_text(record, values);
  return payload.empty() ? text : text + "  " + payload;
}

Json entry_json(const Record& record, bool values) {
  const RecordHeader& header = record.header;
  Json json{{"index", header.index},
            {"term", header.term},
            {"time_ms", header.time_ms},
            {"kind", kind_name(header.kind)},
            {"bytes", header.length}};
  if (header.kind == kConfiguration) {
    if (const auto configuration = raft::decode_configuration(record.payload())) {
      json["configuration"] = configuration_json(*configuration);
    } else {
      json["problem"] = configuration.error();
    }
  } else if (header.kind != kNoOperation) {
    if (const auto command = database::decode_command(view_of(record.payload()))) {
      json["command"] = std::visit(ToJson{values}, *command);
    } else {
      json["problem"] = command.error();
    }
  }
  return json;
}

std::string list_text(const std::vector<raft::NodeId>& nodes) {
  std::string text;
  for (const raft::NodeId node : nodes) text += fmt::format("{}{}", text.empty() ? "" : ",", node);
  return text.empty() ? "none" : text;
}

std::string configuration_text(const raft::Configuration& configuration) {
  std::vector<raft::NodeId> members;
  for (const raft::Member& member : configuration.members) members.push_back(member.id);
  std::string text =
      fmt::format("members={} voters={}", list_text(members), list_text(configuration.voters));
  if (configuration.joint()) text += " old_voters=" + list_text(configuration.old_voters);
  if (!configuration.goal.empty()) text += " goal=" + list_text(configuration.goal);
  return text;
}

Json configuration_json(const raft::Configuration& configuration) {
  Json members = Json::array();
  for (const raft::Member& member : configuration.members) {
    members.push_back({{"id", member.id},
                       {"identity", hex64(member.identity)},
                       {"priority", member.priority},
                       {"peer", client::bytes_to_json(member.peer)},
                       {"client", client::bytes_to_json(member.client)},
                       {"publish", client::bytes_to_json(member.publish)}});
  }
  return {{"members", std::move(members)},
          {"voters", configuration.voters},
          {"old_voters", configuration.old_voters},
          {"goal", configuration.goal}};
}

std::string hex64(std::uint64_t value) { return fmt::format("{:016x}", value); }

}  // namespace inspector
