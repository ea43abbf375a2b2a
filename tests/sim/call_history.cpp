#include "call_history.h"

#include <algorithm>

namespace sim {

CallHistory::CallHistory(std::span<const Operation> operations) : operations_(operations) {
  find_values();
  rank_changes();
  put_in_order();
}

const CallHistory::Unknowns& CallHistory::unknown_sets(std::uint64_t version) const {
  static const Unknowns kNone;
  const auto found = unknown_sets_.find(version);
  return found == unknown_sets_.end() ? kNone : found->second;
}

void CallHistory::find_values() {
  for (const Operation& operation : operations_) {
    if (operation.call == Call::kSet) ++writers_[operation.value];
    if (operation.call == Call::kGet && operation.answered && operation.version > 0) {
      found_with_[operation.value].push_back(operation.version);
    }
  }
  for (const Operation& operation : operations_) {
    const bool found = found_with_.contains(operation.value);
    const bool known = operation.answered.has_value();
    roles_.push_back(
        {.stores = found ? operation.value : kNeverFound,
         .is_spare = operation.call == Call::kSet && !known && !found,
         .is_ranked_change = operation.call != Call::kGet && known && operation.index > 0});
  }
}

void CallHistory::rank_changes() {
  std::vector<std::uint64_t> indices;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    if (roles_[i].is_ranked_change) indices.push_back(operations_[i].index);
  }
  std::sort(indices.begin(), indices.end());
  ranked_gets_.resize(indices.size() + 1);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Operation& operation = operations_[i];
    if (!operation.answered || operation.index == 0) continue;
    const auto place = operation.call == Call::kGet
                           ? std::upper_bound(indices.begin(), indices.end(), operation.index)
                           : std::lower_bound(indices.begin(), indices.end(), operation.index);
    roles_[i].rank = static_cast<std::size_t>(place - indices.begin());
    if (operation.call == Call::kGet) ++ranked_gets_[*roles_[i].rank];
  }
  find_versions_needed(indices.size());
}

void CallHistory::find_versions_needed(std::size_t changes) {
  versions_needed_.resize(changes + 1);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Operation& operation = operations_[i];
    if (!operation.answered || operation.version == 0) continue;
    if (!roles_[i].rank) {
      versions_needed_.assign(changes + 1, UINT64_MAX);
      return;
    }
    const std::uint64_t needed = operation.call == Call::kGet   ? operation.version
                                 : operation.call == Call::kSet ? operation.version - 1
                                                                : 1;
    std::uint64_t& highest = versions_needed_[*roles_[i].rank];
    highest = std::max(highest, needed);
  }
}

void CallHistory::put_in_order() {
  struct Moment {
    std::uint64_t number;
    bool is_answer;  // of equal numbers the questions come first: those calls overlap
    std::size_t operation;
  };
  std::vector<Moment> moments;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    moments.push_back({operations_[i].asked, false, i});
    if (operations_[i].answered) moments.push_back({*operations_[i].answered, true, i});
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    if (a.number != b.number) return a.number < b.number;
    return a.is_answer != b.is_answer ? b.is_answer : a.operation < b.operation;
  });
  events_.push_back({0, false, 0});
  for (std::size_t moment = 0; moment < moments.size(); ++moment) {
    const auto& [number, is_answer, operation] = moments[moment];
    Role& role = roles_[operation];
    if (!is_answer) role.asked = moment;
    if (!operations_[operation].answered) {
      add_unknown(operation);
      continue;
    }
    (is_answer ? role.answer : role.question) = events_.size();
    events_.push_back({operation, is_answer, moment});
  }
}

void CallHistory::add_unknown(std::size_t number) {
  const Operation& operation = operations_[number];
  if (operation.call == Call::kGet) return;  // tells nothing and changes nothing
  if (operation.call == Call::kDelete) {
    unknown_deletes_.push_back(number);
  } else if (roles_[number].is_spare) {
    unknown_spares_.push_back(number);
  } else if (writers_.at(operation.value) > 1) {
    unknown_sets_of_many_.push_back(number);
  } else {
    for (const std::uint64_t version : found_with_.at(operation.value)) {
      Unknowns& sets = unknown_sets_[version];
      if (sets.empty() || sets.back() != number) sets.push_back(number);
    }
  }
}

}  // namespace sim
