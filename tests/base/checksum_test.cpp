#include "base/checksum.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>

#include "base/random.h"

namespace base {
namespace {

TEST_CASE("checksum_in_parts_is_that_of_all") {
  Random random(1);
  std::array<std::byte, 5000> bytes{};
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.between(0, 255));
  for (int round = 0; round < 100; ++round) {
    RunningChecksum running;
    std::size_t at = 0;
    while (at < bytes.size()) {
      const auto part = random.between(0, std::min<std::size_t>(700, bytes.size() - at));
      running.add(std::span(bytes).subspan(at, part));
      at += part;
      REQUIRE(running.value() == checksum(std::span(bytes).first(at)));
    }
  }
}

// The values that any XXH3 gives: what is on disk stays readable.
TEST_CASE("checksum_is_xxh3") {
  REQUIRE(checksum({}) == 0x2d06800538d394c2);
  REQUIRE(wide_checksum({}) == WideChecksum{0x6001c324468d497f, 0x99aa06d3014798d8});
}

}  // namespace
}  // namespace base
