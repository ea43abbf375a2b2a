// Whether what clients were told about one key can be explained by a single register that does
// one call after the other, each at a moment between its question and its answer (Herlihy and
// Wing, 1990). The search is that of Wing and Gong (1993) with the memory of Lowe (2017). Pure.
//
// The register: absent at first; a set stores a value and makes the version one higher (1 where
// it was absent); a delete makes it absent. A call whose outcome nobody knows may take effect at
// any moment after it was asked, once, or never.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace sim {

enum class Call : std::uint8_t { kSet, kDelete, kGet };

struct Operation {
  Call call = Call::kGet;
  // The order of events, as numbers: each question and each answer has its own.
  std::uint64_t asked = 0;
  std::optional<std::uint64_t> answered;  // none: the outcome is not known
  // set: what it stores; get: what it found. Any number but the highest.
  std::uint64_t value = 0;
  // set: the version it was told; get: that of what it found; delete: above 0 where there was
  // something to remove. 0: nothing was found.
  std::uint64_t version = 0;
  // Where a cluster tells it, the place of the change in the order of all changes; of a get: that
  // of the last change of what it found, which is that of the set that stored it. The explanation
  // has to keep to it. 0: not told.
  std::uint64_t index = 0;
};
// "set 7 -> version 3", for people.
[[nodiscard]] std::string describe(const Operation& operation);

enum class Verdict : std::uint8_t {
  kLinearizable,
  kNotLinearizable,
  kUndecided,  // the search was given up: too many states
};

struct Judgement {
  Verdict verdict = Verdict::kLinearizable;
  // Not linearizable: the call that the longest explanation could not reach, by its place among
  // the operations, and what that explanation had done by then.
  std::size_t stuck_at = 0;
  std::string explanation;
};

// All calls of one key, in any order.
[[nodiscard]] Judgement judge(std::span<const Operation> operations,
                              std::size_t max_states = 10'000'000);

}  // namespace sim
