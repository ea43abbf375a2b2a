// Histories that one register explains, and histories that it does not.
#include "linearizability.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

using sim::Call;
using sim::judge;
using sim::Operation;
using sim::Verdict;

namespace {

Operation set(std::uint64_t asked, std::uint64_t answered, std::uint64_t value,
              std::uint64_t version) {
  return {Call::kSet, asked, answered, value, version};
}
Operation lost_set(std::uint64_t asked, std::uint64_t value) {
  return {Call::kSet, asked, std::nullopt, value, 0};
}
Operation get(std::uint64_t asked, std::uint64_t answered, std::uint64_t value,
              std::uint64_t version) {
  return {Call::kGet, asked, answered, value, version};
}
Operation get_nothing(std::uint64_t asked, std::uint64_t answered) {
  return {Call::kGet, asked, answered, 0, 0};
}
Operation erase(std::uint64_t asked, std::uint64_t answered, bool found) {
  return {Call::kDelete, asked, answered, 0, found ? 1u : 0u};
}
Operation lost_erase(std::uint64_t asked) { return {Call::kDelete, asked, std::nullopt, 0, 0}; }

bool holds(const std::vector<Operation>& history) {
  const sim::Judgement judgement = judge(history);
  INFO(judgement.explanation);
  REQUIRE(judgement.verdict != Verdict::kUndecided);
  return judgement.verdict == Verdict::kLinearizable;
}

// Without the indices that nobody was told, and with what the gets tell of a set with an unknown
// outcome, where it alone stores what they found and they agree.
std::vector<Operation> with_told_indices(std::vector<Operation> history) {
  for (Operation& each : history) {
    if (each.answered) continue;
    each.index = 0;
    if (each.call != Call::kSet) continue;
    std::size_t writers = 0;
    std::set<std::uint64_t> indices;
    for (const Operation& other : history) {
      if (other.value != each.value) continue;
      if (other.call == Call::kSet) ++writers;
      const bool finds = other.call == Call::kGet && other.answered && other.version > 0;
      if (finds) indices.insert(other.index);
    }
    if (writers == 1 && indices.size() == 1) each.index = *indices.begin();
  }
  return history;
}

// Whether the changes keep to the order of the indices that were told when `next` comes now.
bool keeps_order(const std::vector<Operation>& history, const std::vector<bool>& used,
                 const Operation& next) {
  if (next.index == 0) return true;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Operation& other = history[i];
    if (&other == &next || other.index == 0 || other.call == Call::kGet) continue;
    const bool before =
        next.call == Call::kGet ? other.index <= next.index : other.index < next.index;
    if (before != used[i]) return false;
  }
  return true;
}

// Whether two were told of different places of one value that only one set stores.
bool contradicts_itself(const std::vector<Operation>& history) {
  for (const Operation& get : history) {
    if (get.call != Call::kGet || !get.answered || get.version == 0 || get.index == 0) continue;
    const auto writes = std::count_if(history.begin(), history.end(), [&](const Operation& each) {
      return each.call == Call::kSet && each.value == get.value;
    });
    for (const Operation& other : history) {
      const bool tells = other.call != Call::kDelete && other.answered && other.index > 0 &&
                         (other.call == Call::kSet || other.version > 0);
      if (writes == 1 && tells && other.value == get.value && other.index != get.index) return true;
    }
  }
  return false;
}

// Whether some order of some of the calls explains all: by trying each. For short histories.
bool holds_by_force(const std::vector<Operation>& history, std::vector<bool> used = {},
                    std::uint64_t value = 0, std::uint64_t version = 0) {
  used.resize(history.size());
  std::uint64_t limit = UINT64_MAX;
  bool done = true;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (used[i] || !history[i].answered) continue;
    done = false;
    limit = std::min(limit, *history[i].answered);
  }
  if (done) return true;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Operation& each = history[i];
    if (used[i] || each.asked > limit || !keeps_order(history, used, each)) continue;
    const bool known = each.answered.has_value();
    std::uint64_t next_value = value;
    std::uint64_t next_version = version;
    if (each.call == Call::kSet) {
      next_value = each.value;
      next_version = version + 1;
      if (known && each.version != next_version) continue;
    } else if (each.call == Call::kDelete) {
      next_version = 0;
      if (known && (each.version > 0) != (version > 0)) continue;
    } else if (known && (each.version != version || (version > 0 && each.value != value))) {
      continue;
    }
    auto then = used;
    then[i] = true;
    if (holds_by_force(history, then, next_value, next_version)) return true;
  }
  return false;
}

