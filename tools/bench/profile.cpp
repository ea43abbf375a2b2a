#include "bench/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "client/ask_each.h"
#include "client/request.h"

namespace bench {
namespace {

constexpr std::chrono::milliseconds kAnswerTime{2000};

using Field = std::uint64_t ActorCounts::*;
constexpr std::pair<std::string_view, Field> kFields[] = {
    {"turns", &ActorCounts::turns},
    {"messages_in", &ActorCounts::messages_in},
    {"messages_out", &ActorCounts::messages_out},
    {"events", &ActorCounts::events},
    {"turns_ns", &ActorCounts::turns_ns},
    {"zeromq_ns", &ActorCounts::zeromq_ns},
    {"waiting_ns", &ActorCounts::waiting_ns}};

// The rest of `line` behind `prefix`; nothing where it begins with another.
std::optional<std::string> behind(const std::string& line, std::string_view prefix) {
  if (line.compare(0, prefix.size(), prefix) != 0) return std::nullopt;
  return line.substr(prefix.size());
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "NAME: FIELD NUMBER, FIELD NUMBER, …"
ActorCounts parse_actor(const std::string& text) {
  ActorCounts counts;
  const std::size_t end = text.find(": ");
  if (end == std::string::npos) return counts;
  counts.name = text.substr(0, end);
  std::istringstream words(text.substr(end + 2));
  std::string name;
  for (std::string number; words >> name >> number;) {
    for (const auto& [known, field] : kFields) {
      if (name == known) counts.*field = number_of(number);
    }
  }
  return counts;
}

NodeProfile difference(const NodeProfile& now, const NodeProfile& before) {
  NodeProfile result = now;
  for (ActorCounts& actor : result.actors) {
    const auto same =
        std::find_if(before.actors.begin(), before.actors.end(),
                     [&](const ActorCounts& each) { return each.name == actor.name; });
    if (same == before.actors.end()) continue;
    for (const auto& [name, field] : kFields) actor.*field -= std::min(actor.*field, *same.*field);
  }
  return result;
}

// A sleep is counted when it ends: who has not woken up yet has none.
std::string share(std::uint64_t nanoseconds, const ActorCounts& actor,
                  std::chrono::duration<double> of) {
  if (actor.turns == 0 && actor.waiting_ns == 0) return "-";
  return fmt::format("{:.1f}", 100 * static_cast<double>(nanoseconds) / 1e9 / of.count());
}

std::string per_turn(std::uint64_t count, const ActorCounts& actor) {
  if (count == 0 || actor.turns == 0) return "-";
  return fmt::format("{:.1f}", static_cast<double>(count) / static_cast<double>(actor.turns));
}

}  // namespace

NodeProfile parse_profile(std::string_view dump) {
  NodeProfile profile;
  std::istringstream lines{std::string(dump)};
  for (std::string line; std::getline(lines, line);) {
    if (const auto node = behind(line, "node: ")) profile.node = number_of(*node);
    if (const auto role = behind(line, "role: ")) profile.role = *role;
    if (const auto actor = behind(line, "profile ")) profile.actors.push_back(parse_actor(*actor));
  }
  return profile;
}

ProfileReading::ProfileReading(zmq::context_t& context, const std::vector<std::string>& endpoints) {
  // One by one, so that the time of each is known.
  for (const std::string& endpoint : endpoints) {
    const auto answers = client::ask_each(context, {endpoint}, client::make_debug(), kAnswerTime);
    const auto now = std::chrono::steady_clock::now();
    const auto& reply = answers.front().reply;
    const auto text = reply ? reply->fields().bytes("text") : std::nullopt;
    if (text) nodes_.push_back({now, parse_profile(*text)});
  }
}

std::vector<NodeProfile> ProfileReading::since(const ProfileReading& earlier) const {
  std::vector<NodeProfile> result;
  for (const Taken& now : nodes_) {
    if (now.profile.actors.empty()) {
      throw std::runtime_error(fmt::format(
          "node {} measures no profile: start it with raft-actor --profile", now.profile.node));
    }
    for (const Taken& before : earlier.nodes_) {
      if (before.profile.node != now.profile.node) continue;
      result.push_back(difference(now.profile, before.profile));
      result.back().seconds = now.when - before.when;
    }
  }
  const auto leads = [](const NodeProfile& node) { return node.role == "leader"; };
  std::stable_partition(result.begin(), result.end(), leads);
  return result;
}

void print_profile(const std::vector<NodeProfile>& nodes, std::uint64_t requests) {
  for (const NodeProfile& node : nodes) {
    fmt::print("profile of node {}, {}, over {:.1f} s:\n", node.node, node.role,
               node.seconds.count());
    fmt::print("  {:<20} {:>9} {:>8} {:>8} {:>9} {:>8} {:>9} {:>10} {:>14}\n", "actor", "turns/s",
               "in/turn", "out/turn", "events", "work %", "ZeroMQ %", "waiting %", "us a request");
    for (const ActorCounts& actor : node.actors) {
      fmt::print("  {:<20} {:>9.0f} {:>8} {:>8} {:>9} {:>8} {:>9} {:>10} {:>14.2f}\n", actor.name,
                 static_cast<double>(actor.turns) / node.seconds.count(),
                 per_turn(actor.messages_in, actor), per_turn(actor.messages_out, actor),
                 per_turn(actor.events, actor), share(actor.work_ns(), actor, node.seconds),
                 share(actor.zeromq_ns, actor, node.seconds),
                 share(actor.waiting_ns, actor, node.seconds),
                 requests == 0
                     ? 0.0
                     : static_cast<double>(actor.turns_ns) / 1e3 / static_cast<double>(requests));
    }
  }
}

client::Json profile_json(const std::vector<NodeProfile>& nodes) {
  client::Json json = client::Json::array();
  for (const NodeProfile& node : nodes) {
    client::Json actors = client::Json::object();
    for (const ActorCounts& actor : node.actors) {
      client::Json& counts = actors[actor.name];
      for (const auto& [name, field] : kFields) counts[std::string(name)] = actor.*field;
    }
    json.push_back({{"node", node.node},
                    {"role", node.role},
                    {"seconds", node.seconds.count()},
                    {"actors", actors}});
  }
  return json;
}

}  // namespace bench
