#include "linearizability.h"

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

// What a call makes of the register; none where the answer it got contradicts that.
std::optional<Register> after(const Operation& operation, const Register& before) {
  const bool known = operation.answered.has_value();
  switch (operation.call) {
    case Call::kSet:
      if (known && operation.version != before.version + 1) return std::nullopt;
      return Register{operation.value, before.version + 1};
    case Call::kDelete:
      if (known && (operation.version > 0) != (before.version > 0)) return std::nullopt;
      return Register{};
    case Call::kGet:
      if (operation.version != before.version) return std::nullopt;
      if (before.version > 0 && operation.value != before.value) return std::nullopt;
      return before;
  }
  return std::nullopt;
}

bool is_ranked_change(const Operation& operation) {
  return operation.answered && operation.index > 0 && operation.call != Call::kGet;
}

class Search {
 public:
  Search(std::span<const Operation> operations, std::size_t max_states)
      : operations_(operations), max_states_(max_states) {
    count_values();
    rank_changes();
    link_events();
  }

  Judgement run();

 private:
  // Questions and answers in their order, as a list from which a call is taken out once it is
  // explained: those before the first answer left are the calls that may come next.
  struct Event {
    std::size_t operation;
    bool is_answer;
    std::size_t before;
    std::size_t next;
  };
  // One step of the explanation, and what is left to be tried instead of it.
  struct Step {
    std::size_t operation;
    Register before;
    bool unknowns;     // it was chosen among the calls with an unknown outcome
    bool tried_spare;  // those were tried at this place, see is_spare()
    bool tried_delete;
    bool forced;  // no other step need be tried
  };
  // How many calls with an unknown outcome were explained of those that do the same as others.
  // They are used in the order in which they were asked: who has used fewer can do more.
  struct Used {
    std::size_t spares = 0;
    std::size_t deletes = 0;
  };
  // A place in the search for the next step.
  struct Scan {
    std::size_t event;
    bool unknowns = false;
    bool tried_spare = false;
    bool tried_delete = false;
  };

  void count_values();
  void rank_changes();
  void find_versions_needed(std::size_t changes);
  [[nodiscard]] bool is_in_order(std::size_t operation) const;
  void link_events();
  [[nodiscard]] bool may_come_next(Scan& scan, const Operation& operation) const;
  [[nodiscard]] bool is_spare(const Operation& operation) const;
  [[nodiscard]] bool try_step(Scan& scan);
  [[nodiscard]] bool step_back(Scan& scan);
  [[nodiscard]] bool is_new(std::size_t operation, const Register& next);
  [[nodiscard]] std::size_t* count_of(const Operation& operation);
  void take_out(std::size_t operation);
  void put_back(std::size_t operation);
  void remember_longest(std::size_t answer);
  [[nodiscard]] Scan from_start() const { return {events_[0].next}; }

  std::span<const Operation> operations_;
  std::size_t max_states_;
  std::unordered_map<std::uint64_t, std::size_t> writers_;                    // of a value
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>> found_with_;  // versions of a value
  std::vector<Event> events_;             // the first is the head of the list
  std::vector<std::size_t> question_of_;  // by operation: its place in events_
  std::vector<std::size_t> answer_of_;
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
  std::unordered_map<std::uint64_t, std::vector<Used>> seen_;
  std::size_t states_ = 0;
  std::size_t longest_ = 0;
  Judgement judgement_;
};

