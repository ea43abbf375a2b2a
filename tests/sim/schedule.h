// Schedule: virtual time. What is to happen later, in the order of its moment; what falls on the
// same moment happens in the order in which it was planned, so that a run is one fixed sequence.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "action.h"
#include "options.h"

namespace sim {

class Schedule {
 public:
  [[nodiscard]] Microseconds now() const { return now_; }
  void after(Microseconds delay, Action action) {
    plans_.push_back({now_ + delay, ++last_number_, keep(std::move(action))});
    std::push_heap(plans_.begin(), plans_.end(), later);
  }
  // Time moves to the next plan, which is carried out. False where nothing is planned.
  bool run_next() {
    if (plans_.empty()) return false;
    std::pop_heap(plans_.begin(), plans_.end(), later);
    const Plan plan = plans_.back();
    plans_.pop_back();
    now_ = plan.at;
    Action action = std::move(actions_[plan.place]);
    free_.push_back(plan.place);
    action();
    return true;
  }

 private:
  // Small, as it is what the heap moves about.
  struct Plan {
    Microseconds at;
    std::uint64_t number;
    std::uint32_t place;  // of its action
  };
  static bool later(const Plan& a, const Plan& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }
  std::uint32_t keep(Action action) {
    if (free_.empty()) {
      actions_.push_back(std::move(action));
      return static_cast<std::uint32_t>(actions_.size() - 1);
    }
    const std::uint32_t place = free_.back();
    free_.pop_back();
    actions_[place] = std::move(action);
    return place;
  }

  Microseconds now_ = 0;
  std::uint64_t last_number_ = 0;
  std::vector<Plan> plans_;  // a heap, the next one first
  std::vector<Action> actions_;
  std::vector<std::uint32_t> free_;  // places in actions_
};

}  // namespace sim
