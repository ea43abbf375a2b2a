#include "raft/configuration.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "base/little_endian.h"

namespace raft {
namespace {

class Encoder {
 public:
  template <typename Integer>
  void integer(Integer value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    base::store_little_endian(bytes_.data() + at, value);
  }
  void text(const std::string& value) {
    CHECK(value.size() <= kMaxEndpointBytes, "an endpoint of {} bytes", value.size());
    integer(static_cast<std::uint16_t>(value.size()));
    for (const char letter : value) bytes_.push_back(static_cast<std::byte>(letter));
  }
  void members(std::span<const Member> members) {
    CHECK(members.size() <= kMaxMembers, "{} members in one place", members.size());
    integer(static_cast<std::uint16_t>(members.size()));
    for (const Member& member : members) {
      integer(member.id);
      integer(member.identity);
      integer(member.priority);
      text(member.peer);
      text(member.client);
      text(member.publish);
    }
  }
  void list(const std::vector<NodeId>& nodes) {
    integer(static_cast<std::uint16_t>(nodes.size()));
    for (const NodeId node : nodes) integer(node);
  }
  [[nodiscard]] base::SharedBytes finish() { return base::SharedBytes::take(std::move(bytes_)); }

 private:
  std::vector<std::byte> bytes_;
};

// Takes pieces from the front; after the first that is not there, zeros, and failed().
class Decoder {
 public:
  explicit Decoder(std::span<const std::byte> rest) : rest_(rest) {}

  template <typename Integer>
  [[nodiscard]] Integer integer() {
    if (!has(sizeof(Integer))) return 0;
    const auto value = base::load_little_endian<Integer>(rest_.data());
    rest_ = rest_.subspan(sizeof(Integer));
    return value;
  }
  [[nodiscard]] std::string text() {
    const auto size = integer<std::uint16_t>();
    if (size > kMaxEndpointBytes) failed_ = true;
    if (!has(size)) return {};
    std::string value(reinterpret_cast<const char*>(rest_.data()), size);
    rest_ = rest_.subspan(size);
    return value;
  }
  // How many of something follow.
  [[nodiscard]] std::size_t count() {
    const auto count = integer<std::uint16_t>();
    if (count > kMaxMembers) failed_ = true;
    return failed_ ? 0 : count;
  }
  [[nodiscard]] std::vector<Member> members() {
    std::vector<Member> members(count());
    for (Member& member : members) {
      member.id = integer<NodeId>();
      member.identity = integer<Identity>();
      member.priority = integer<std::uint32_t>();
      member.peer = text();
      member.client = text();
      member.publish = text();
    }
    return members;
  }
  [[nodiscard]] std::vector<NodeId> list() {
    std::vector<NodeId> nodes(count());
    for (NodeId& node : nodes) node = integer<NodeId>();
    return nodes;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] bool failed() const { return failed_ || !rest_.empty(); }

 private:
  [[nodiscard]] bool has(std::size_t size) {
    failed_ = failed_ || rest_.size() < size;
    return !failed_;
  }
  std::span<const std::byte> rest_;
  bool failed_ = false;
};

bool rises(const std::vector<NodeId>& nodes) {
  return std::adjacent_find(nodes.begin(), nodes.end(), std::greater_equal<>()) == nodes.end();
}

bool is_valid(const Configuration& configuration) {
  const auto& members = configuration.members;
  const bool sorted = std::adjacent_find(members.begin(), members.end(), [](auto& a, auto& b) {
                        return a.id >= b.id;
                      }) == members.end();
  if (!sorted || (!members.empty() && members.front().id == 0)) return false;
  for (const auto* list : {&configuration.voters, &configuration.old_voters, &configuration.goal,
                           &configuration.demoted}) {
    const bool known = std::all_of(list->begin(), list->end(), [&](NodeId node) {
      return configuration.find(node) != nullptr;
    });
    if (!known || !rises(*list)) return false;
  }
  if (!configuration.demoted.empty() && !configuration.changing()) return false;
  const bool has_voters = !configuration.voters.empty() || members.empty();
  return has_voters && (configuration.old_voters.empty() || configuration.goal.empty());
}

}  // namespace

bool contains(std::span<const NodeId> sorted, NodeId node) {
  return std::binary_search(sorted.begin(), sorted.end(), node);
}

bool Configuration::is_voter(NodeId node) const {
  return contains(voters, node) || contains(old_voters, node);
}

const Member* Configuration::find(NodeId node) const {
  const auto found =
      std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.id == node; });
  return found == members.end() ? nullptr : &*found;
}

base::SharedBytes encode_members(std::span<const Member> members) {
  Encoder encoder;
  encoder.members(members);
  return encoder.finish();
}

base::Result<std::vector<Member>> decode_members(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  auto members = decoder.members();
  if (decoder.failed()) {
    return base::Error{"a list of members is cut off, too long, or followed by other bytes"};
  }
  return members;
}

base::SharedBytes encode_configuration(const Configuration& configuration) {
  CHECK(is_valid(configuration), "a configuration of {} members breaks its invariants",
        configuration.members.size());
  Encoder encoder;
  encoder.members(configuration.members);
  encoder.list(configuration.voters);
  encoder.list(configuration.old_voters);
  encoder.list(configuration.goal);
  if (!configuration.demoted.empty()) encoder.list(configuration.demoted);
  return encoder.finish();
}

base::Result<Configuration> decode_configuration(std::span<const std::byte> bytes) {
  Decoder decoder(bytes);
  Configuration configuration;
  configuration.members = decoder.members();
  configuration.voters = decoder.list();
  configuration.old_voters = decoder.list();
  configuration.goal = decoder.list();
  if (!decoder.at_end()) {
    configuration.demoted = decoder.list();
    if (configuration.demoted.empty())
      return base::Error{"a configuration ends with an empty list"};
  }
  if (decoder.failed()) {
    return base::Error{"a configuration is cut off, too long, or followed by other bytes"};
  }
  if (!is_valid(configuration)) {
    return base::Error{"a configuration names a voter that is no member, twice, or out of order"};
  }
  return configuration;
}

}  // namespace raft
