#include "call_history.h"

#include <algorithm>

namespace sim {

CallHistory::CallHistory(std::span<const Operation> operations) : operations_(operations) {
  find_values();
  find_contradiction();
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
      found_[operation.value].push_back({operation.version, operation.index});
    }
  }
  for (const Operation& operation : operations_) {
    const bool found = found_.contains(operation.value);
    const bool known = operation.answered.has_value();
    const std::uint64_t index = index_told(operation);
    roles_.push_back({.stores = found ? operation.value : kNeverFound,
                      .is_spare = operation.call == Call::kSet && !known && !found,
                      .index = index,
                      .is_ranked_change = operation.call != Call::kGet && index > 0});
  }
}

void CallHistory::find_contradiction() {
  std::unordered_map<std::uint64_t, std::uint64_t> index_of;  // a value, as it was told
  for (const Operation& operation : operations_) {
    const bool told = operation.call == Call::kSet && operation.answered && operation.index > 0;
    if (told) index_of.emplace(operation.value, operation.index);
  }
  for (std::size_t i = 0; i < operations_.size() && !contradiction_; ++i) {
    const Operation& get = operations_[i];
    if (get.call != Call::kGet || !get.answered || get.version == 0 || get.index == 0) continue;
    const auto writers = writers_.find(get.value);
    if (writers == writers_.end() || writers->second > 1) continue;
    const auto [told, is_first] = index_of.emplace(get.value, get.index);
    if (told->second != get.index) contradiction_ = i;
  }
}

std::uint64_t CallHistory::index_told(const Operation& operation) const {
  if (operation.answered) return operation.index;
  const auto found = found_.find(operation.value);
  if (operation.call != Call::kSet || found == found_.end()) return 0;
  if (writers_.at(operation.value) > 1) return 0;
  const std::uint64_t index = found->second.front().index;
  const bool agreed = std::all_of(found->second.begin(), found->second.end(),
                                  [&](const Found& each) { return each.index == index; });
  return agreed ? index : 0;
}

void CallHistory::rank_changes() {
  std::vector<std::uint64_t> indices;
  for (const Role& role : roles_) {
    if (role.is_ranked_change) indices.push_back(role.index);
  }
  std::sort(indices.begin(), indices.end());
  ranked_gets_.resize(indices.size() + 1);
  for (Role& role : roles_) {
    if (role.index == 0) continue;
    const auto place = role.is_ranked_change
                           ? std::lower_bound(indices.begin(), indices.end(), role.index)
                           : std::upper_bound(indices.begin(), indices.end(), role.index);
    role.rank = static_cast<std::size_t>(place - indices.begin());
    if (!role.is_ranked_change) ++ranked_gets_[*role.rank];
  }
  find_versions_needed(indices.size());
}

// What the key's version was when the call took effect; 0 where nothing says so.
std::uint64_t CallHistory::version_shown(std::size_t number) const {
  const Operation& operation = operations_[number];
  if (!operation.answered) {
    return roles_[number].is_ranked_change ? found_.at(operation.value).front().version - 1 : 0;
  }
  if (operation.version == 0 || operation.call == Call::kGet) return operation.version;
  return operation.call == Call::kSet ? operation.version - 1 : 1;
}

void CallHistory::find_versions_needed(std::size_t changes) {
  versions_needed_.resize(changes + 1);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const std::uint64_t needed = version_shown(i);
    if (needed == 0) continue;
    if (!roles_[i].rank) {
      versions_needed_.assign(changes + 1, UINT64_MAX);
      return;
    }
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
    for (const Found& found : found_.at(operation.value)) {
      Unknowns& sets = unknown_sets_[found.version];
      if (sets.empty() || sets.back() != number) sets.push_back(number);
    }
  }
}

}  // namespace sim
