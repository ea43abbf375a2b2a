#include "codec/request_fields.h"

#include <fmt/format.h>

#include "codec/message_pack.h"

namespace codec {
namespace {

constexpr std::string_view kNil = "\xc0";

using Type = FieldValue::Type;

// In the order of FieldName.
constexpr std::array<std::string_view, static_cast<std::size_t>(FieldName::kUnknown)> kFieldNames =
    {"op", "key", "value", "channel", "consistency", "after", "topics", "limit", "id"};

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

// Depth 1 is inside the request's map, depth 2 inside a value of it.
class RequestFields::Visitor : public msgpack::null_visitor {
 public:
  Visitor(RequestFields& fields, std::string_view frame) : fields_(fields), frame_(frame) {}

  bool visit_nil() { return value({.type = Type::kOther}); }
  bool visit_boolean(bool) { return value({.type = Type::kOther}); }
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
    return value({.type = Type::kText, .bytes = {bytes, size}});
  }
  bool start_array(std::uint32_t) { return value({.type = Type::kArray}) && descend(); }
  bool end_array() { return ascend(); }
  bool start_map(std::uint32_t) {
    if (depth_ == 0) return descend();
    return value({.type = Type::kOther}) && descend();
  }
  bool end_map() { return ascend(); }
  bool start_map_key() {
    if (depth_ == 1) in_key_ = true;
    return true;
  }
  bool start_map_value() {
    if (depth_ == 1) in_key_ = false;
    return true;
  }

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
    --depth_;
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

  bool value(const FieldValue& value) {
    if (depth_ == 0) return stop("the request is not a MessagePack map");
    if (depth_ == 1 && in_key_) {
      fields_.fail("a key of the request's map is not a str");
      field_ = FieldName::kUnknown;
    } else if (depth_ == 1) {
      fields_.values_[static_cast<std::size_t>(field_)] = value;
    } else if (depth_ == 2 && field_ == FieldName::kTopics) {
      add_topic(value);
    }
    return count();
  }

  void add_topic(const FieldValue& value) {
    if (fields_[FieldName::kTopics].type != Type::kArray) return;
    if (value.type != Type::kText && value.type != Type::kBytes) {
      fields_.fail("a topic in the field topics is neither a str nor a bin");
    } else if (fields_.topics_.size() == kMaxTopics) {
      fields_.fail(fmt::format("the field topics holds more than {} topics", kMaxTopics));
    } else {
      fields_.topics_.push_back(value.bytes);
    }
  }

  RequestFields& fields_;
  std::string_view frame_;
  std::size_t depth_ = 0;
  std::size_t values_ = 0;
  bool in_key_ = false;
  FieldName field_ = FieldName::kUnknown;
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