// What a register really did, each call at a moment between its question and its answer; some
// answers are lost.
std::vector<Operation> real_history(base::Random& random, std::size_t calls, bool with_indices) {
  std::vector<Operation> history(calls);
  std::uint64_t value = 0;
  std::uint64_t version = 0;
  std::uint64_t index = 0;
  for (std::size_t i = 0; i < calls; ++i) {
    const std::uint64_t moment = 1000 + 100 * i;
    Operation& each = history[i];
    each.call = static_cast<Call>(random.between(0, 2));
    if (each.call == Call::kDelete && random.chance(1, 2)) each.call = Call::kSet;
    each.asked = moment - random.between(1, 400);
    each.answered = moment + random.between(1, 400);
    if (each.call == Call::kSet) {
      each.value = value = moment;
      each.version = ++version;
      each.index = index = moment;
    } else if (each.call == Call::kDelete) {
      each.version = std::exchange(version, 0);
      each.index = moment;
    } else if (version > 0) {
      each.value = value;
      each.version = version;
      each.index = index;
    }
    if (random.chance(1, 4)) each.answered.reset();
    if (!each.answered || !with_indices) each.index = 0;
  }
  return history;
}

}  // namespace

TEST_CASE("linearizability_of_calls_one_after_the_other") {
  REQUIRE(holds({}));
  REQUIRE(holds({get_nothing(1, 2)}));
  REQUIRE(holds({set(1, 2, 7, 1), get(3, 4, 7, 1), set(5, 6, 8, 2), get(7, 8, 8, 2)}));
  REQUIRE(holds({set(1, 2, 7, 1), erase(3, 4, true), get_nothing(5, 6), erase(7, 8, false),
                 set(9, 10, 8, 1), get(11, 12, 8, 1)}));
}

TEST_CASE("linearizability_stale_read") {
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), set(3, 4, 8, 2), get(5, 6, 7, 1)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), get_nothing(3, 4)}));
  // While the second write is under way both are right, but not the old after the new.
  REQUIRE(holds({set(1, 2, 7, 1), set(3, 9, 8, 2), get(4, 5, 7, 1), get(6, 7, 8, 2)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), set(3, 9, 8, 2), get(4, 5, 8, 2), get(6, 7, 7, 1)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), erase(3, 4, true), get(5, 6, 7, 1)}));
}

TEST_CASE("linearizability_lost_write") {
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), set(3, 4, 8, 1)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), erase(3, 4, false)}));
}

TEST_CASE("linearizability_effect_twice") {
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), set(3, 4, 8, 3)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), get(3, 4, 7, 2)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), erase(3, 4, true), get(5, 6, 7, 1)}));
  // One call with an unknown outcome may stand for one more write, not for two.
  REQUIRE(holds({lost_set(1, 6), set(2, 3, 7, 1), set(4, 5, 8, 3)}));
  REQUIRE_FALSE(holds({lost_set(1, 6), set(2, 3, 7, 1), set(4, 5, 8, 4)}));
}

TEST_CASE("linearizability_reordering") {
  // Concurrent writes in either order, and reads that agree on one.
  REQUIRE(holds({set(1, 10, 7, 2), set(2, 9, 8, 1), get(11, 12, 7, 2)}));
  REQUIRE_FALSE(holds({set(1, 10, 7, 2), set(2, 9, 8, 1), get(11, 12, 8, 2)}));
  // One after the other, told in the other order.
  REQUIRE_FALSE(holds({set(1, 2, 7, 2), set(3, 4, 8, 1)}));
  // Each alone is right, both together are not: two readers see two writes in different orders.
  REQUIRE_FALSE(
      holds({lost_set(1, 7), lost_set(1, 8), get(2, 3, 7, 1), get(4, 5, 8, 2), get(6, 7, 7, 3)}));
}

TEST_CASE("linearizability_unknown_outcome") {
  // It takes effect late, or never, but not before it was asked, and once.
  REQUIRE(holds({lost_set(1, 7), get_nothing(2, 3), get(4, 5, 7, 1)}));
  REQUIRE(holds({lost_set(1, 7), get_nothing(2, 3), get_nothing(4, 5)}));
  REQUIRE_FALSE(holds({get(1, 2, 7, 1), lost_set(3, 7)}));
  REQUIRE_FALSE(holds({lost_set(1, 7), get(2, 3, 7, 1), get_nothing(4, 5)}));
  REQUIRE(holds({lost_set(1, 7), lost_erase(1), get(2, 3, 7, 1), get_nothing(4, 5)}));
  REQUIRE_FALSE(
      holds({lost_set(1, 7), lost_erase(1), get(2, 3, 7, 1), get_nothing(4, 5), get(6, 7, 7, 1)}));
  // What was read decides which of several it was.
  REQUIRE(
      holds({lost_set(1, 6), lost_set(1, 7), lost_set(1, 8), set(2, 3, 9, 3), get(4, 5, 7, 4)}));
  REQUIRE_FALSE(holds({lost_set(1, 6), lost_set(1, 7), set(2, 3, 9, 3), get(4, 5, 7, 4)}));
}

