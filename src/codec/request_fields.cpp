#include "codec/request_fields.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "codec/message_pack.h"

namespace codec {
namespace {

constexpr std::string_view kNil = "\xc0";

using Type = FieldValue::Type;

// In the order of FieldName.
constexpr std::array<std::string_view, static_cast<std::size_t>(FieldName::kUnknown)> kFieldNames =
    {"op",       "id",       "key",   "value",      "channel", "session", "seq",    "consistency",
     "after",    "topics",   "limit", "timeout_ms", "node",    "peer",    "client", "publish",
     "identity", "priority", "voter", "replaces",   "add",     "promote", "remove",
     "index",    "offset",   "max_bytes"};

struct MemberField {
  std::string_view name;
  FieldValue MemberFields::*place;
};
constexpr std::array kMemberFields = {
    MemberField{"id", &MemberFields::id},
    MemberField{"identity", &MemberFields::identity},
    MemberField{"priority", &MemberFields::priority},
    MemberField{"peer", &MemberFields::peer},
    MemberField{"client", &MemberFields::client},
    MemberField{"publish", &MemberFields::publish},
    MemberField{"voter", &MemberFields::voter},
};

FieldName find_field(std::string_view name) {
  for (std::size_t i = 0; i < kFieldNames.size(); ++i) {
    if (kFieldNames[i] == name) return static_cast<FieldName>(i);
  }
  return FieldName::kUnknown;
}

// Passes over one value of any type, within the depth.
class Skipper : public msgpack::null_visitor {
 public:
  bool start_array(std::uint32_t) { return ++depth_ < kMaxDepth; }
  bool start_map(std::uint32_t) { return ++depth_ < kMaxDepth; }
  bool end_array() { return leave(); }
  bool end_map() { return leave(); }

 private:
  bool leave() {
    --depth_;
    return true;
  }
  std::size_t depth_ = 0;
};

}  // namespace

std::string_view field_name(FieldName name) {
  return name == FieldName::kUnknown ? "unknown" : kFieldNames[static_cast<std::size_t>(name)];
}

// Depth 1 is inside the request's map, depth 2 inside a value of it, depth 3 inside a member of
// `add`.
class RequestFields::Visitor : public msgpack::null_visitor {
 public:
  Visitor(RequestFields& fields, std::string_view frame) : fields_(fields), frame_(frame) {}

  bool visit_nil() { return value({.type = Type::kNil}); }
  bool visit_boolean(bool truth) {
    return value({.type = Type::kBoolean, .number = truth ? 1U : 0U});
  }
  bool visit_positive_integer(std::uint64_t number) {
    return value({.type = Type::kNumber, .number = number});
  }
  bool visit_negative_integer(std::int64_t) { return value({.type = Type::kOther}); }
  bool visit_float32(float) { return value({.type = Type::kOther}); }
  bool visit_float64(double) { return value({.type = Type::kOther}); }
  bool visit_ext(const char*, std::uint32_t) { return value({.type = Type::kOther}); }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    return value({.type = Type::kBytes, .bytes = {bytes, size}});
  }
  bool visit_str(const char* bytes, std::uint32_t size) {
    if (depth_ == 1 && in_key_) {
      enter_field({bytes, size});
      return count();
    }
    if (depth_ == 3 && in_member_ && in_member_key_) {
      enter_member_field({bytes, size});
      return count();
    }
    return value({.type = Type::kText, .bytes = {bytes, size}});
  }
  bool start_array(std::uint32_t) { return value({.type = Type::kArray}) && descend(); }
  bool end_array() { return ascend(); }
  bool start_map(std::uint32_t) {
    if (depth_ == 0) return descend();
    return value({.type = Type::kMap}) && descend();
  }
  bool end_map() { return ascend(); }
  bool start_map_key() { return turn_to_key(true); }
  bool start_map_value() { return turn_to_key(false); }

 private:
  bool stop(std::string defect) {
    fields_.fail(std::move(defect));
    return false;
  }

  bool count() {
    if (++values_ <= kMaxValues) return true;
    return stop(fmt::format("the request holds more than {} values", kMaxValues));
  }

  bool descend() {
    if (++depth_ <= kMaxDepth) return true;
    return stop(fmt::format("the request is nested more than {} levels deep", kMaxDepth));
  }

  bool ascend() {
    if (--depth_ == 2) in_member_ = false;
    return true;
  }

  bool turn_to_key(bool key) {
    if (depth_ == 1) in_key_ = key;
    if (depth_ == 3) in_member_key_ = key;
    return true;
  }

  void enter_field(std::string_view name) {
    field_ = find_field(name);
    if (field_ == FieldName::kUnknown) return;
    if (fields_[field_].type != Type::kMissing) {
      fields_.fail(fmt::format("the field {} is there twice", name));
      field_ = FieldName::kUnknown;
    } else if (field_ == FieldName::kId) {
      fields_.read_id(frame_, static_cast<std::size_t>(name.data() + name.size() - frame_.data()));
    }
  }

