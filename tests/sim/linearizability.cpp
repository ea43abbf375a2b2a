#include "linearizability.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sim {
namespace {

// Values that no get found are all the same to the search, and count as one.
constexpr std::uint64_t kNeverFound = UINT64_MAX;

struct Register {
  std::uint64_t value = 0;
  std::uint64_t version = 0;  // 0: absent

  friend bool operator==(const Register&, const Register&) = default;
};

std::uint64_t scramble(std::uint64_t number) {  // splitmix64
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

bool is_ranked_change(const Operation& operation) {
  return operation.answered && operation.index > 0 && operation.call != Call::kGet;
}

class Search {
 public:
  Search(std::span<const Operation> operations, std::size_t max_states)
      : operations_(operations), max_states_(max_states) {
    find_values();
    rank_changes();
    put_in_order();
  }

  Judgement run();

 private:
  // Questions and answers of the calls whose outcome is known in their order, as a list from which
  // a call is taken out once it is explained: those before the first answer left are the known
  // calls that may come next.
  struct Event {
    std::size_t operation;
    bool is_answer;
    std::size_t moment;  // its place among the events of all calls
    std::size_t before;
    std::size_t next;
  };
  // A place in the search for the next step: an event of the list, and once that is an answer, how
  // many of the calls with an unknown outcome were tried instead.
  struct Scan {
    std::size_t event;
    std::size_t unknowns_tried = 0;
  };
  // One step of the explanation, and what is left to be tried instead of it.
  struct Step {
    std::size_t operation;
    Register before;
    Scan rest;
    bool forced;  // no other step need be tried
  };
  // How many calls with an unknown outcome were explained of those that do the same as others.
  // They are used in the order in which they were asked: who has used fewer can do more.
  struct Used {
    std::size_t spares = 0;
    std::size_t deletes = 0;
  };
  // What one operation is to the search.
  struct Role {
    std::uint64_t stores = 0;  // kNeverFound for all values that nobody was told
    // A set with an unknown outcome whose value nobody was told: all it does is count.
    bool is_spare = false;
    std::size_t asked = 0;     // the place among the events of all calls
    std::size_t question = 0;  // the places in events_, of a known call
    std::size_t answer = 0;
    bool explained = false;
  };

  void find_values();
  void rank_changes();
  void find_versions_needed(std::size_t changes);
  [[nodiscard]] bool is_in_order(std::size_t operation) const;
  void put_in_order();
  void add_unknown(std::size_t operation);
  [[nodiscard]] std::optional<Register> after(std::size_t operation) const;
  [[nodiscard]] std::optional<std::size_t> next_call(Scan& scan) const;
  [[nodiscard]] std::optional<std::size_t> next_unknown(Scan& scan) const;
  [[nodiscard]] bool try_step(std::size_t operation, const Scan& rest);
  [[nodiscard]] bool step_back(Scan& scan);
  [[nodiscard]] bool is_new(std::size_t operation, const Register& next);
  [[nodiscard]] std::size_t* count_of(std::size_t operation);
  void take_out(std::size_t operation);
  void put_back(std::size_t operation);
  void remember_longest(std::size_t answer);
  [[nodiscard]] Scan from_start() const { return {events_[0].next}; }

  std::span<const Operation> operations_;
  std::size_t max_states_;
  std::vector<Role> roles_;                                                   // by operation
  std::unordered_map<std::uint64_t, std::size_t> writers_;                    // of a value
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> found_with_;  // versions of a value
  std::vector<Event> events_;  // the first is the head of the list
  // The calls with an unknown outcome, in the order in which they were asked. Sets whose value was
  // found: by the version that it was found with, where nobody else writes it, so that it is of no
  // use elsewhere; and the others.
  std::vector<std::size_t> unknown_deletes_;
  std::vector<std::size_t> unknown_spares_;
  std::unordered_map<std::uint64_t, std::vector<std::size_t>> unknown_sets_by_version_;
  std::vector<std::size_t> unknown_sets_elsewhere_;
  std::size_t known_left_ = 0;
  Register register_;
  std::uint64_t explained_ = 0;  // stands for the set of calls explained, but for those in used_
  Used used_;
  // Known changes whose index was told come in that order: how many are before this one. Of a get
  // that was told an index: how many are not behind it. None for others.
  std::vector<std::optional<std::size_t>> rank_;
  std::size_t ranked_explained_ = 0;
  std::vector<std::uint64_t> versions_needed_;  // by ranked_explained_
  std::vector<Step> steps_;
  // By the set of explained calls with the register: what had been used when it was met.
  absl::flat_hash_map<std::uint64_t, absl::InlinedVector<Used, 1>> seen_;
  std::size_t states_ = 0;
  std::size_t longest_ = 0;
  Judgement judgement_;
};

void Search::find_values() {
  for (const Operation& operation : operations_) {
    if (operation.call == Call::kSet) ++writers_[operation.value];
    if (operation.call == Call::kGet && operation.answered && operation.version > 0) {
      found_with_[operation.value].push_back(operation.version);
    }
  }
  for (const Operation& operation : operations_) {
    const bool found = found_with_.contains(operation.value);
    const bool is_spare = operation.call == Call::kSet && !operation.answered && !found;
    roles_.push_back({found ? operation.value : kNeverFound, is_spare});
  }
}

void Search::rank_changes() {
  std::vector<std::uint64_t> indices;
  for (const Operation& operation : operations_) {
    if (is_ranked_change(operation)) indices.push_back(operation.index);
  }
  std::sort(indices.begin(), indices.end());
  rank_.resize(operations_.size());
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Operation& operation = operations_[i];
    if (!operation.answered || operation.index == 0) continue;
    const auto place = operation.call == Call::kGet
                           ? std::upper_bound(indices.begin(), indices.end(), operation.index)
                           : std::lower_bound(indices.begin(), indices.end(), operation.index);
    rank_[i] = static_cast<std::size_t>(place - indices.begin());
  }
  find_versions_needed(indices.size());
}

// Before the next change in the order of indices, nothing shows a version above these; so a call
// whose effect is only to count is of no use there.
void Search::find_versions_needed(std::size_t changes) {
  versions_needed_.resize(changes + 1);
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Operation& operation = operations_[i];
    if (!operation.answered || operation.version == 0) continue;
    if (!rank_[i]) {
      versions_needed_.assign(changes + 1, UINT64_MAX);
      return;
    }
    const std::uint64_t needed = operation.call == Call::kGet   ? operation.version
                                 : operation.call == Call::kSet ? operation.version - 1
                                                                : 1;
    std::uint64_t& highest = versions_needed_[*rank_[i]];
    highest = std::max(highest, needed);
  }
}

