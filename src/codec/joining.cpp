#include "codec/joining.h"

#include <algorithm>
#include <array>
#include <limits>

#include "codec/membership_requests.h"
#include "codec/message_pack.h"
#include "codec/printable.h"

namespace codec {
namespace {

constexpr std::size_t kMaxValues = 4096;  // of all depths: bounds the work
constexpr std::size_t kMaxTextBytes = 300;

// Depth 1 is inside the reply's map, depth 2 inside `error` or `members`, depth 3 inside a member.
class ReplyVisitor : public msgpack::null_visitor {
 public:
  explicit ReplyVisitor(MemberReply& reply) : reply_(reply) {}

  bool visit_nil() { return other(); }
  bool visit_negative_integer(std::int64_t) { return other(); }
  bool visit_float32(float) { return other(); }
  bool visit_float64(double) { return other(); }
  bool visit_ext(const char*, std::uint32_t) { return other(); }
  bool visit_bin(const char*, std::uint32_t) { return other(); }
  bool visit_boolean(bool truth) {
    if (is_value_at(1) && key(1) == "ok") reply_.ok = truth;
    if (is_value_of_member()) {
      if (key(3) == "voter") reply_.members.back().voter = truth;
      if (key(3) == "promoting") reply_.members.back().promoting = truth;
    }
    return other();
  }
  bool visit_positive_integer(std::uint64_t number) {
    if (is_value_at(1)) {
      if (key(1) == "id") reply_.id = number;
      if (key(1) == "index") reply_.index = number;
    } else if (is_value_of_member()) {
      take_number(reply_.members.back(), number);
    }
    return other();
  }
  bool visit_str(const char* bytes, std::uint32_t size) {
    const std::string_view text(bytes, size);
    if (depth_ >= 1 && depth_ <= kDeepest && places_[depth_].awaits_key) {
      places_[depth_].key = text;
      return count();
    }
    if (is_value_at(2) && key(1) == "error") {
      if (key(2) == "code") reply_.code = printable(text, kMaxTextBytes);
      if (key(2) == "message") reply_.message = printable(text, kMaxTextBytes);
    } else if (is_value_of_member()) {
      take_text(reply_.members.back(), text);
    }
    return other();
  }
  bool start_map(std::uint32_t) {
    if (depth_ == 0) return descend(true);
    if (depth_ == 2 && !places_[2].is_map && key(1) == "members") {
      if (reply_.members.size() == kMaxChangedMembers) return false;
      reply_.members.emplace_back();
    }
    return other() && descend(true);
  }
  bool start_array(std::uint32_t) { return other() && descend(false); }
  bool end_map() { return ascend(); }
  bool end_array() { return ascend(); }
  bool start_map_key() { return await_key(true); }
  bool start_map_value() { return await_key(false); }

 private:
  static constexpr std::size_t kDeepest = 3;  // of what is read
  struct Place {
    bool is_map = false;
    bool awaits_key = false;
    std::string_view key;  // empty: no str
  };

  [[nodiscard]] std::string_view key(std::size_t depth) const { return places_[depth].key; }
  [[nodiscard]] bool is_value_at(std::size_t depth) const {
    return depth_ == depth && places_[depth].is_map && !places_[depth].awaits_key;
  }
  [[nodiscard]] bool is_value_of_member() const {
    return is_value_at(3) && !places_[2].is_map && key(1) == "members";
  }

  void take_number(KnownMember& member, std::uint64_t number) {
    if (key(3) == "id") member.id = number;
    if (key(3) == "identity") member.identity = number;
    if (key(3) == "priority" && number <= std::numeric_limits<std::uint32_t>::max()) {
      member.priority = static_cast<std::uint32_t>(number);
    }
  }
  void take_text(KnownMember& member, std::string_view text) {
    text = text.substr(0, kMaxEndpointBytes + 1);  // one too many is refused as what it is
    if (key(3) == "peer") member.peer = text;
    if (key(3) == "client") member.client = text;
    if (key(3) == "publish") member.publish = text;
  }

  // A value of no meaning where it stands, or one that was taken; a key that is no str.
  bool other() {
    if (depth_ == 0) return false;  // the reply is no map
    if (depth_ <= kDeepest && places_[depth_].awaits_key) places_[depth_].key = {};
    return count();
  }
  bool count() { return ++values_ <= kMaxValues; }
  bool descend(bool map) {
    if (++depth_ > kMaxDepth) return false;
    if (depth_ <= kDeepest) places_[depth_] = {map, false, {}};
    return true;
  }
  bool ascend() {
    --depth_;
    return true;
  }
  bool await_key(bool awaits) {
    if (depth_ <= kDeepest) places_[depth_].awaits_key = awaits;
    return true;
  }

  MemberReply& reply_;
  std::array<Place, kDeepest + 1> places_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
};

bool is_usable(const KnownMember& member) {
  return member.id >= 1 && member.id <= kMaxNodeId && endpoint_objection(member.peer).empty() &&
         endpoint_objection(member.client).empty() && endpoint_objection(member.publish).empty();
}

}  // namespace

std::string encode_join_request(std::uint64_t id, const NewMember& member) {
  std::string frame;
  Writer writer(frame);
  writer.map(9);
  writer.text("op", "join");
  writer.number("id", id);
  writer.number("node", member.id);
  writer.number("identity", member.identity);
  writer.number("priority", member.priority);
  writer.text("peer", member.peer);
  writer.text("client", member.client);
  writer.text("publish", member.publish);
  writer.boolean("voter", member.voter);
  return frame;
}

std::string encode_members_request(std::uint64_t id) {
  std::string frame;
  Writer writer(frame);
  writer.map(2);
  writer.text("op", "members");
  writer.number("id", id);
  return frame;
}

std::optional<MemberReply> parse_member_reply(std::string_view frame) {
  MemberReply reply;
  ReplyVisitor visitor(reply);
  std::size_t offset = 0;
  if (parse_value(frame, offset, visitor) != ParseEnd::kWhole) return std::nullopt;
  if (!std::all_of(reply.members.begin(), reply.members.end(), is_usable)) return std::nullopt;
  return reply;
}

}  // namespace codec
