#include "sender/members.h"

#include <fmt/format.h>

#include <algorithm>

namespace sender {

using client::Fields;

const Member* Members::find(std::uint64_t id) const {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [id](const Member& member) { return member.id == id; });
  return found == members.end() ? nullptr : &*found;
}

bool Members::knows_progress() const {
  return std::any_of(members.begin(), members.end(),
                     [](const Member& member) { return member.match_index.has_value(); });
}

std::optional<Members> read_members(const client::Reply& reply) {
  const Fields fields = reply.fields();
  const auto index = fields.integer("index");
  const msgpack::object* list = fields.find("members");
  if (!index || list == nullptr || list->type != msgpack::type::ARRAY) return std::nullopt;
  Members read{.index = *index, .changing = fields.is_true("changing"), .members = {}};
  const auto text = [](const Fields& member, std::string_view name) {
    return std::string(member.bytes(name).value_or(""));
  };
  for (std::uint32_t i = 0; i < list->via.array.size; ++i) {
    const Fields member(&list->via.array.ptr[i]);
    const auto id = member.integer("id");
    if (!id) continue;
    read.members.push_back({.id = *id,
                            .priority = member.integer("priority").value_or(0),
                            .peer = text(member, "peer"),
                            .client = text(member, "client"),
                            .publish = text(member, "publish"),
                            .voter = member.is_true("voter"),
                            .promoting = member.is_true("promoting"),
                            .match_index = member.integer("match_index")});
  }
  return read;
}

std::optional<Members> latest_members(const std::vector<client::Answer>& answers) {
  std::optional<Members> latest;
  for (const client::Answer& answer : answers) {
    auto members = answer.reply ? read_members(*answer.reply) : std::nullopt;
    if (!members) continue;
    const bool newer = !latest || members->index > latest->index;
    const bool fuller = latest && members->index == latest->index && members->knows_progress();
    if (newer || fuller) latest = std::move(members);
  }
  return latest;
}

std::string describe_change(const Members& members) {
  std::uint64_t last = 0;
  for (const Member& member : members.members) {
    last = std::max(last, member.match_index.value_or(0));
  }
  std::string text;
  for (const Member& member : members.members) {
    if (!member.promoting) continue;
    text += fmt::format("{}node {} is catching up", text.empty() ? "" : ", ", member.id);
    if (member.match_index) text += fmt::format(": index {} of {}", *member.match_index, last);
  }
  if (!text.empty()) return text;
  return members.changing ? "the voters are changing" : "the change is not in force yet";
}

}  // namespace sender
