#include "bench/reply_scan.h"

namespace bench {
namespace {

// The MessagePack specification's table of first bytes.
constexpr std::uint8_t kFalse = 0xc2, kTrue = 0xc3;
constexpr std::uint8_t kBin8 = 0xc4, kBin32 = 0xc6, kExt8 = 0xc7, kExt32 = 0xc9;
constexpr std::uint8_t kFloat32 = 0xca, kFloat64 = 0xcb;
constexpr std::uint8_t kUint8 = 0xcc, kUint64 = 0xcf, kInt8 = 0xd0, kInt64 = 0xd3;
constexpr std::uint8_t kFixExt1 = 0xd4, kFixExt16 = 0xd8, kStr8 = 0xd9, kStr32 = 0xdb;
constexpr std::uint8_t kArray16 = 0xdc, kArray32 = 0xdd, kMap16 = 0xde, kMap32 = 0xdf;

struct Scanner {
  std::string_view rest;
  bool failed = false;

  std::uint8_t byte() { return static_cast<std::uint8_t>(integer(1)); }

  std::uint64_t integer(std::size_t size) {
    std::uint64_t value = 0;
    for (const char character : bytes(size)) {
      value = value << 8 | static_cast<unsigned char>(character);
    }
    return value;
  }

  std::string_view bytes(std::uint64_t size) {
    if (size > rest.size()) {
      failed = true;
      rest = {};
      return {};
    }
    const std::string_view taken = rest.substr(0, size);
    rest.remove_prefix(size);
    return taken;
  }

  // Passes over one object with all that it holds; without recursion.
  void skip() {
    for (std::uint64_t left = 1; left > 0 && !failed; --left) left += skip_one();
  }

  // Passes over one object's own bytes; how many objects it holds.
  std::uint64_t skip_one() {
    const std::uint8_t first = byte();
    if (first < 0x80 || first >= 0xe0) return 0;
    if (first < 0x90) return 2U * (first & 0x0fU);
    if (first < 0xa0) return first & 0x0fU;
    if (first < 0xc0) return bytes(first & 0x1fU), 0;
    if (first >= kBin8 && first <= kBin32) return bytes(integer(1U << (first - kBin8))), 0;
    if (first >= kExt8 && first <= kExt32) return bytes(integer(1U << (first - kExt8)) + 1), 0;
    if (first == kFloat32 || first == kFloat64) return bytes(first == kFloat32 ? 4 : 8), 0;
    if (first >= kUint8 && first <= kUint64) return bytes(1U << (first - kUint8)), 0;
    if (first >= kInt8 && first <= kInt64) return bytes(1U << (first - kInt8)), 0;
    if (first >= kFixExt1 && first <= kFixExt16) return bytes((1U << (first - kFixExt1)) + 1), 0;
    if (first >= kStr8 && first <= kStr32) return bytes(integer(1U << (first - kStr8))), 0;
    if (first == kArray16 || first == kArray32) return integer(first == kArray16 ? 2 : 4);
    if (first == kMap16 || first == kMap32) return 2 * integer(first == kMap16 ? 2 : 4);
    return 0;  // nil, false, true
  }

  std::string_view name() {
    const std::uint8_t first = byte();
    if (first >= 0xa0 && first < 0xc0) return bytes(first & 0x1fU);
    if (first >= kStr8 && first <= kStr32) return bytes(integer(1U << (first - kStr8)));
    failed = true;
    return {};
  }

  std::optional<std::uint64_t> unsigned_integer() {
    const std::uint8_t first = byte();
    if (first < 0x80) return first;
    if (first < kUint8 || first > kUint64) return std::nullopt;
    return integer(1U << (first - kUint8));
  }

  bool boolean() {
    const std::uint8_t first = byte();
    failed |= first != kTrue && first != kFalse;
    return first == kTrue;
  }
};

}  // namespace

std::optional<ScannedReply> scan_reply(std::string_view frame) {
  Scanner scanner{frame};
  const std::uint8_t first = scanner.byte();
  if (first < 0x80 || first >= 0x90) return std::nullopt;  // a reply has few fields
  ScannedReply reply;
  std::optional<std::uint64_t> id;
  for (unsigned left = first & 0x0fU; left > 0 && !scanner.failed; --left) {
    const std::string_view name = scanner.name();
    if (name == "id") {
      id = scanner.unsigned_integer();
      if (!id) return std::nullopt;
    } else if (name == "index") {
      const auto index = scanner.unsigned_integer();
      if (!index) return std::nullopt;
      reply.index = *index;
    } else if (name == "ok") {
      reply.ok = scanner.boolean();
    } else if (name == "found") {
      reply.found = scanner.boolean();
    } else {
      reply.has_leader |= name == "leader";
      scanner.skip();
    }
  }
  if (scanner.failed || !id) return std::nullopt;
  reply.id = *id;
  return reply;
}

std::optional<std::uint64_t> scan_index(std::string_view header) {
  Scanner scanner{header};
  const std::uint8_t first = scanner.byte();
  if (first < 0x80 || first >= 0x90) return std::nullopt;  // a header has few fields
  for (unsigned left = first & 0x0fU; left > 0 && !scanner.failed; --left) {
    if (scanner.name() == "index") {
      const auto index = scanner.unsigned_integer();
      return scanner.failed ? std::nullopt : index;
    }
    scanner.skip();
  }
  return std::nullopt;
}

}  // namespace bench