void Search::count_values() {
  for (const Operation& operation : operations_) {
    if (operation.call == Call::kSet) ++writers_[operation.value];
    if (operation.call == Call::kGet && operation.answered && operation.version > 0) {
      found_with_[operation.value].push_back(operation.version);
    }
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

void Search::link_events() {
  struct Moment {
    std::uint64_t number;
    bool is_answer;  // of equal numbers the questions come first: those calls overlap
    std::size_t operation;
  };
  std::vector<Moment> moments;
  for (std::size_t i = 0; i < operations_.size(); ++i) {
    const Operation& operation = operations_[i];
    if (operation.answered) {
      ++known_left_;
      moments.push_back({*operation.answered, true, i});
    } else if (operation.call == Call::kGet) {
      continue;  // tells nothing and changes nothing
    }
    moments.push_back({operation.asked, false, i});
  }
  std::sort(moments.begin(), moments.end(), [](const Moment& a, const Moment& b) {
    if (a.number != b.number) return a.number < b.number;
    return a.is_answer != b.is_answer ? b.is_answer : a.operation < b.operation;
  });
  question_of_.resize(operations_.size());
  answer_of_.resize(operations_.size());
  events_.push_back({0, false, 0, 1});
  for (const Moment& moment : moments) {
    const std::size_t place = events_.size();
    (moment.is_answer ? answer_of_ : question_of_)[moment.operation] = place;
    events_.push_back({moment.operation, moment.is_answer, place - 1, place + 1});
  }
}

void Search::take_out(std::size_t operation) {
  const auto remove = [this](const Event& event) {
    events_[event.before].next = event.next;
    if (event.next < events_.size()) events_[event.next].before = event.before;
  };
  remove(events_[question_of_[operation]]);
  if (operations_[operation].answered) {
    remove(events_[answer_of_[operation]]);
    --known_left_;
  }
  ranked_explained_ += is_ranked_change(operations_[operation]) ? 1 : 0;
  if (std::size_t* count = count_of(operations_[operation])) {
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
  if (operations_[operation].answered) {
    restore(answer_of_[operation]);
    ++known_left_;
  }
  ranked_explained_ -= is_ranked_change(operations_[operation]) ? 1 : 0;
  restore(question_of_[operation]);
  if (std::size_t* count = count_of(operations_[operation])) {
    --*count;
  } else {
    explained_ ^= scramble(operation);
  }
}

std::size_t* Search::count_of(const Operation& operation) {
  if (operation.answered) return nullptr;
  if (operation.call == Call::kDelete) return &used_.deletes;
  return is_spare(operation) ? &used_.spares : nullptr;
}

// Whether the step leads to where the search has not been, or not with so much left to use.
bool Search::is_new(std::size_t operation, const Register& next) {
  Used used = used_;
  std::uint64_t explained = explained_;
  if (const std::size_t* count = count_of(operations_[operation])) {
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

// A set with an unknown outcome whose value nobody was told: all it does is count.
bool Search::is_spare(const Operation& operation) const {
  return operation.call == Call::kSet && !found_with_.contains(operation.value);
}

// Calls with an unknown outcome may wait for as long as one likes. So they come after the known
// ones have been tried; of those that do the same, one stands for all; and one whose value was
// found with another version than it would get here, and that nobody else writes, comes elsewhere.
bool Search::may_come_next(Scan& scan, const Operation& operation) const {
  if (operation.answered.has_value() == scan.unknowns) return false;
  if (!scan.unknowns) return true;
  if (operation.call == Call::kDelete) {
    return register_.version > 0 && !std::exchange(scan.tried_delete, true);
  }
  if (is_spare(operation)) {
    return register_.version < versions_needed_[ranked_explained_] &&
           !std::exchange(scan.tried_spare, true);
  }
  if (writers_.at(operation.value) > 1) return true;
  const auto& versions = found_with_.at(operation.value);
  return std::find(versions.begin(), versions.end(), register_.version + 1) != versions.end();
}

// Tries the call asked at the scanned event as the next step.
bool Search::try_step(Scan& scan) {
  const std::size_t number = events_[scan.event].operation;
  const Operation& operation = operations_[number];
  if (!is_in_order(number) || !may_come_next(scan, operation)) return false;
  auto next = after(operation, register_);
  if (!next) return false;
  if (next->version > 0 && !found_with_.contains(next->value)) next->value = kNeverFound;
  if (!is_new(number, *next)) return false;
  // What fits and changes nothing may as well come at once, if no order of indices says otherwise.
  const bool forced = operation.answered && *next == register_ && !is_ranked_change(operation);
  steps_.push_back({number, register_, scan.unknowns, scan.tried_spare, scan.tried_delete, forced});
  take_out(number);
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
    scan = {events_[question_of_[step.operation]].next, step.unknowns, step.tried_spare,
            step.tried_delete};
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
    if (!events_[scan.event].is_answer) {
      if (try_step(scan)) {
        scan = from_start();
      } else {
        scan.event = events_[scan.event].next;
      }
      continue;
    }
    // The call that is answered here must have come before what is asked behind it.
    if (!scan.unknowns) {
      scan = {events_[0].next, true};
      continue;
    }
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
