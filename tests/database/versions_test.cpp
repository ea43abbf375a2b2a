// Versions: what is known of keys is what a look-up would say, within the memory that it may take.
#include "database/versions.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "base/random.h"

namespace database {
namespace {

constexpr std::size_t kBytes = 4 << 10;

std::string key_of(std::uint64_t number) {
  // Some are too long for a string to hold in itself.
  return "key" + std::to_string(number) + std::string(number % 3 * 20, 'x');
}

struct Known {
  std::uint64_t& of(const std::string& key) {
    return versions.of(HashedKey(key), [&](std::string_view unknown) {
      ++looked_up;
      return stored[std::string(unknown)];
    });
  }

  Versions versions{kBytes};
  std::map<std::string, std::uint64_t> stored;
  int looked_up = 0;
};

TEST_CASE("versions_are_looked_up_once") {
  Known known;
  known.stored["a"] = 7;
  REQUIRE(known.of("a") == 7);
  REQUIRE(known.of("b") == 0);
  ++known.of("a");
  REQUIRE(known.of("a") == 8);
  REQUIRE(known.of("b") == 0);
  REQUIRE(known.looked_up == 2);
  known.versions.clear();
  REQUIRE(known.versions.bytes() == 0);
  REQUIRE(known.of("a") == 7);
}

TEST_CASE("versions_agree_with_what_is_stored_whatever_is_forgotten") {
  Known known;
  base::Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = key_of(random.between(0, 200));
    const std::uint64_t stored = known.stored[key];
    std::uint64_t& version = known.of(key);
    REQUIRE(version == stored);
    version = random.chance(1, 10) ? 0 : version + 1;
    known.stored[key] = version;
    REQUIRE(known.versions.bytes() <= kBytes);
  }
  REQUIRE(known.looked_up > 1000);  // there was not room for all
}

TEST_CASE("versions_of_keys_in_use_are_not_forgotten") {
  Known known;
  known.of("used");
  for (std::uint64_t i = 0; i < 1000; ++i) {
    known.of(key_of(i));
    known.of("used");
  }
  REQUIRE(known.looked_up == 1001);
}

}  // namespace
}  // namespace database
