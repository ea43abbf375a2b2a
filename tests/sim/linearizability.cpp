#include "linearizability.h"

#include <absl/container/flat_hash_map.h>
#include <absl/container/inlined_vector.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "call_history.h"

namespace sim {
namespace {

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

class Search {
 public:
  Search(std::span<const Operation> operations, std::size_t max_states)
      : history_(operations),
        max_states_(max_states),
        links_(history_.events().size()),
        explained_(history_.size()),
        gets_left_(history_.ranked_gets()),
        known_left_(history_.known()) {
    for (std::size_t i = 0; i < links_.size(); ++i) links_[i] = {i - 1, i + 1};
  }

  Judgement run();

 private:
  // The events of the history as a list from which a call is taken out once it is explained: those
  // before the first answer left are the known calls that may come next.
  struct Link {
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

  [[nodiscard]] bool is_in_order(std::size_t operation) const;
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
  [[nodiscard]] Scan from_start() const { return {links_[0].next}; }

  const CallHistory history_;
  std::size_t max_states_;
  std::vector<Link> links_;             // by event; the first is the head of the list
  std::vector<bool> explained_;         // by operation
  std::vector<std::size_t> gets_left_;  // by rank
  std::size_t known_left_;
  Register register_;
  std::uint64_t set_explained_ = 0;  // stands for the set of calls, but for those in used_
  Used used_;
  std::size_t ranked_explained_ = 0;
  std::vector<Step> steps_;
  // By the set of explained calls with the register: what had been used when it was met.
  absl::flat_hash_map<std::uint64_t, absl::InlinedVector<Used, 1>> seen_;
  std::size_t states_ = 0;
  std::size_t longest_ = 0;
  Judgement judgement_;
};

bool Search::is_in_order(std::size_t operation) const {
  const CallHistory::Role& role = history_.role(operation);
  if (!role.rank) return true;
  // A get of this place would fit nowhere once the change has come.
  return *role.rank == ranked_explained_ && (!role.is_ranked_change || gets_left_[*role.rank] == 0);
}

// What a call makes of the register; none where the answer it got contradicts that.
std::optional<Register> Search::after(std::size_t operation) const {
  const Operation& call = history_.operation(operation);
  const Register& before = register_;
  const bool known = call.answered.has_value();
  switch (call.call) {
    case Call::kSet:
      if (known && call.version != before.version + 1) return std::nullopt;
      return Register{history_.role(operation).stores, before.version + 1};
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
  const auto remove = [this](const Link& link) {
    links_[link.before].next = link.next;
    if (link.next < links_.size()) links_[link.next].before = link.before;
  };
  if (history_.operation(operation).answered) {
    remove(links_[history_.role(operation).question]);
    remove(links_[history_.role(operation).answer]);
    --known_left_;
  }
  if (const auto& role = history_.role(operation); role.is_ranked_change) {
    ++ranked_explained_;
  } else if (role.rank) {
    --gets_left_[*role.rank];
  }
  explained_[operation] = true;
  if (std::size_t* count = count_of(operation)) {
    ++*count;
  } else {
    set_explained_ ^= scramble(operation);
  }
}

void Search::put_back(std::size_t operation) {
  const auto restore = [this](std::size_t event) {
    const Link& link = links_[event];
    links_[link.before].next = event;
    if (link.next < links_.size()) links_[link.next].before = event;
  };
  if (history_.operation(operation).answered) {
    restore(history_.role(operation).answer);
    restore(history_.role(operation).question);
    ++known_left_;
  }
  if (const auto& role = history_.role(operation); role.is_ranked_change) {
    --ranked_explained_;
  } else if (role.rank) {
    ++gets_left_[*role.rank];
  }
  explained_[operation] = false;
  if (std::size_t* count = count_of(operation)) {
    --*count;
  } else {
    set_explained_ ^= scramble(operation);
  }
}

std::size_t* Search::count_of(std::size_t operation) {
  const Operation& call = history_.operation(operation);
  if (call.answered) return nullptr;
  if (call.call == Call::kDelete) return &used_.deletes;
  return history_.role(operation).is_spare ? &used_.spares : nullptr;
}

// Whether the step leads to where the search has not been, or not with so much left to use.
bool Search::is_new(std::size_t operation, const Register& next) {
  Used used = used_;
  std::uint64_t explained = set_explained_;
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
  const CallHistory::Event& event = history_.events()[scan.event];
  if (event.is_answer) return next_unknown(scan);
  scan.event = links_[scan.event].next;
  return event.operation;
}

// Sets whose value was found are needed, and come first; then one that only counts, and a delete
// last, which throws away what was counted. Of calls that do the same, one stands for all.
std::optional<std::size_t> Search::next_unknown(Scan& scan) const {
  const auto may_come = [&](std::size_t operation) {
    const std::size_t first_answer = history_.events()[scan.event].moment;
    return !explained_[operation] && history_.role(operation).asked < first_answer;
  };
  std::size_t passed = 0;
  for (const auto* sets :
       {&history_.unknown_sets(register_.version + 1), &history_.unknown_sets_of_many()}) {
    while (scan.unknowns_tried - passed < sets->size()) {
      const std::size_t operation = (*sets)[scan.unknowns_tried++ - passed];
      if (may_come(operation)) return operation;
    }
    passed += sets->size();
  }
  const auto next_of = [&](const CallHistory::Unknowns& calls, std::size_t used) {
    ++scan.unknowns_tried;
    const bool may = used < calls.size() && may_come(calls[used]);
    return may ? std::optional(calls[used]) : std::nullopt;
  };
  if (scan.unknowns_tried == passed) {
    const bool counts = register_.version < history_.version_needed(ranked_explained_);
    const auto next = next_of(history_.unknown_spares(), used_.spares);
    if (next && counts) return next;
  }
  if (scan.unknowns_tried == passed + 1) {
    const auto next = next_of(history_.unknown_deletes(), used_.deletes);
    if (next && register_.version > 0) return next;
  }
  return std::nullopt;
}

bool Search::try_step(std::size_t operation, const Scan& rest) {
  if (!is_in_order(operation)) return false;
  const auto next = after(operation);
  if (!next || !is_new(operation, *next)) return false;
  // What fits and changes nothing may as well come at once, if no order of indices says otherwise.
  const bool forced = history_.operation(operation).answered && *next == register_ &&
                      !history_.role(operation).is_ranked_change;
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
  judgement_.stuck_at = history_.events()[answer].operation;
  judgement_.explanation =
      fmt::format("{} fits nowhere: after {} calls the key is {}",
                  describe(history_.operation(judgement_.stuck_at)), steps_.size(),
                  register_.version == 0 ? "absent"
                  : register_.value == kNeverFound
                      ? fmt::format("a value that nobody found, with version {}", register_.version)
                      : fmt::format("{} with version {}", register_.value, register_.version));
  const std::size_t shown = std::min<std::size_t>(steps_.size(), 8);
  for (std::size_t i = steps_.size() - shown; i < steps_.size(); ++i) {
    judgement_.explanation += fmt::format("{} {}", i + shown == steps_.size() ? ", the last:" : ";",
                                          describe(history_.operation(steps_[i].operation)));
  }
}

Judgement Search::run() {
  if (const auto get = history_.contradiction()) {
    return {Verdict::kNotLinearizable, *get,
            fmt::format("{}, at index {}, was told of another index too",
                        describe(history_.operation(*get)), history_.operation(*get).index)};
  }
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
