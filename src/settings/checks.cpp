#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "settings/document.h"
#include "settings/endpoint.h"
#include "settings/keys.h"

namespace settings {
namespace {

Place place_of(const Document& document, std::string_view table, std::string_view name,
               std::size_t member = 0) {
  return document.places.at({table, name, member});
}

void check_ids(const Document& document) {
  const auto& members = document.settings.members;
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (members[i].id != members[j].id) continue;
      fail(document.file, place_of(document, kMemberTable, "id", i),
           fmt::format("two members have the id {}, the first in line {}; give each its own",
                       members[i].id, place_of(document, kMemberTable, "id", j).line));
    }
  }
}

void check_own_id(const Document& document) {
  const auto& members = document.settings.members;
  const std::uint64_t id = document.settings.node.id;
  if (std::ranges::find(members, id, &Member::id) != members.end()) return;
  std::string ids;
  for (const Member& member : members) {
    ids += fmt::format("{}{}", ids.empty() ? "" : ", ", member.id);
  }
  fail(document.file, place_of(document, "node", "id"),
       fmt::format("node.id is {}, but no [[member]] has that id; the members are {}", id,
                   excerpt(ids)));
}

struct Use {
  Endpoint endpoint;
  Place place;
};

void check_endpoint(const Document& document, const Member& member, const std::string& text,
                    Place place, std::vector<Use>& uses) {
  std::string objection;
  const auto endpoint = parse_endpoint(text, objection);
  if (!endpoint) fail(document.file, place, objection);
  const auto earlier = std::ranges::find(uses, *endpoint, &Use::endpoint);
  if (earlier != uses.end()) {
    fail(document.file, place,
         fmt::format("port {} of {} is used twice, first in line {}; give each endpoint its own",
                     endpoint->port, endpoint->host, earlier->place.line));
  }
  if (member.id == document.settings.node.id && !is_address(endpoint->host)) {
    fail(document.file, place,
         fmt::format("this node cannot bind to the name '{}'; write its IP address",
                     excerpt(endpoint->host)));
  }
  uses.push_back({*endpoint, place});
}

void check_endpoints(const Document& document) {
  std::vector<Use> uses;
  for (std::size_t i = 0; i < document.settings.members.size(); ++i) {
    const Member& member = document.settings.members[i];
    const auto place = [&](std::string_view name) {
      return place_of(document, kMemberTable, name, i);
    };
    check_endpoint(document, member, member.peer, place("peer"), uses);
    check_endpoint(document, member, member.client, place("client"), uses);
    check_endpoint(document, member, member.publish, place("publish"), uses);
  }
}

// A node that asks itself, or one member alone in two spellings, would wait for nobody.
void check_join(const Document& document) {
  const Settings& settings = document.settings;
  if (settings.join.empty()) return;
  const Place place = place_of(document, "node", "join");
  const Member& self = settings.self();
  std::string objection;
  std::vector<Endpoint> asked;
  for (const std::string& text : settings.join) {
    const Endpoint endpoint = parse_endpoint(text, objection).value();
    for (const std::string& own : {self.peer, self.client, self.publish}) {
      if (parse_endpoint(own, objection) != endpoint) continue;
      fail(document.file, place,
           fmt::format("node.join has this node's own endpoint '{}'; name the client endpoints of "
                       "members that run",
                       excerpt(text)));
    }
    if (std::ranges::find(asked, endpoint) != asked.end()) {
      fail(document.file, place,
           fmt::format("node.join has '{}' twice; name each member once", excerpt(text)));
    }
    asked.push_back(endpoint);
  }
}

struct Side {
  std::string name;
  std::uint64_t value;
  std::string text;
  std::optional<Place> place;  // none: the default holds
};

Side side_of(Document& document, std::string_view table, std::string_view name) {
  const auto& integer = std::get<Integer>(find_key(table, name)->kind);
  Side side;
  side.name = fmt::format("{}.{}", table, name);
  side.value = integer.field(document.settings);
  side.text = quantity(side.value, integer.unit);
  const auto place = document.places.find({table, name, 0});
  if (place != document.places.end()) {
    side.place = place->second;
  } else {
    side.text += ", the default";
  }
  return side;
}

void check_relation(Document& document, const Relation& relation) {
  const Side lesser = side_of(document, relation.lesser_table, relation.lesser_name);
  const Side greater = side_of(document, relation.greater_table, relation.greater_name);
  if (lesser.value * relation.factor <= greater.value) return;
  const Place place = lesser.place ? *lesser.place : greater.place.value_or(Place{});
  const std::string part = relation.factor == 3 ? "a third of " : "";
  fail(document.file, place,
       fmt::format("{} ({}) is more than {}{} ({}); lower the first or raise the second",
                   lesser.name, lesser.text, part, greater.name, greater.text));
}

}  // namespace

void check_together(Document& document) {
  check_ids(document);
  check_own_id(document);
  check_endpoints(document);
  check_join(document);
  for (const Relation& relation : relations()) check_relation(document, relation);
}

}  // namespace settings
