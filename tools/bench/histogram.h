// Histogram: latencies in log-linear buckets, each at most 1/128 wide of what it holds, so that a
// percentile is exact to 0.8 %. From a nanosecond to hours, in 60 KB. One thread; merged at the
// end.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace bench {

class Histogram {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[bucket_of(nanoseconds)];
    ++count_;
    max_ = std::max(max_, nanoseconds);
  }

  void merge(const Histogram& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
  }

  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::uint64_t max() const { return max_; }

  // The value that a share of `quantile` (0 to 1) does not exceed; 0 where there is none.
  [[nodiscard]] std::uint64_t at(double quantile) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(quantile * static_cast<double>(count_) - kRounding));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted && seen > 0) return std::min(end_of(i), max_);
    }
    return max_;
  }

 private:
  // A product such as 0.07 * 100 is a little above the rank that it stands for.
  static constexpr double kRounding = 1e-6;
  static constexpr unsigned kStepBits = 7;  // 128 linear steps in each power of two
  static constexpr std::uint64_t kSteps = 1U << kStepBits;
  static constexpr unsigned kMaxBits = 44;  // nearly five hours; what is above counts as that

  [[nodiscard]] static std::size_t bucket_of(std::uint64_t value) {
    value = std::min(value, (std::uint64_t{1} << kMaxBits) - 1);
    if (value < kSteps) return value;
    const unsigned shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    return (shift + 1) * kSteps + ((value >> shift) - kSteps);
  }

  // The largest value of the bucket.
  [[nodiscard]] static std::uint64_t end_of(std::size_t bucket) {
    if (bucket < kSteps) return bucket;
    const std::size_t shift = bucket / kSteps - 1;
    return ((bucket % kSteps + kSteps + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (kMaxBits - kStepBits + 1) * kSteps> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace bench
