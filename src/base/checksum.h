// The checksum of every record, header and file: XXH3, 64 bits, seed 0 (xxhash.com, libxxhash).
#pragma once

#include <cstdint>
#include <span>

namespace base {

[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes);

}  // namespace base
