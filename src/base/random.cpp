#include "base/random.h"

#include <bit>

#include "base/check.h"

namespace base {

Random::Random(std::uint64_t seed) : state_{} {
  for (auto& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) {
  CHECK(low <= high, "an empty range: {} to {}", low, high);
  const std::uint64_t width = high - low + 1;
  if (width == 0) return next();  // the whole range of 64 bits
  // The bias of the remainder is below 2^-32 for every width that is used here.
  return low + next() % width;
}

bool Random::chance(std::uint64_t numerator, std::uint64_t denominator) {
  return between(1, denominator) <= numerator;
}

}  // namespace base