bool Search::is_in_order(std::size_t operation) const {
  return !rank_[operation] || *rank_[operation] == ranked_explained_;
}

void Search::put_in_order() {
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
  events_.push_back({0, false, 0, 0, 1});
  for (std::size_t moment = 0; moment < moments.size(); ++moment) {
    const auto& [number, is_answer, operation] = moments[moment];
    Role& role = roles_[operation];
    if (!is_answer) role.asked = moment;
    if (!operations_[operation].answered) {
      add_unknown(operation);
      continue;
    }
    const std::size_t place = events_.size();
    (is_answer ? role.answer : role.question) = place;
    events_.push_back({operation, is_answer, moment, place - 1, place + 1});
    known_left_ += is_answer ? 1 : 0;
  }
}

void Search::add_unknown(std::size_t operation) {
  const Operation& call = operations_[operation];
  if (call.call == Call::kGet) return;  // tells nothing and changes nothing
  if (call.call == Call::kDelete) {
    unknown_deletes_.push_back(operation);
  } else if (roles_[operation].is_spare) {
    unknown_spares_.push_back(operation);
  } else if (writers_.at(call.value) > 1) {
    unknown_sets_elsewhere_.push_back(operation);
  } else {
    for (const std::uint64_t version : found_with_.at(call.value)) {
      auto& sets = unknown_sets_by_version_[version];
      if (sets.empty() || sets.back() != operation) sets.push_back(operation);
    }
  }
}

