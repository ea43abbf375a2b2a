#include "bench/key_chooser.h"

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

constexpr double kExponent = 0.99;
// A prime above every number of keys, so that multiplying by it modulo their number hits each once.
constexpr std::uint64_t kSpread = 2'654'435'761;

double uniform(base::Random& random) {
  return static_cast<double>(random.next() >> 11) *
         0x1.0p-53;  // in [0, 1), to all bits of a double
}

double weight(double x) { return std::pow(x, -kExponent); }

// Of weight(), from 1 to x.
double integral(double x) { return (std::pow(x, 1 - kExponent) - 1) / (1 - kExponent); }

double inverse_integral(double area) {
  return std::pow(1 + area * (1 - kExponent), 1 / (1 - kExponent));
}

}  // namespace

ZipfRanks::ZipfRanks(std::uint64_t count)
    : count_(static_cast<double>(count)),
      integral_of_first_(integral(1.5) - 1),
      integral_of_last_(integral(count_ + 0.5)),
      sure_(2 - inverse_integral(integral(2.5) - weight(2))) {}

std::uint64_t ZipfRanks::draw(base::Random& random) const {
  for (;;) {
    const double area =
        integral_of_last_ + uniform(random) * (integral_of_first_ - integral_of_last_);
    const double point = inverse_integral(area);
    const double rank = std::clamp(std::floor(point + 0.5), 1.0, count_);
    if (rank - point <= sure_ || area >= integral(rank + 0.5) - weight(rank)) {
      return static_cast<std::uint64_t>(rank);
    }
  }
}

KeyChooser::KeyChooser(Distribution distribution, std::uint64_t keys, std::uint64_t worker,
                       std::uint64_t workers)
    : distribution_(distribution),
      keys_(keys),
      step_(workers),
      sequence_(worker),
      random_(worker + 1),
      zipf_(keys) {}

std::uint64_t KeyChooser::next() {
  switch (distribution_) {
    case Distribution::kSequential: {
      const std::uint64_t key = sequence_ % keys_;
      sequence_ += step_;
      return key;
    }
    case Distribution::kZipf:
      return (zipf_.draw(random_) - 1) * kSpread % keys_;
    case Distribution::kUniform:
      break;
  }
  return random_.between(0, keys_ - 1);
}

}  // namespace bench
