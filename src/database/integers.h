// The integers inside the database's records: 64 bits, little-endian in values, big-endian where
// they are keys, because RocksDB orders keys by their bytes. Private to src/database.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/little_endian.h"

namespace database {

using IntegerBytes = std::array<char, sizeof(std::uint64_t)>;

[[nodiscard]] inline std::string_view view_of(const IntegerBytes& bytes) {
  return {bytes.data(), bytes.size()};
}

[[nodiscard]] inline IntegerBytes little_endian(std::uint64_t number) {
  IntegerBytes bytes;
  base::store_little_endian(reinterpret_cast<std::byte*>(bytes.data()), number);
  return bytes;
}

// Only where at least eight bytes stand at `from`.
[[nodiscard]] inline std::uint64_t little_endian_at(const char* from) {
  return base::load_little_endian<std::uint64_t>(reinterpret_cast<const std::byte*>(from));
}

// Nothing unless `bytes` is exactly one integer.
[[nodiscard]] inline std::optional<std::uint64_t> read_little_endian(std::string_view bytes) {
  if (bytes.size() != sizeof(std::uint64_t)) return std::nullopt;
  return little_endian_at(bytes.data());
}

[[nodiscard]] inline IntegerBytes big_endian(std::uint64_t number) {
  return little_endian(__builtin_bswap64(number));
}

[[nodiscard]] inline std::optional<std::uint64_t> read_big_endian(std::string_view bytes) {
  const auto swapped = read_little_endian(bytes);
  if (!swapped) return std::nullopt;
  return __builtin_bswap64(*swapped);
}

}  // namespace database
