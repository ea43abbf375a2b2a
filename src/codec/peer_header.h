// PeerHeader: the first frame of a message between nodes, taken apart but not yet understood. A
// flat array of numbers, strings, booleans, nils, and lists of numbers; nothing else is in any
// message. For the sources of src/codec alone.
//
// What could be read before a defect stays readable, so that a message of another protocol
// version or cluster is refused under its right name whatever follows.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace codec {

// Frames with a longer first frame are refused: it bounds what reading its lists may allocate.
inline constexpr std::size_t kMaxHeaderBytes = 4 << 20;

struct HeaderField {
  enum class Type : std::uint8_t { kNil, kBoolean, kNumber, kNegative, kText, kList };
  Type type = Type::kNil;
  std::uint64_t number = 0;  // the value; 0 or 1 of a boolean; where a list starts
  std::size_t count = 0;     // of a list
  std::string_view text;     // into the frame
};

class PeerHeader {
 public:
  // `frame` outlives the header.
  explicit PeerHeader(std::string_view frame);

  // The frame is one array of the types above, without a byte after it.
  [[nodiscard]] bool complete() const { return complete_; }
  // Elements read; all of them where complete().
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] const HeaderField& at(std::size_t position) const { return fields_[position]; }
  [[nodiscard]] std::span<const std::uint64_t> list(const HeaderField& field) const {
    return std::span(numbers_).subspan(field.number, field.count);
  }

 private:
  class Visitor;

  static constexpr std::size_t kMaxFields = 24;
  std::array<HeaderField, kMaxFields> fields_;
  std::size_t size_ = 0;
  bool complete_ = false;
  std::vector<std::uint64_t> numbers_;  // of all lists, one behind the other
};

// Takes fields in order and checks each. The first defect is kept, later calls return zeros, so
// that a message is read in straight lines and judged once, by finish().
class FieldReader {
 public:
  FieldReader(const PeerHeader& header, std::size_t position)
      : header_(header), position_(position) {}

  [[nodiscard]] std::uint64_t any_number(std::string_view name);
  // An index or a term: at most kMaxPosition, so that adding to it never overflows.
  [[nodiscard]] std::uint64_t position(std::string_view name);
  [[nodiscard]] std::uint64_t positive_position(std::string_view name);
  [[nodiscard]] std::optional<std::uint64_t> optional_position(std::string_view name);
  [[nodiscard]] bool boolean(std::string_view name);
  // Of at most max_bytes.
  [[nodiscard]] std::string text(std::string_view name, std::size_t max_bytes);
  // Numbers in pairs, or alone.
  [[nodiscard]] std::span<const std::uint64_t> list(std::string_view name);
  [[nodiscard]] std::span<const std::uint64_t> list_of_pairs(std::string_view name);

  void fail(std::string defect);
  void require(bool holds, std::string_view defect) {
    if (!holds) fail(std::string(defect));
  }

  // The first defect, a field too many among them; empty where all is well.
  [[nodiscard]] const std::string& finish();

 private:
  const HeaderField* take(std::string_view name, HeaderField::Type type, std::string_view wanted);

  const PeerHeader& header_;
  std::size_t position_;
  std::string defect_;
};

inline constexpr std::uint64_t kMaxPosition = (std::uint64_t{1} << 63) - 1;

}  // namespace codec
