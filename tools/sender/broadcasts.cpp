#include "sender/broadcasts.h"

#include <fmt/format.h>

#include "client/json.h"
#include "client/terminal.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Json;
using client::printable;

std::string text_of(const Broadcast& broadcast) {
  const auto& header = broadcast.header;
  const std::string topic = printable(broadcast.topic);
  if (broadcast.topic == kStatusTopic) {
    return fmt::format(
        "{} node {} {} term {} commit {} applied {}", topic, header.integer("node").value_or(0),
        printable(header.bytes("role").value_or("-")), header.integer("term").value_or(0),
        header.integer("commit_index").value_or(0), header.integer("applied_index").value_or(0));
  }
  const std::string start = fmt::format("{} {}", broadcast.index().value_or(0), topic);
  if (header.bytes("op") == "delete") return start + " (deleted)";
  if (const auto seq = header.integer("seq")) {
    return fmt::format("{} #{} {}", start, *seq, printable(broadcast.payload));
  }
  return fmt::format("{} {}", start, printable(broadcast.payload));
}

}  // namespace

void print_broadcast(const Broadcast& broadcast, bool json) {
  if (!json) return print_line(text_of(broadcast));
  Json line{{"topic", client::bytes_to_json(broadcast.topic)}};
  if (const auto* header = broadcast.header.whole()) line.update(client::to_json(*header));
  if (broadcast.topic != kStatusTopic) line["payload"] = client::bytes_to_json(broadcast.payload);
  print_json(line);
}

std::vector<std::string> topics_or_all(const std::vector<std::string>& prefixes) {
  return prefixes.empty() ? std::vector<std::string>{"kv/", "ch/"} : prefixes;
}

Page read_page(client::Outcome outcome) {
  Page page{std::move(outcome), {}, 0};
  if (!page.outcome.ok()) return page;
  const client::Fields fields = page.outcome.reply->fields();
  page.complete_to = fields.integer("complete_to").value_or(0);
  const msgpack::object* list = fields.find("broadcasts");
  if (list == nullptr || list->type != msgpack::type::ARRAY) return page;
  for (std::uint32_t i = 0; i < list->via.array.size; ++i) {
    const msgpack::object& item = list->via.array.ptr[i];
    if (item.type != msgpack::type::ARRAY || item.via.array.size < 3) continue;
    const msgpack::object* parts = item.via.array.ptr;
    const auto topic = client::bytes_of(parts[0]);
    const client::Fields header(&parts[1]);
    if (!topic || !header.integer("index")) continue;
    page.broadcasts.push_back({*topic, header, client::bytes_of(parts[2]).value_or("")});
  }
  return page;
}

std::optional<std::uint64_t> first_kept_index(const client::Outcome& outcome) {
  if (!outcome.reply || outcome.reply->error_code() != "compacted") return std::nullopt;
  return outcome.reply->fields().map("error").integer("first_index");
}

}  // namespace sender