// What a call makes of the register; none where the answer it got contradicts that.
std::optional<Register> Search::after(std::size_t operation) const {
  const Operation& call = operations_[operation];
  const Register& before = register_;
  const bool known = call.answered.has_value();
  switch (call.call) {
    case Call::kSet:
      if (known && call.version != before.version + 1) return std::nullopt;
      return Register{roles_[operation].stores, before.version + 1};
    case Call::kDelete:
      if (known && (call.version > 0) != (before.version > 0)) return std::nullopt;
      return Register{};
    case Call::kGet:
      if (call.version != before.version) return std::nullopt;
      if (before.version > 0 && call.value != before.value) return std::nullopt;
      return before;
  }
  return std::nullopt;
}

void Search::take_out(std::size_t operation) {
  const auto remove = [this](const Event& event) {
    events_[event.before].next = event.next;
    if (event.next < events_.size()) events_[event.next].before = event.before;
  };
  Role& role = roles_[operation];
  role.explained = true;
  if (operations_[operation].answered) {
    remove(events_[role.question]);
    remove(events_[role.answer]);
    --known_left_;
  }
  ranked_explained_ += is_ranked_change(operations_[operation]) ? 1 : 0;
  if (std::size_t* count = count_of(operation)) {
    ++*count;
  } else {
    explained_ ^= scramble(operation);
  }
}

void Search::put_back(std::size_t operation) {
  const auto restore = [this](std::size_t place) {
    const Event& event = events_[place];
    events_[event.before].next = place;
    if (event.next < events_.size()) events_[event.next].before = place;
  };
  Role& role = roles_[operation];
  role.explained = false;
  if (operations_[operation].answered) {
    restore(role.answer);
    restore(role.question);
    ++known_left_;
  }
  ranked_explained_ -= is_ranked_change(operations_[operation]) ? 1 : 0;
  if (std::size_t* count = count_of(operation)) {
    --*count;
  } else {
    explained_ ^= scramble(operation);
  }
}

std::size_t* Search::count_of(std::size_t operation) {
  if (operations_[operation].answered) return nullptr;
  if (operations_[operation].call == Call::kDelete) return &used_.deletes;
  return roles_[operation].is_spare ? &used_.spares : nullptr;
}

// Whether the step leads to where the search has not been, or not with so much left to use.
bool Search::is_new(std::size_t operation, const Register& next) {
  Used used = used_;
  std::uint64_t explained = explained_;
  if (const std::size_t* count = count_of(operation)) {
    ++(count == &used_.spares ? used.spares : used.deletes);
  } else {
    explained ^= scramble(operation);
  }
  auto& before = seen_[scramble(explained ^ scramble(next.value ^ scramble(~next.version)))];
  for (const Used& each : before) {
    if (each.spares <= used.spares && each.deletes <= used.deletes) return false;
  }
  before.push_back(used);
  ++states_;
  return true;
}

// Calls with an unknown outcome may wait for as long as one likes. So they come after the known
// ones have been tried. None where all were tried that were asked before the first answer left.
std::optional<std::size_t> Search::next_call(Scan& scan) const {
  const Event& event = events_[scan.event];
  if (event.is_answer) return next_unknown(scan);
  scan.event = event.next;
  return event.operation;
}

