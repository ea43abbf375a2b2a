// What the trials of an exhaustive test came to: a line of its output, where it ends, with the name
// of the test.
//
//   opening_each_byte_…: 12,345 bits flipped: 9,000 repaired, 3,345 refused, 0 accepted
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/catch.h"

namespace storage {

// 12,345
inline std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

class Tally {
 public:
  // `outcomes`: said in this order, also where there was none.
  Tally(std::string trials, const std::vector<std::string>& outcomes)
      : test_(Catch::getResultCapture().getCurrentTestName()), trials_(std::move(trials)) {
    for (const std::string& outcome : outcomes) counts_.emplace_back(outcome, 0);
  }
  ~Tally() {
    fmt::print("{}: {} {}", test_, with_commas(all()), trials_);
    char before = ':';
    for (const auto& [outcome, count] : counts_) {
      fmt::print("{} {} {}", std::exchange(before, ','), with_commas(count), outcome);
    }
    fmt::print("\n");
  }
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  void add(const std::string& outcome, std::uint64_t count = 1) {
    const auto found = std::find_if(counts_.begin(), counts_.end(),
                                    [&](const auto& each) { return each.first == outcome; });
    REQUIRE(found != counts_.end());
    found->second += count;
  }
  [[nodiscard]] std::uint64_t all() const {
    std::uint64_t sum = 0;
    for (const auto& each : counts_) sum += each.second;
    return sum;
  }

 private:
  std::string test_;
  std::string trials_;
  std::vector<std::pair<std::string, std::uint64_t>> counts_;
};

}  // namespace storage
