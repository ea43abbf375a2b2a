#include "database/command.h"

#include <cstdint>
#include <iterator>
#include <limits>
#include <optional>
#include <utility>

#include "base/check.h"

namespace database {
namespace {

// Arrays, bin and unsigned integers are all that a command needs. They are read here, in place,
// because an unpacker that builds objects reserves memory for what a length declares (B19).
constexpr unsigned char kArray = 0x90;  // the number of elements in its lower four bits
constexpr unsigned char kBinary8 = 0xc4;
constexpr unsigned char kBinary16 = 0xc5;
constexpr unsigned char kBinary32 = 0xc6;
constexpr unsigned char kMostInOneByte = 0x7f;
constexpr unsigned char kUnsigned8 = 0xcc;  // 16, 32 and 64 bits are the next three

enum class Kind : unsigned char {
  kSet = 1,
  kDelete = 2,
  kPublish = 3,
  kOpenSession = 4,
  kCloseSession = 5,
  kInSession = 6,
};

// Of its array, the kind included; 0: there is no such kind.
constexpr unsigned char elements_of(std::size_t kind) {
  constexpr unsigned char kElements[] = {0, 3, 2, 3, 3, 2, 4};
  return kind < std::size(kElements) ? kElements[kind] : 0;
}

void append_byte(std::string& bytes, unsigned char byte) {
  bytes.push_back(static_cast<char>(byte));
}

void append_head(std::string& bytes, Kind kind) {
  append_byte(bytes, kArray | elements_of(static_cast<std::size_t>(kind)));
  append_byte(bytes, static_cast<unsigned char>(kind));
}

void append_big_endian(std::string& bytes, std::uint64_t number, int size_bytes) {
  for (int byte = size_bytes - 1; byte >= 0; --byte) {
    append_byte(bytes, static_cast<unsigned char>(number >> (8 * byte)));
  }
}

void append_unsigned(std::string& bytes, std::uint64_t number) {
  if (number <= kMostInOneByte) return append_byte(bytes, static_cast<unsigned char>(number));
  unsigned char form = kUnsigned8;
  int size_bytes = 1;
  while (size_bytes < 8 && number >> (8 * size_bytes) != 0) {
    ++form;
    size_bytes *= 2;
  }
  append_byte(bytes, form);
  append_big_endian(bytes, number, size_bytes);
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
  append_big_endian(bytes, size, size_bytes);
  bytes.append(content);
}

struct Encoder {
  std::string bytes;

