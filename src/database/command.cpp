#include "database/command.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"

namespace database {
namespace {

// Three forms of MessagePack are all that a command needs. They are read here, in place, because
// an unpacker that builds objects reserves memory for what a length declares (B19).
constexpr unsigned char kArray = 0x90;  // the number of elements in its lower four bits
constexpr unsigned char kBinary8 = 0xc4;
constexpr unsigned char kBinary16 = 0xc5;
constexpr unsigned char kBinary32 = 0xc6;

enum class Kind : unsigned char { kSet = 1, kDelete = 2, kPublish = 3 };

void append_byte(std::string& bytes, unsigned char byte) {
  bytes.push_back(static_cast<char>(byte));
}

void append_head(std::string& bytes, Kind kind, unsigned char elements) {
  append_byte(bytes, kArray | elements);
  append_byte(bytes, static_cast<unsigned char>(kind));
}

void append_binary(std::string& bytes, std::string_view content) {
  const std::size_t size = content.size();
  CHECK(size <= std::numeric_limits<std::uint32_t>::max(),
        "{} bytes are more than MessagePack can hold in one piece", size);
  int size_bytes = 4;
  if (size <= 0xff) {
    append_byte(bytes, kBinary8);
    size_bytes = 1;
  } else if (size <= 0xffff) {
    append_byte(bytes, kBinary16);
    size_bytes = 2;
  } else {
    append_byte(bytes, kBinary32);
  }
  for (int byte = size_bytes - 1; byte >= 0; --byte) {
    append_byte(bytes, static_cast<unsigned char>(size >> (8 * byte)));
  }
  bytes.append(content);
}

struct Encoder {
  std::string bytes;

  void operator()(const SetCommand& set) {
    bytes.reserve(set.key.size() + set.value.size() + 12);
    append_head(bytes, Kind::kSet, 3);
    append_binary(bytes, set.key);
    append_binary(bytes, set.value);
  }
  void operator()(const DeleteCommand& erase) {
    append_head(bytes, Kind::kDelete, 2);
    append_binary(bytes, erase.key);
  }
  void operator()(const PublishCommand& publish) {
    bytes.reserve(publish.channel.size() + publish.value.size() + 12);
    append_head(bytes, Kind::kPublish, 3);
    append_binary(bytes, publish.channel);
    append_binary(bytes, publish.value);
  }
};

// Takes pieces from the front; nothing where the bytes do not hold what is asked for.
class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] std::optional<std::size_t> big_endian(std::size_t size_bytes) {
    if (rest_.size() < size_bytes) return std::nullopt;
    std::size_t number = 0;
    for (std::size_t i = 0; i < size_bytes; ++i) {
      number = number << 8 | static_cast<unsigned char>(rest_[i]);
    }
    rest_.remove_prefix(size_bytes);
    return number;
  }

  // Only in the shortest form, so that one command has one encoding.
  [[nodiscard]] std::optional<std::string_view> binary() {
    const auto form = big_endian(1);
    std::size_t size_bytes = 0;
    std::size_t least = 0;
    if (form == kBinary8) {
      size_bytes = 1;
    } else if (form == kBinary16) {
      size_bytes = 2;
      least = 0x100;
    } else if (form == kBinary32) {
      size_bytes = 4;
      least = 0x10000;
    } else {
      return std::nullopt;
    }
    const auto size = big_endian(size_bytes);
    if (!size || *size < least || *size > rest_.size()) return std::nullopt;
    const std::string_view content = rest_.substr(0, *size);
    rest_.remove_prefix(*size);
    return content;
  }

 private:
  std::string_view rest_;
};

template <typename PairCommand>
std::optional<Command> read_pair(Reader& reader) {
  const auto name = reader.binary();
  if (!name) return std::nullopt;
  const auto value = reader.binary();
  if (!value) return std::nullopt;
  return PairCommand{*name, *value};
}

std::optional<Command> read_delete(Reader& reader) {
  const auto key = reader.binary();
  if (!key) return std::nullopt;
  return DeleteCommand{*key};
}

}  // namespace

base::SharedBytes encode_command(const Command& command) {
  Encoder encoder;
  std::visit(encoder, command);
  return base::SharedBytes::take(std::move(encoder.bytes));
}

base::Result<Command> decode_command(std::string_view bytes) {
  Reader reader(bytes);
  const auto array = reader.big_endian(1);
  const auto kind = reader.big_endian(1);
  if (!array || !kind) return base::Error{"a command is at least two bytes long"};
  const auto is = [&](Kind expected, std::size_t elements) {
    return *kind == static_cast<std::size_t>(expected) && *array == (kArray | elements);
  };
  std::optional<Command> command;
  if (is(Kind::kSet, 3)) {
    command = read_pair<SetCommand>(reader);
  } else if (is(Kind::kDelete, 2)) {
    command = read_delete(reader);
  } else if (is(Kind::kPublish, 3)) {
    command = read_pair<PublishCommand>(reader);
  } else {
    return base::Error{fmt::format(
        "a command does not begin with the bytes {:#04x} {:#04x}: no such kind of command, or not "
        "an array of its length",
        *array, *kind)};
  }
  if (!command) {
    return base::Error{fmt::format(
        "a command of kind {} has a part that is cut short or not bin in its shortest form",
        *kind)};
  }
  if (!reader.at_end()) {
    return base::Error{fmt::format("a command of kind {} has bytes after its end", *kind)};
  }
  return *command;
}

}  // namespace database
