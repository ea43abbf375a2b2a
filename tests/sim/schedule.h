// Schedule: virtual time. What is to happen later, in the order of its moment; what falls on the
// same moment happens in the order in which it was planned, so that a run is one fixed sequence.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "options.h"

namespace sim {

class Schedule {
 public:
  using Action = std::function<void()>;

  [[nodiscard]] Microseconds now() const { return now_; }
  void after(Microseconds delay, Action action) {
    plans_.push_back({now_ + delay, ++last_number_, std::move(action)});
    std::push_heap(plans_.begin(), plans_.end(), later);
  }
  // Time moves to the next plan, which is carried out. False where nothing is planned.
  bool run_next() {
    if (plans_.empty()) return false;
    std::pop_heap(plans_.begin(), plans_.end(), later);
    Plan plan = std::move(plans_.back());
    plans_.pop_back();
    now_ = plan.at;
    plan.action();
    return true;
  }

 private:
  struct Plan {
    Microseconds at;
    std::uint64_t number;
    Action action;
  };
  static bool later(const Plan& a, const Plan& b) {
    return a.at != b.at ? a.at > b.at : a.number > b.number;
  }

  Microseconds now_ = 0;
  std::uint64_t last_number_ = 0;
  std::vector<Plan> plans_;  // a heap, the next one first
};

}  // namespace sim
