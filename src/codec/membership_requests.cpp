#include "codec/membership_requests.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace codec {
namespace {

using Type = FieldValue::Type;

constexpr std::string_view kNodeForm = "a node id, which goes from 1 to 65535";

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_name(std::string_view host) {
  return is_alphanumeric(host.front()) && std::all_of(host.begin(), host.end(), [](char c) {
           return is_alphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

// Whether the bytes are those of an address; that it is one is left to the resolver.
bool is_bracketed_ipv6(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  host = host.substr(1, host.size() - 2);
  const auto zone = std::min(host.find('%'), host.size());
  const std::string_view address = host.substr(0, zone);
  const std::string_view rest = zone == host.size() ? "" : host.substr(zone + 1);
  return address.find(':') != std::string_view::npos &&
         address.find_first_not_of("0123456789abcdefABCDEF:.") == std::string_view::npos &&
         (zone == host.size() || (!rest.empty() && is_name(rest)));
}

// Where a member's fields come from differs, what they must be does not.
class MemberReader {
 public:
  // `place` follows the name of a field in a message.
  MemberReader(RequestReader& reader, std::string place)
      : reader_(reader), place_(std::move(place)) {}

  [[nodiscard]] NewMember read(const MemberFields& fields, std::string_view id_name) {
    return {.id = id(fields.id, id_name),
            .identity = number(fields.identity, "identity"),
            .priority = static_cast<std::uint32_t>(
                number(fields.priority, "priority", std::numeric_limits<std::uint32_t>::max())),
            .peer = endpoint(fields.peer, "peer"),
            .client = endpoint(fields.client, "client"),
            .publish = endpoint(fields.publish, "publish"),
            .voter = boolean(fields.voter, "voter")};
  }

 private:
  [[nodiscard]] std::string full(std::string_view name) const {
    return fmt::format("{}{}", name, place_);
  }

  std::uint64_t id(const FieldValue& value, std::string_view name) {
    if (value.type != Type::kNumber) reader_.fail_type(value, full(name), kNodeForm);
    reader_.check_range(full(name), value.number, 1, kMaxNodeId);
    return value.number;
  }

  std::uint64_t number(const FieldValue& value, std::string_view name,
                       std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
    if (value.type == Type::kMissing) return 0;
    if (value.type != Type::kNumber) reader_.fail_type(value, full(name), "a whole number from 0");
    reader_.check_range(full(name), value.number, 0, most);
    return value.number;
  }

  std::string endpoint(const FieldValue& value, std::string_view name) {
    if (value.type != Type::kText && value.type != Type::kBytes) {
      reader_.fail_type(value, full(name), "a str");
      return {};
    }
    const std::string_view objection = endpoint_objection(value.bytes);
    if (!objection.empty()) reader_.fail(fmt::format("the field {} {}", full(name), objection));
    return std::string(value.bytes.substr(0, kMaxEndpointBytes));
  }

  bool boolean(const FieldValue& value, std::string_view name) {
    if (value.type == Type::kMissing) return true;
    if (value.type != Type::kBoolean) reader_.fail_type(value, full(name), "a bool");
    return value.number != 0;
  }

  RequestReader& reader_;
  const std::string place_;
};

std::vector<std::uint64_t> read_nodes(RequestReader& reader, FieldName name) {
  const FieldValue& value = reader.fields()[name];
  if (value.type == Type::kMissing) return {};
  if (value.type != Type::kArray) reader.fail_type(value, field_name(name), "a list of node ids");
  for (const std::uint64_t node : reader.fields().nodes(name)) {
    if (node >= 1 && node <= kMaxNodeId) continue;
    reader.fail(fmt::format("the field {} names node {}, an id goes from 1 to {}", field_name(name),
                            node, kMaxNodeId));
  }
  return reader.fields().nodes(name);
}

std::uint64_t read_node(RequestReader& reader) {
  const FieldValue& value = reader.fields()[FieldName::kNode];
  if (value.type != Type::kNumber) {
    reader.fail_type(value, field_name(FieldName::kNode), kNodeForm);
  }
  reader.check_range(field_name(FieldName::kNode), value.number, 1, kMaxNodeId);
  return value.number;
}

// A voter that is taken its vote and stays: it leaves the voters and comes in as a learner.
bool is_demoted(const ChangeRequest& change, std::uint64_t node) {
  const auto comes_as_learner = [node](const NewMember& member) {
    return member.id == node && !member.voter;
  };
  return std::count(change.remove.begin(), change.remove.end(), node) == 1 &&
         std::count_if(change.add.begin(), change.add.end(), comes_as_learner) == 1;
}

// What holds for a change as a whole, whichever op asked for it.
ChangeRequest checked(RequestReader& reader, ChangeRequest change) {
  std::vector<std::uint64_t> nodes;
  for (const NewMember& member : change.add) {
    if (!is_demoted(change, member.id)) nodes.push_back(member.id);
  }
  nodes.insert(nodes.end(), change.promote.begin(), change.promote.end());
  nodes.insert(nodes.end(), change.remove.begin(), change.remove.end());
  if (nodes.empty()) reader.fail("the fields add, promote and remove are empty or missing");
  if (nodes.size() > kMaxChangedMembers) {
    reader.fail(fmt::format("the change is of {} nodes, at most {} are taken at once", nodes.size(),
                            kMaxChangedMembers));
  }
  std::sort(nodes.begin(), nodes.end());
  const auto twice = std::adjacent_find(nodes.begin(), nodes.end());
  if (twice != nodes.end()) reader.fail(fmt::format("the change names node {} twice", *twice));
  return change;
}

}  // namespace

std::string_view endpoint_objection(std::string_view endpoint) {
  constexpr std::string_view kScheme = "tcp://";
  if (endpoint.size() > kMaxEndpointBytes) return "has more than 256 bytes";
  if (!endpoint.starts_with(kScheme)) return "is no endpoint, it looks like tcp://HOST:PORT";
  endpoint.remove_prefix(kScheme.size());
  const auto colon = endpoint.rfind(':');
  if (colon == std::string_view::npos) return "has no port, it looks like tcp://HOST:PORT";
  const std::string_view digits = endpoint.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    return "has a port that is not a number from 1 to 65535";
  }
  const std::string_view host = endpoint.substr(0, colon);
  if (host == "*" || host == "0.0.0.0" || host == "[::]") {
    return "stands for every address, and others cannot connect to that";
  }
  if (host.empty() || !(is_name(host) || is_bracketed_ipv6(host))) {
    return "has a host that is neither a name nor an address; one of IPv6 stands in brackets";
  }
  return {};
}

RequestBody read_members(RequestReader&) { return MembersRequest{}; }

RequestBody read_change(RequestReader& reader) {
  const FieldValue& add = reader.fields()[FieldName::kAdd];
  if (add.type != Type::kMissing && add.type != Type::kArray) {
    reader.fail_type(add, field_name(FieldName::kAdd), "a list of maps");
  }
  ChangeRequest change{.add = {},
                       .promote = read_nodes(reader, FieldName::kPromote),
                       .remove = read_nodes(reader, FieldName::kRemove)};
  for (const MemberFields& fields : reader.fields().members()) {
    MemberReader member(reader, fmt::format(" of member {} in add", change.add.size() + 1));
    change.add.push_back(member.read(fields, "id"));
  }
  return checked(reader, std::move(change));
}

RequestBody read_join(RequestReader& reader) {
  const RequestFields& fields = reader.fields();
  const MemberFields member{.id = fields[FieldName::kNode],
                            .identity = fields[FieldName::kIdentity],
                            .priority = fields[FieldName::kPriority],
                            .peer = fields[FieldName::kPeer],
                            .client = fields[FieldName::kClient],
                            .publish = fields[FieldName::kPublish],
                            .voter = fields[FieldName::kVoter]};
  ChangeRequest change{.add = {MemberReader(reader, "").read(member, "node")},
                       .promote = {},
                       .remove = read_nodes(reader, FieldName::kReplaces)};
  return checked(reader, std::move(change));
}

RequestBody read_leave(RequestReader& reader) {
  return ChangeRequest{.add = {}, .promote = {}, .remove = {read_node(reader)}};
}

RequestBody read_promote(RequestReader& reader) {
  return ChangeRequest{.add = {}, .promote = {read_node(reader)}, .remove = {}};
}

RequestBody read_transfer(RequestReader& reader) {
  return TransferRequest{.node = reader.optional_number(FieldName::kNode, 1, kMaxNodeId)};
}

}  // namespace codec
