// Report: the trace of a run. Everything that happens is noted: it goes into a hash that tells
// two runs apart, and the last notes of each node are kept for the reader of a failure.
// `require` is how a check fails: it throws Broken, and the run ends there.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "schedule.h"

namespace sim {

class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

template <typename... Arguments>
void require(bool holds, fmt::format_string<Arguments...> format, Arguments&&... arguments) {
  if (!holds) [[unlikely]] {
    throw Broken(fmt::format(format, std::forward<Arguments>(arguments)...));
  }
}

// What a run went through: shows that faults and paths were met at all.
struct Statistics {
  std::uint64_t steps = 0;
  std::uint64_t elections_won = 0;
  std::uint64_t crashes = 0;
  std::uint64_t orders_lost = 0;  // in crashes, whole or in part
  std::uint64_t pauses = 0;
  std::uint64_t partitions = 0;
  std::uint64_t messages = 0;
  std::uint64_t messages_lost = 0;
  std::uint64_t messages_doubled = 0;
  std::uint64_t truncations = 0;
  std::uint64_t fetches = 0;
  std::uint64_t committed = 0;
  std::uint64_t writes_acknowledged = 0;
  std::uint64_t reads_served = 0;
  std::uint64_t refused_no_leader = 0;
  std::uint64_t refused_busy = 0;
  std::uint64_t unknown_outcomes = 0;

  Statistics& operator+=(const Statistics& other);
};
[[nodiscard]] std::string describe(const Statistics& statistics);

class Report {
 public:
  explicit Report(const Schedule& schedule) : schedule_(schedule) {}

  // `what` is a literal. The numbers mean what the word says.
  void note(raft::NodeId node, const char* what, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0);
  void say(raft::NodeId node, const std::string& text);

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::string last_events() const;

  Statistics statistics;

 private:
  struct Note {
    Microseconds at = 0;
    const char* what = nullptr;
    std::array<std::uint64_t, 3> numbers{};
    std::string text;  // instead of `what`, where `what` is null
  };
  // The last notes of one node: a ring, whose notes are used again with the memory they have.
  struct Notes {
    std::vector<Note> ring;
    std::uint64_t count = 0;  // so far; the next one goes to count % ring.size()
  };
  void mix(raft::NodeId node, std::string_view text, const std::array<std::uint64_t, 3>& numbers);
  Note& next_note(raft::NodeId node);

  const Schedule& schedule_;
  std::uint64_t hash_ = 0;
  std::vector<Notes> notes_;  // by node; 0: the world
};

}  // namespace sim