  void operator()(const SetCommand& set) {
    bytes.reserve(bytes.size() + set.key.size() + set.value.size() + 12);
    append_head(bytes, Kind::kSet);
    append_binary(bytes, set.key);
    append_binary(bytes, set.value);
  }
  void operator()(const DeleteCommand& erase) {
    append_head(bytes, Kind::kDelete);
    append_binary(bytes, erase.key);
  }
  void operator()(const PublishCommand& publish) {
    bytes.reserve(bytes.size() + publish.channel.size() + publish.value.size() + 12);
    append_head(bytes, Kind::kPublish);
    append_binary(bytes, publish.channel);
    append_binary(bytes, publish.value);
  }
  void operator()(const OpenSessionCommand& open) {
    append_head(bytes, Kind::kOpenSession);
    append_unsigned(bytes, open.timeout_ms);
    append_unsigned(bytes, open.max_sessions);
  }
  void operator()(const CloseSessionCommand& close) {
    append_head(bytes, Kind::kCloseSession);
    append_unsigned(bytes, close.session);
  }
  void operator()(const SessionCommand& command) {
    CHECK(command.seq >= 1, "session {}: a request without a number", command.session);
    append_head(bytes, Kind::kInSession);
    append_unsigned(bytes, command.session);
    append_unsigned(bytes, command.seq);
    std::visit([this](const auto& write) { (*this)(write); }, command.write);
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

  // Both only in their shortest form, so that one command has one encoding.
  [[nodiscard]] std::optional<std::uint64_t> unsigned_integer() {
    const auto form = big_endian(1);
    if (!form || *form <= kMostInOneByte) return form;
    if (*form < kUnsigned8 || *form > kUnsigned8 + 3) return std::nullopt;
    const std::size_t size_bytes = std::size_t{1} << (*form - kUnsigned8);
    const auto number = big_endian(size_bytes);
    const std::uint64_t most_in_less =
        size_bytes == 1 ? kMostInOneByte : (std::uint64_t{1} << (4 * size_bytes)) - 1;
    if (!number || *number <= most_in_less) return std::nullopt;
    return number;
  }
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
std::optional<Write> read_pair(Reader& reader) {
  const auto name = reader.binary();
  if (!name) return std::nullopt;
  const auto value = reader.binary();
  if (!value) return std::nullopt;
  return PairCommand{*name, *value};
}

std::optional<Write> read_write(Reader& reader, Kind kind) {
  if (kind == Kind::kSet) return read_pair<SetCommand>(reader);
  if (kind == Kind::kPublish) return read_pair<PublishCommand>(reader);
  if (kind != Kind::kDelete) return std::nullopt;
  const auto key = reader.binary();
  if (!key) return std::nullopt;
  return DeleteCommand{*key};
}

std::optional<Command> read_open_session(Reader& reader) {
  const auto timeout_ms = reader.unsigned_integer();
  if (!timeout_ms) return std::nullopt;
  const auto max_sessions = reader.unsigned_integer();
  if (!max_sessions) return std::nullopt;
  return OpenSessionCommand{*timeout_ms, *max_sessions};
}

std::optional<Command> read_close_session(Reader& reader) {
  const auto session = reader.unsigned_integer();
  if (!session) return std::nullopt;
  return CloseSessionCommand{*session};
}

// Both bytes before a command's parts: its kind, where the array has the length of that kind.
std::optional<Kind> read_head(Reader& reader) {
  const auto array = reader.big_endian(1);
  const auto kind = reader.big_endian(1);
  if (!array || !kind || elements_of(*kind) == 0) return std::nullopt;
  if (*array != (kArray | elements_of(*kind))) return std::nullopt;
  return static_cast<Kind>(*kind);
}

std::optional<Command> read_in_session(Reader& reader) {
  const auto session = reader.unsigned_integer();
  if (!session) return std::nullopt;
  const auto seq = reader.unsigned_integer();
  if (!seq || *seq == 0) return std::nullopt;
  const auto kind = read_head(reader);
  if (!kind) return std::nullopt;
  const auto write = read_write(reader, *kind);
  if (!write) return std::nullopt;
  return SessionCommand{*session, *seq, *write};
}

std::optional<Command> read_parts(Reader& reader, Kind kind) {
  if (kind == Kind::kOpenSession) return read_open_session(reader);
  if (kind == Kind::kCloseSession) return read_close_session(reader);
  if (kind == Kind::kInSession) return read_in_session(reader);
  const auto write = read_write(reader, kind);
  if (!write) return std::nullopt;
  return std::visit([](const auto& each) -> Command { return each; }, *write);
}

}  // namespace

base::SharedBytes encode_command(const Command& command) {
  Encoder encoder;
  std::visit([&](const auto& each) { encoder(each); }, command);
  return base::SharedBytes::take(std::move(encoder.bytes));
}

base::Result<Command> decode_command(std::string_view bytes) {
  Reader reader(bytes);
  const auto kind = read_head(reader);
  if (!kind) {
    return base::Error{
        "a command does not begin with a kind that there is, in an array of its length"};
  }
  const auto number = static_cast<unsigned>(*kind);
  const auto command = read_parts(reader, *kind);
  if (!command) {
    return base::Error{fmt::format(
        "a command of kind {} has a part that is cut short, of the wrong type or not in its "
        "shortest form",
        number)};
  }
  if (!reader.at_end()) {
    return base::Error{fmt::format("a command of kind {} has bytes after its end", number)};
  }
  return *command;
}

}  // namespace database
