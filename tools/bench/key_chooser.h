// KeyChooser: which key the next request is for. Deterministic: same seed, same keys.
#pragma once

#include <cstdint>

#include "base/random.h"

namespace bench {

enum class Distribution { kUniform, kZipf, kSequential };

// Ranks 1 to `count` with chances in proportion to 1 / rank^0.99, as they are usual for benchmarks
// of key-value stores. By rejection and inversion (Hörmann and Derflinger 1996): no table, and
// nearly always one step.
class ZipfRanks {
 public:
  explicit ZipfRanks(std::uint64_t count);
  [[nodiscard]] std::uint64_t draw(base::Random& random) const;

 private:
  double count_;
  double integral_of_first_;
  double integral_of_last_;
  double sure_;  // ranks at most this far from the drawn point are taken without a second look
};

class KeyChooser {
 public:
  // One of `workers` of a run, the `worker`th from 0: sequences of different ones do not meet.
  KeyChooser(Distribution distribution, std::uint64_t keys, std::uint64_t worker,
             std::uint64_t workers);

  // From 0 to below `keys`. Popular keys of kZipf are spread over all of them.
  [[nodiscard]] std::uint64_t next();

 private:
  Distribution distribution_;
  std::uint64_t keys_;
  std::uint64_t step_;
  std::uint64_t sequence_;
  base::Random random_;
  ZipfRanks zipf_;
};

}  // namespace bench
