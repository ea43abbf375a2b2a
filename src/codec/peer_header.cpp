#include "codec/peer_header.h"

#include <fmt/format.h>

#include "codec/message_pack.h"

namespace codec {

// Accepts an array of plain values and lists of numbers; stops at anything else.
class PeerHeader::Visitor : public msgpack::null_visitor {
 public:
  explicit Visitor(PeerHeader& header) : header_(header) {}

  bool visit_nil() { return add({.type = HeaderField::Type::kNil}); }
  bool visit_boolean(bool value) {
    return add({.type = HeaderField::Type::kBoolean, .number = value ? 1U : 0U});
  }
  bool visit_positive_integer(std::uint64_t value) {
    if (depth_ == 2) {
      header_.numbers_.push_back(value);
      ++header_.fields_[header_.size_ - 1].count;
      return true;
    }
    return add({.type = HeaderField::Type::kNumber, .number = value});
  }
  bool visit_negative_integer(std::int64_t) { return add({.type = HeaderField::Type::kNegative}); }
  bool visit_str(const char* text, std::uint32_t size) {
    return add({.type = HeaderField::Type::kText, .text = {text, size}});
  }
  bool start_array(std::uint32_t) {
    if (depth_ == 1 &&
        !add({.type = HeaderField::Type::kList, .number = header_.numbers_.size()})) {
      return false;
    }
    return ++depth_ <= 2;
  }
  bool end_array() {
    --depth_;
    return true;
  }
  bool start_map(std::uint32_t) { return false; }
  bool visit_float32(float) { return false; }
  bool visit_float64(double) { return false; }
  bool visit_bin(const char*, std::uint32_t) { return false; }
  bool visit_ext(const char*, std::uint32_t) { return false; }

 private:
  bool add(const HeaderField& field) {
    if (depth_ != 1 || header_.size_ == kMaxFields) return false;
    header_.fields_[header_.size_++] = field;
    return true;
  }

  PeerHeader& header_;
  std::size_t depth_ = 0;
};

PeerHeader::PeerHeader(std::string_view frame) {
  Visitor visitor(*this);
  std::size_t offset = 0;
  complete_ = parse_value(frame, offset, visitor) == ParseEnd::kWhole;
}

const HeaderField* FieldReader::take(std::string_view name, HeaderField::Type type,
                                     std::string_view wanted) {
  if (!defect_.empty()) return nullptr;
  if (position_ == header_.size()) {
    fail(fmt::format("the field {} is missing", name));
    return nullptr;
  }
  const HeaderField& field = header_.at(position_++);
  if (field.type != type) {
    fail(fmt::format("the field {} is not {}", name, wanted));
    return nullptr;
  }
  return &field;
}

std::uint64_t FieldReader::any_number(std::string_view name) {
  const HeaderField* field = take(name, HeaderField::Type::kNumber, "a number");
  return field == nullptr ? 0 : field->number;
}

std::uint64_t FieldReader::position(std::string_view name) {
  const std::uint64_t value = any_number(name);
  if (value > kMaxPosition) {
    fail(fmt::format("the field {} is {}, beyond every index and term", name, value));
    return 0;
  }
  return value;
}

std::uint64_t FieldReader::positive_position(std::string_view name) {
  const std::uint64_t value = position(name);
  if (value == 0) fail(fmt::format("the field {} is 0, it starts at 1", name));
  return value;
}

std::optional<std::uint64_t> FieldReader::optional_position(std::string_view name) {
  if (defect_.empty() && position_ < header_.size() &&
      header_.at(position_).type == HeaderField::Type::kNil) {
    ++position_;
    return std::nullopt;
  }
  return position(name);
}

bool FieldReader::boolean(std::string_view name) {
  const HeaderField* field = take(name, HeaderField::Type::kBoolean, "a boolean");
  return field != nullptr && field->number == 1;
}

std::string FieldReader::text(std::string_view name, std::size_t max_bytes) {
  const HeaderField* field = take(name, HeaderField::Type::kText, "a string");
  if (field == nullptr) return {};
  if (field->text.size() > max_bytes) {
    fail(fmt::format("the field {} has {} bytes, at most {} are taken", name, field->text.size(),
                     max_bytes));
    return {};
  }
  return std::string(field->text);
}

std::span<const std::uint64_t> FieldReader::list(std::string_view name) {
  const HeaderField* field = take(name, HeaderField::Type::kList, "a list of numbers");
  if (field == nullptr) return {};
  return header_.list(*field);
}

std::span<const std::uint64_t> FieldReader::list_of_pairs(std::string_view name) {
  const auto numbers = list(name);
  if (numbers.size() % 2 == 0) return numbers;
  fail(fmt::format("the field {} is not a list of pairs", name));
  return {};
}

void FieldReader::fail(std::string defect) {
  if (defect_.empty()) defect_ = std::move(defect);
}

const std::string& FieldReader::finish() {
  if (position_ != header_.size()) {
    fail(fmt::format("{} fields too many", header_.size() - position_));
  }
  return defect_;
}

}  // namespace codec
