// CallHistory: what the search of linearizability.h has to know about the calls of one key, found
// once before it begins: in which order they were asked and answered, which of those with an
// unknown outcome can do the same, and what is told about the order of the changes. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "linearizability.h"

namespace sim {

// Values that no get found are all the same to the search, and count as one.
inline constexpr std::uint64_t kNeverFound = UINT64_MAX;

class CallHistory {
 public:
  // What one operation is to the search.
  struct Role {
    std::uint64_t stores = 0;  // kNeverFound for all values that nobody was told
    // A set with an unknown outcome whose value nobody was told: all it does is count.
    bool is_spare = false;
    // Its place in the order of all changes, where that was told: to who asked, or, of a set with
    // an unknown outcome, to all who found the value that it alone stores. 0: not told.
    std::uint64_t index = 0;
    // A change whose index was told. These come in that order.
    bool is_ranked_change = false;
    // Of a ranked change: how many are before it. Of a get that was told an index: how many are not
    // behind it. None for others.
    std::optional<std::size_t> rank = std::nullopt;
    std::size_t asked = 0;     // its place among the events of all calls
    std::size_t question = 0;  // the places in events(), of a call whose outcome is known
    std::size_t answer = 0;
  };
  struct Event {
    std::size_t operation;
    bool is_answer;
    std::size_t moment;  // its place among the events of all calls
  };
  // Calls with an unknown outcome, in the order in which they were asked.
  using Unknowns = std::vector<std::size_t>;

  explicit CallHistory(std::span<const Operation> operations);

  [[nodiscard]] const Operation& operation(std::size_t number) const { return operations_[number]; }
  [[nodiscard]] const Role& role(std::size_t number) const { return roles_[number]; }
  [[nodiscard]] std::size_t size() const { return operations_.size(); }

  // Questions and answers of the calls whose outcome is known, in their order. The first stands for
  // none: it is the head of a list.
  [[nodiscard]] const std::vector<Event>& events() const { return events_; }
  [[nodiscard]] std::size_t known() const { return events_.size() / 2; }

  [[nodiscard]] const Unknowns& unknown_deletes() const { return unknown_deletes_; }
  [[nodiscard]] const Unknowns& unknown_spares() const { return unknown_spares_; }
  // Sets whose value was found with this version, and that nobody else writes: so they are of no
  // use where it would get another one.
  [[nodiscard]] const Unknowns& unknown_sets(std::uint64_t version) const;
  // Sets whose value was found, and that others write too.
  [[nodiscard]] const Unknowns& unknown_sets_of_many() const { return unknown_sets_of_many_; }

  // A get that tells another index than that of the one set that stores what it found, or than
  // another get of the same: no register gives one value two places.
  [[nodiscard]] std::optional<std::size_t> contradiction() const { return contradiction_; }

  // How many gets have each rank.
  [[nodiscard]] const std::vector<std::size_t>& ranked_gets() const { return ranked_gets_; }
  // The highest version that anything shows before the next ranked change, of which so many have
  // come: a call whose effect is only to count is of no use there.
  [[nodiscard]] std::uint64_t version_needed(std::size_t ranked_changes) const {
    return versions_needed_[ranked_changes];
  }

 private:
  struct Found {
    std::uint64_t version;
    std::uint64_t index;
  };

  void find_values();
  void find_contradiction();
  [[nodiscard]] std::uint64_t index_told(const Operation& operation) const;
  [[nodiscard]] std::uint64_t version_shown(std::size_t number) const;
  void rank_changes();
  void find_versions_needed(std::size_t changes);
  void put_in_order();
  void add_unknown(std::size_t number);

  std::span<const Operation> operations_;
  std::vector<Role> roles_;                                      // by operation
  std::unordered_map<std::uint64_t, std::size_t> writers_;       // of a value
  std::unordered_map<std::uint64_t, std::vector<Found>> found_;  // a value, by each get
  std::vector<Event> events_;
  Unknowns unknown_deletes_;
  Unknowns unknown_spares_;
  std::unordered_map<std::uint64_t, Unknowns> unknown_sets_;  // by version
  Unknowns unknown_sets_of_many_;
  std::optional<std::size_t> contradiction_;
  std::vector<std::size_t> ranked_gets_;        // by rank
  std::vector<std::uint64_t> versions_needed_;  // by ranked changes that have come
};

}  // namespace sim
