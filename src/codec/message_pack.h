// MessagePack inside this library: writing into a string, and reading through visitors that keep
// nothing but what they are asked for. For the sources of src/codec alone, as it brings msgpack-c
// into whoever includes it.
//
// Reading never builds an object tree: msgpack-c's object and its unpacker reserve by declared
// size (B19), while parse() only calls a visitor and keeps four bytes for each open level. What a
// visitor keeps is bounded by the visitor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <msgpack.hpp>
#include <string>
#include <string_view>

namespace codec {

// Nesting beyond this is refused, so that the parser's stack stays on its first allocation.
inline constexpr std::size_t kMaxDepth = 16;

class StringSink {
 public:
  explicit StringSink(std::string& text) : text_(text) {}
  void write(const char* bytes, std::size_t size) {
    // Most of what the packer writes by itself is one byte, before a short text or a number.
    if (size == 1) {
      text_.push_back(*bytes);
    } else {
      text_.append(bytes, size);
    }
  }

 private:
  std::string& text_;
};

// msgpack::packer with the calls that this project uses under their own names.
class Writer {
 public:
  explicit Writer(std::string& text) : text_(text), sink_(text), packer_(sink_) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void map(std::size_t size) { packer_.pack_map(static_cast<std::uint32_t>(size)); }
  void array(std::size_t size) { packer_.pack_array(static_cast<std::uint32_t>(size)); }
  void number(std::uint64_t value) { packer_.pack_uint64(value); }
  void boolean(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
  void nil() { packer_.pack_nil(); }
  void text(std::string_view value) {
    packer_.pack_str(static_cast<std::uint32_t>(value.size()));
    text_.append(value);
  }
  void bytes(std::string_view value) {
    packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
    text_.append(value);
  }
  // A value that is MessagePack already.
  void encoded(std::string_view value) { text_.append(value); }

  void number(std::string_view key, std::uint64_t value) {
    text(key);
    number(value);
  }
  void boolean(std::string_view key, bool value) {
    text(key);
    boolean(value);
  }
  void text(std::string_view key, std::string_view value) {
    text(key);
    text(value);
  }

 private:
  std::string& text_;
  StringSink sink_;
  msgpack::packer<StringSink> packer_;
};

enum class ParseEnd {
  kWhole,     // one value, and nothing after it
  kTrailing,  // one value, and more bytes
  kBroken,    // no value: not MessagePack, cut off, or the visitor stopped it
};

// Parses one value from `offset`; afterwards `offset` is just behind it unless broken.
template <typename Visitor>
[[nodiscard]] ParseEnd parse_value(std::string_view bytes, std::size_t& offset, Visitor& visitor) {
  try {
    if (!msgpack::parse(bytes.data(), bytes.size(), offset, visitor)) return ParseEnd::kBroken;
  } catch (const std::exception&) {  // an ext of 2^32 bytes throws past every visitor
    return ParseEnd::kBroken;
  }
  return offset == bytes.size() ? ParseEnd::kWhole : ParseEnd::kTrailing;
}

}  // namespace codec
