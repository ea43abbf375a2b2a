// RequestFields: a client's request taken apart in one pass, but not yet understood: which of the
// known fields are there, of which type, as views into the frame. For the sources of src/codec
// alone.
//
// Whatever is wrong with a frame, its `id` is kept if it stands before the place where the bytes
// stop making sense, so that the client learns which of its requests failed.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace codec {

enum class FieldName : std::uint8_t {
  kOperation,
  kId,
  kKey,
  kValue,
  kChannel,
  kSession,
  kSeq,
  kConsistency,
  kAfter,
  kTopics,
  kLimit,
  kTimeout,
  kNode,
  kPeer,
  kClient,
  kPublish,
  kIdentity,
  kPriority,
  kVoter,
  kReplaces,
  kAdd,
  kPromote,
  kRemove,
  kIndex,
  kOffset,
  kMaxBytes,
  kUnknown,  // ignored, as the contract grows
};

// As in the protocol.
[[nodiscard]] std::string_view field_name(FieldName name);

struct FieldValue {
  enum class Type : std::uint8_t {
    kMissing,
    kNil,
    kBoolean,
    kText,
    kBytes,
    kNumber,
    kArray,
    kMap,
    kOther
  };
  Type type = Type::kMissing;
  std::uint64_t number = 0;  // of kNumber: a whole number, not negative; of kBoolean: 0 or 1
  std::string_view bytes;    // of kText and kBytes
};

// One element of `add`.
struct MemberFields {
  FieldValue id, identity, priority, peer, client, publish, voter;
};

class RequestFields {
 public:
  static constexpr std::size_t kMaxIdBytes = 256;
  static constexpr std::size_t kMaxTopics = 256;
  static constexpr std::size_t kMaxNodes = 64;     // in each list of nodes
  static constexpr std::size_t kMaxValues = 4096;  // of all depths: bounds the work

  // `frame` outlives the fields.
  explicit RequestFields(std::string_view frame);

  // The id's own MessagePack; nil where it is missing or could not be read.
  [[nodiscard]] std::string_view id() const { return id_; }
  // What is wrong with the frame as such, as a sentence; empty where it is a map as it should be.
  [[nodiscard]] const std::string& defect() const { return defect_; }
  [[nodiscard]] const FieldValue& operator[](FieldName name) const {
    return values_[static_cast<std::size_t>(name)];
  }
  // The elements of `topics`, where it is an array.
  [[nodiscard]] const std::vector<std::string_view>& topics() const { return topics_; }
  // The elements of `add`, where it is an array.
  [[nodiscard]] const std::vector<MemberFields>& members() const { return members_; }
  // The elements of `promote`, `remove` or `replaces`, where it is an array.
  [[nodiscard]] const std::vector<std::uint64_t>& nodes(FieldName list) const;

 private:
  class Visitor;
  struct NodeList {
    FieldName field;
    std::vector<std::uint64_t> nodes;
  };
  void fail(std::string defect);
  void read_id(std::string_view frame, std::size_t offset);

  std::array<FieldValue, static_cast<std::size_t>(FieldName::kUnknown) + 1> values_;
  std::vector<std::string_view> topics_;
  std::vector<MemberFields> members_;
  std::array<NodeList, 3> node_lists_{
      {{FieldName::kPromote, {}}, {FieldName::kRemove, {}}, {FieldName::kReplaces, {}}}};
  std::string_view id_;
  std::string defect_;
};

}  // namespace codec