  void enter_member_field(std::string_view name) {
    member_field_ = nullptr;
    for (const MemberField& known : kMemberFields) {
      if (known.name == name) member_field_ = known.place;
    }
    if (member_field_ == nullptr) return;
    if ((fields_.members_.back().*member_field_).type != Type::kMissing) {
      fields_.fail(fmt::format("the field {} of a member in the field add is there twice", name));
      member_field_ = nullptr;
    }
  }

  bool value(const FieldValue& value) {
    if (depth_ == 0) return stop("the request is not a MessagePack map");
    if (depth_ == 1 && in_key_) {
      fields_.fail("a key of the request's map is not a str");
      field_ = FieldName::kUnknown;
    } else if (depth_ == 1) {
      fields_.values_[static_cast<std::size_t>(field_)] = value;
    } else if (depth_ == 2 && fields_[field_].type == Type::kArray) {
      add_element(value);
    } else if (depth_ == 3 && in_member_) {
      add_to_member(value);
    }
    return count();
  }

  void add_element(const FieldValue& value) {
    switch (field_) {
      case FieldName::kTopics:
        return add_topic(value);
      case FieldName::kAdd:
        return add_member(value);
      case FieldName::kPromote:
      case FieldName::kRemove:
      case FieldName::kReplaces:
        return add_node(value);
      default:
        return;  // what is no list, but sent as one, is refused by its type
    }
  }

  void add_topic(const FieldValue& value) {
    if (value.type != Type::kText && value.type != Type::kBytes) {
      fields_.fail("a topic in the field topics is neither a str nor a bin");
    } else if (fields_.topics_.size() == kMaxTopics) {
      fields_.fail(fmt::format("the field topics holds more than {} topics", kMaxTopics));
    } else {
      fields_.topics_.push_back(value.bytes);
    }
  }

  void add_member(const FieldValue& value) {
    if (value.type != Type::kMap) {
      fields_.fail("a member in the field add is not a map");
    } else if (fields_.members_.size() == kMaxNodes) {
      fields_.fail(fmt::format("the field add holds more than {} members", kMaxNodes));
    } else {
      fields_.members_.emplace_back();
      in_member_ = true;
    }
  }

  void add_to_member(const FieldValue& value) {
    if (in_member_key_) {
      fields_.fail("a key of a member in the field add is not a str");
      member_field_ = nullptr;
    } else if (member_field_ != nullptr) {
      fields_.members_.back().*member_field_ = value;
    }
  }

  void add_node(const FieldValue& value) {
    const auto list = std::find_if(fields_.node_lists_.begin(), fields_.node_lists_.end(),
                                   [this](const NodeList& each) { return each.field == field_; });
    if (value.type != Type::kNumber) {
      fields_.fail(
          fmt::format("a node in the field {} is not a whole number from 1", field_name(field_)));
    } else if (list->nodes.size() == kMaxNodes) {
      fields_.fail(
          fmt::format("the field {} holds more than {} nodes", field_name(field_), kMaxNodes));
    } else {
      list->nodes.push_back(value.number);
    }
  }

  RequestFields& fields_;
  std::string_view frame_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  bool in_key_ = false;
  FieldName field_ = FieldName::kUnknown;
  bool in_member_ = false;      // in the last of members_, or in a value of it
  bool in_member_key_ = false;  // at its own depth
  FieldValue MemberFields::*member_field_ = nullptr;  // null: unknown, and ignored
};

RequestFields::RequestFields(std::string_view frame) : id_(kNil) {
  Visitor visitor(*this, frame);
  std::size_t offset = 0;
  switch (parse_value(frame, offset, visitor)) {
    case ParseEnd::kWhole:
      return;
    case ParseEnd::kTrailing:
      fail("bytes follow the request's map in its frame");
      return;
    case ParseEnd::kBroken:
      fail("the frame is not MessagePack, or is cut off");
      return;
  }
}

const std::vector<std::uint64_t>& RequestFields::nodes(FieldName list) const {
  const auto found = std::find_if(node_lists_.begin(), node_lists_.end(),
                                  [list](const NodeList& each) { return each.field == list; });
  CHECK(found != node_lists_.end(), "the field {} is no list of nodes", field_name(list));
  return found->nodes;
}

void RequestFields::fail(std::string defect) {
  if (defect_.empty()) defect_ = std::move(defect);
}

void RequestFields::read_id(std::string_view frame, std::size_t offset) {
  const std::string_view window = frame.substr(0, offset + kMaxIdBytes);
  Skipper skipper;
  std::size_t end = offset;
  if (parse_value(window, end, skipper) != ParseEnd::kBroken) {
    id_ = frame.substr(offset, end - offset);
  } else if (window.size() < frame.size()) {
    fail(fmt::format("the field id is over {} bytes, or nested too deep", kMaxIdBytes));
  }
}

}  // namespace codec
