// The checksum of every record, header and file: XXH3, seed 0 (xxhash.com, libxxhash).
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <span>

struct XXH3_state_s;

namespace base {

// 64 bits.
[[nodiscard]] std::uint64_t checksum(std::span<const std::byte> bytes);

// 128 bits, for bytes that are taken for others which have the same one.
struct WideChecksum {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend auto operator<=>(const WideChecksum&, const WideChecksum&) = default;
};
[[nodiscard]] WideChecksum wide_checksum(std::span<const std::byte> bytes);

// checksum() of bytes that come in parts.
class RunningChecksum {
 public:
  RunningChecksum();

  void add(std::span<const std::byte> bytes);
  // Of all that was added so far.
  [[nodiscard]] std::uint64_t value() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace base
