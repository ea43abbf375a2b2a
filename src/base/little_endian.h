// Fixed-width little-endian integers in byte strings: the byte order of every file and record.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace base {

static_assert(std::endian::native == std::endian::little,
              "files and frames are little-endian; a big-endian host needs byte swaps here");

template <typename Integer>
[[nodiscard]] Integer load_little_endian(const std::byte* from) {
  Integer value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename Integer>
void store_little_endian(std::byte* to, Integer value) {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace base
