#include "codec/request_reader.h"

#include <fmt/format.h>

namespace codec {
namespace {

using Type = FieldValue::Type;

constexpr std::size_t kTopicPrefixBytes = 3;  // "kv/" and "ch/" before a key or channel

}  // namespace

std::string_view RequestReader::key(FieldName name) {
  const std::string_view key = bytes(name);
  if (key.empty()) fail(fmt::format("the field {} is empty", field_name(name)));
  if (key.size() > limits_.max_key_bytes) {
    fail(fmt::format("the field {} has {} bytes, at most {} are taken", field_name(name),
                     key.size(), limits_.max_key_bytes));
  }
  return key;
}

std::string_view RequestReader::bytes(FieldName name) {
  const FieldValue& value = fields_[name];
  if (value.type == Type::kText || value.type == Type::kBytes) return value.bytes;
  fail_type(value, field_name(name), "a str or a bin");
  return {};
}

std::uint64_t RequestReader::number(FieldName name, std::uint64_t otherwise) {
  const FieldValue& value = fields_[name];
  if (value.type == Type::kMissing) return otherwise;
  if (value.type != Type::kNumber) fail_type(value, field_name(name), "a whole number from 0");
  return value.number;
}

std::uint64_t RequestReader::number_of(FieldName name, std::uint64_t least, std::uint64_t most) {
  const FieldValue& value = fields_[name];
  if (value.type != Type::kNumber) {
    fail_type(value, field_name(name), fmt::format("a whole number from {}", least));
  }
  check_range(field_name(name), value.number, least, most);
  return value.number;
}

std::optional<std::uint64_t> RequestReader::optional_number(FieldName name, std::uint64_t least,
                                                            std::uint64_t most) {
  const Type type = fields_[name].type;
  if (type == Type::kMissing || type == Type::kNil) return std::nullopt;
  return number_of(name, least, most);
}

bool RequestReader::linearizable() {
  const FieldValue& value = fields_[FieldName::kConsistency];
  if (value.type == Type::kMissing) return true;
  if (value.type == Type::kText && value.bytes == "linearizable") return true;
  if (value.type != Type::kText || value.bytes != "local") {
    fail("the field consistency is neither \"linearizable\" nor \"local\"");
  }
  return false;
}

std::vector<std::string> RequestReader::topics() {
  const FieldValue& value = fields_[FieldName::kTopics];
  if (value.type == Type::kMissing) return {};
  if (value.type != Type::kArray) {
    fail_type(value, field_name(FieldName::kTopics), "a list of topic prefixes");
  }
  const std::size_t longest = limits_.max_key_bytes + kTopicPrefixBytes;
  for (const auto topic : fields_.topics()) {
    if (topic.size() > longest) {
      fail(fmt::format("a topic in the field topics has {} bytes, at most {} are taken",
                       topic.size(), longest));
      return {};
    }
  }
  return {fields_.topics().begin(), fields_.topics().end()};
}

std::optional<WriteName> RequestReader::write_name() {
  const bool session = fields_[FieldName::kSession].type != Type::kMissing;
  const bool seq = fields_[FieldName::kSeq].type != Type::kMissing;
  if (!session && !seq) return std::nullopt;
  if (!seq) fail("the field session is there without the field seq");
  if (!session) fail("the field seq is there without the field session");
  return WriteName{.session = number_of(FieldName::kSession, 1, kMaxIndex),
                   .seq = number_of(FieldName::kSeq, 1, kMaxIndex)};
}

void RequestReader::fail_type(const FieldValue& value, std::string_view name,
                              std::string_view wanted) {
  fail(value.type == Type::kMissing ? fmt::format("the field {} is missing", name)
                                    : fmt::format("the field {} is not {}", name, wanted));
}

void RequestReader::check_range(std::string_view name, std::uint64_t value, std::uint64_t least,
                                std::uint64_t most) {
  if (value >= least && value <= most) return;
  fail(fmt::format("the field {} is {}, it goes from {} to {}", name, value, least, most));
}

}  // namespace codec