TEST_CASE("linearizability_keeps_to_the_order_of_indices") {
  const auto with_index = [](Operation operation, std::uint64_t index) {
    operation.index = index;
    return operation;
  };
  REQUIRE(holds({with_index(set(1, 9, 7, 1), 4), with_index(set(1, 9, 8, 2), 6),
                 with_index(get(1, 9, 7, 1), 4)}));
  // Alone the versions would do.
  REQUIRE(holds({set(1, 9, 7, 1), set(1, 9, 8, 2)}));
  REQUIRE_FALSE(holds({with_index(set(1, 9, 7, 1), 6), with_index(set(1, 9, 8, 2), 4)}));
  REQUIRE_FALSE(holds({with_index(set(1, 9, 7, 1), 4), with_index(set(1, 9, 8, 2), 6),
                       with_index(get(1, 9, 7, 1), 6)}));
  // Two changes at one index.
  REQUIRE_FALSE(holds({with_index(set(1, 9, 7, 1), 4), with_index(set(1, 9, 8, 2), 4)}));
  // Who found the value tells the place of a set whose outcome is unknown.
  const Operation found = with_index(get(1, 20, 7, 1), 4);
  const Operation erased_before = with_index(erase(1, 20, true), 3);
  const Operation erased_behind = with_index(erase(1, 20, true), 6);
  REQUIRE(holds({lost_set(1, 7), found, erased_behind}));
  REQUIRE_FALSE(holds({lost_set(1, 7), found, erased_before}));
  REQUIRE(holds({lost_set(1, 7), get(1, 20, 7, 1), erased_before}));
  // One value has one place.
  REQUIRE_FALSE(holds({with_index(set(1, 2, 7, 1), 4), with_index(get(3, 4, 7, 1), 6)}));
  REQUIRE_FALSE(holds({lost_set(1, 7), found, with_index(get(1, 20, 7, 1), 6)}));
}

TEST_CASE("linearizability_asked_and_answered_at_one_moment") {
  REQUIRE(holds({set(1, 2, 7, 1), get_nothing(2, 3)}));
  REQUIRE_FALSE(holds({set(1, 2, 7, 1), get_nothing(3, 4)}));
}

TEST_CASE("linearizability_says_which_call_fits_nowhere") {
  const std::vector<Operation> history{set(1, 2, 7, 1), set(3, 4, 8, 2), get(5, 6, 7, 1)};
  const sim::Judgement judgement = judge(history);
  REQUIRE(judgement.verdict == Verdict::kNotLinearizable);
  REQUIRE(judgement.stuck_at == 2);
  REQUIRE(
      judgement.explanation ==
      "get -> 7 with version 1 fits nowhere: after 2 calls the key is a value that nobody found, "
      "with version 2, the last: set 7 -> version 1; set 8 -> version 2");
}

TEST_CASE("linearizability_agrees_with_every_order_tried") {
  base::Random random(31);
  std::size_t good = 0;
  constexpr std::size_t kHistories = 20'000;
  for (std::size_t run = 0; run < kHistories; ++run) {
    std::vector<Operation> history(random.between(1, 7));
    const std::uint64_t with_index = random.between(0, 3);  // of three: none to all are told one
    for (Operation& each : history) {
      each.call = static_cast<Call>(random.between(0, 2));
      each.asked = random.between(0, 12);
      if (random.chance(3, 4)) each.answered = each.asked + random.between(0, 8);
      // Few values, so that some are written twice.
      each.value = random.between(1, 4);
      each.version = random.between(each.call == Call::kSet ? 1 : 0, 3);
      if (each.call == Call::kGet && each.version == 0) each.value = 0;
      if (random.chance(with_index, 3)) each.index = random.between(1, 9);
      if (each.call == Call::kGet && each.version == 0) each.index = 0;
    }
    const bool expected =
        !contradicts_itself(history) && holds_by_force(with_told_indices(history));
    good += expected ? 1 : 0;
    const bool found = holds(history);
    if (found != expected) {
      for (const Operation& each : history) {
        UNSCOPED_INFO(each.asked << " to " << each.answered.value_or(0) << ": "
                                 << sim::describe(each));
      }
    }
    REQUIRE(found == expected);
  }
  REQUIRE(good > kHistories / 20);
  REQUIRE(good < kHistories - kHistories / 20);
}

TEST_CASE("linearizability_of_what_a_register_did") {
  base::Random random(5);
  for (std::size_t run = 0; run < 5000; ++run) {
    REQUIRE(holds(real_history(random, random.between(3, 40), random.chance(3, 4))));
  }
}

TEST_CASE("linearizability_of_a_long_history_with_many_unknown_outcomes") {
  // Where no index tells the order of the changes, only short histories can be shown to be bad.
  base::Random random(7);
  for (const bool with_indices : {false, true}) {
    std::vector<Operation> history = real_history(random, with_indices ? 2000 : 60, with_indices);
    REQUIRE(judge(history).verdict == Verdict::kLinearizable);
    // One read that is told too late what was there.
    const auto late = std::find_if(history.begin() + 20, history.end(), [](const Operation& o) {
      return o.call == Call::kGet && o.answered && o.version > 0;
    });
    late->asked += 50'000;
    *late->answered += 50'000;
    REQUIRE(judge(history).verdict == Verdict::kNotLinearizable);
  }
}