// Of calls that do the same, one stands for all.
std::optional<std::size_t> Search::next_unknown(Scan& scan) const {
  const auto may_come = [&](std::size_t operation) {
    return !roles_[operation].explained && roles_[operation].asked < events_[scan.event].moment;
  };
  if (scan.unknowns_tried == 0) {
    ++scan.unknowns_tried;
    const bool removes = register_.version > 0 && used_.deletes < unknown_deletes_.size();
    if (removes && may_come(unknown_deletes_[used_.deletes])) {
      return unknown_deletes_[used_.deletes];
    }
  }
  if (scan.unknowns_tried == 1) {
    ++scan.unknowns_tried;
    const bool counts = register_.version < versions_needed_[ranked_explained_] &&
                        used_.spares < unknown_spares_.size();
    if (counts && may_come(unknown_spares_[used_.spares])) return unknown_spares_[used_.spares];
  }
  const auto with_version = unknown_sets_by_version_.find(register_.version + 1);
  std::size_t passed = 2;
  for (const auto* sets :
       {with_version == unknown_sets_by_version_.end() ? nullptr : &with_version->second,
        &unknown_sets_elsewhere_}) {
    if (sets == nullptr) continue;
    while (scan.unknowns_tried - passed < sets->size()) {
      const std::size_t operation = (*sets)[scan.unknowns_tried++ - passed];
      if (may_come(operation)) return operation;
    }
    passed += sets->size();
  }
  return std::nullopt;
}

bool Search::try_step(std::size_t operation, const Scan& rest) {
  if (!is_in_order(operation)) return false;
  const auto next = after(operation);
  if (!next || !is_new(operation, *next)) return false;
  // What fits and changes nothing may as well come at once, if no order of indices says otherwise.
  const Operation& call = operations_[operation];
  const bool forced = call.answered && *next == register_ && !is_ranked_change(call);
  steps_.push_back({operation, register_, rest, forced});
  take_out(operation);
  register_ = *next;
  return true;
}

// Takes the last step back that has an alternative. False where none has.
bool Search::step_back(Scan& scan) {
  while (!steps_.empty()) {
    const Step step = steps_.back();
    steps_.pop_back();
    put_back(step.operation);
    register_ = step.before;
    if (step.forced) continue;
    scan = step.rest;
    return true;
  }
  return false;
}

void Search::remember_longest(std::size_t answer) {
  if (steps_.size() < longest_) return;
  longest_ = steps_.size() + 1;
  judgement_.stuck_at = events_[answer].operation;
  judgement_.explanation =
      fmt::format("{} fits nowhere: after {} calls the key is {}",
                  describe(operations_[judgement_.stuck_at]), steps_.size(),
                  register_.version == 0 ? "absent"
                  : register_.value == kNeverFound
                      ? fmt::format("a value that nobody found, with version {}", register_.version)
                      : fmt::format("{} with version {}", register_.value, register_.version));
  const std::size_t shown = std::min<std::size_t>(steps_.size(), 8);
  for (std::size_t i = steps_.size() - shown; i < steps_.size(); ++i) {
    judgement_.explanation += fmt::format("{} {}", i + shown == steps_.size() ? ", the last:" : ";",
                                          describe(operations_[steps_[i].operation]));
  }
}

Judgement Search::run() {
  Scan scan = from_start();
  while (known_left_ > 0) {
    if (states_ > max_states_) return {Verdict::kUndecided, 0, "too many states"};
    if (const auto operation = next_call(scan)) {
      if (try_step(*operation, scan)) scan = from_start();
      continue;
    }
    // The call that is answered here must have come before what is asked behind it.
    remember_longest(scan.event);
    if (!step_back(scan)) {
      judgement_.verdict = Verdict::kNotLinearizable;
      return judgement_;
    }
  }
  return {};
}

}  // namespace

std::string describe(const Operation& operation) {
  const char* open = operation.answered ? "" : " (outcome unknown)";
  switch (operation.call) {
    case Call::kSet:
      return operation.answered
                 ? fmt::format("set {} -> version {}", operation.value, operation.version)
                 : fmt::format("set {}{}", operation.value, open);
    case Call::kDelete:
      return fmt::format("delete{}{}", operation.answered ? " -> " : open,
                         !operation.answered     ? ""
                         : operation.version > 0 ? "found"
                                                 : "nothing");
    case Call::kGet:
      return !operation.answered ? fmt::format("get{}", open)
             : operation.version == 0
                 ? "get -> nothing"
                 : fmt::format("get -> {} with version {}", operation.value, operation.version);
  }
  return "";
}

Judgement judge(std::span<const Operation> operations, std::size_t max_states) {
  return Search(operations, max_states).run();
}

}  // namespace sim
