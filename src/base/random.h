// Random: a small seeded generator (xoshiro256**, Blackman and Vigna 2018, seeded by splitmix64).
// Same seed, same numbers, on every platform and standard library, which <random>'s
// distributions do not promise. Not for secrets.
#pragma once

#include <array>
#include <cstdint>

namespace base {

class Random {
 public:
  explicit Random(std::uint64_t seed);

  [[nodiscard]] std::uint64_t next();
  // Uniform in [low, high], both included; low <= high.
  [[nodiscard]] std::uint64_t between(std::uint64_t low, std::uint64_t high);
  // True with a chance of numerator in denominator.
  [[nodiscard]] bool chance(std::uint64_t numerator, std::uint64_t denominator);

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace base
