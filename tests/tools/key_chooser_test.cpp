#include "bench/key_chooser.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

namespace {

using bench::Distribution;
using bench::KeyChooser;
using bench::ZipfRanks;

TEST_CASE("zipf_ranks_come_as_often_as_their_weights_say") {
  constexpr std::uint64_t kRanks = 1000;
  constexpr int kDraws = 400'000;
  double total = 0;
  for (std::uint64_t rank = 1; rank <= kRanks; ++rank) {
    total += std::pow(static_cast<double>(rank), -0.99);
  }
  const ZipfRanks ranks(kRanks);
  base::Random random(7);
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < kDraws; ++i) ++seen[ranks.draw(random)];
  REQUIRE(seen.begin()->first >= 1);
  REQUIRE(seen.rbegin()->first <= kRanks);
  for (const std::uint64_t rank : {1, 2, 3, 10, 100}) {
    const double expected = kDraws * std::pow(static_cast<double>(rank), -0.99) / total;
    // Five standard deviations, and always the same draws.
    REQUIRE(std::abs(seen[rank] - expected) < 5 * std::sqrt(expected));
  }
}

TEST_CASE("zipf_of_one_key_is_that_key") {
  KeyChooser chooser(Distribution::kZipf, 1, 0, 1);
  for (int i = 0; i < 100; ++i) REQUIRE(chooser.next() == 0);
}

TEST_CASE("zipf_spreads_popular_keys_over_all") {
  KeyChooser chooser(Distribution::kZipf, 1000, 0, 1);
  std::map<std::uint64_t, int> seen;
  for (int i = 0; i < 100'000; ++i) ++seen[chooser.next()];
  REQUIRE(seen.rbegin()->first < 1000);
  std::multimap<int, std::uint64_t> by_times;
  for (const auto& [key, times] : seen) by_times.emplace(times, key);
  const auto most = by_times.rbegin();
  const auto second = std::next(most);
  REQUIRE(std::abs(static_cast<int>(most->second) - static_cast<int>(second->second)) > 1);
}

TEST_CASE("sequential_workers_share_the_keys_without_meeting") {
  std::multiset<std::uint64_t> seen;
  for (std::uint64_t worker = 0; worker < 3; ++worker) {
    KeyChooser chooser(Distribution::kSequential, 30, worker, 3);
    for (int i = 0; i < 10; ++i) seen.insert(chooser.next());
  }
  REQUIRE(seen.size() == 30);
  for (std::uint64_t key = 0; key < 30; ++key) REQUIRE(seen.count(key) == 1);
}

TEST_CASE("uniform_reaches_every_key") {
  KeyChooser chooser(Distribution::kUniform, 50, 0, 1);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 5000; ++i) seen.insert(chooser.next());
  REQUIRE(seen.size() == 50);
  REQUIRE(*seen.rbegin() == 49);
}

}  // namespace
