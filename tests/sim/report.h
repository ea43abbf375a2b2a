// Report: the trace of a run. Everything that happens is noted: it goes into a hash that tells
// two runs apart, and the last notes of each node are kept for the reader of a failure.
// A trace prints all of them. `require` is how a check fails: it throws Broken, and the run ends
// there.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "schedule.h"
#include "statistics.h"

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

// Who notes what is nobody's doing among the nodes.
inline constexpr raft::NodeId kWorld = 0;
inline constexpr raft::NodeId kMaxNodes = 9;
inline constexpr raft::NodeId kClients = kMaxNodes + 1;

class Report {
 public:
  explicit Report(const Schedule& schedule) : schedule_(schedule) {}

  // `what` is a literal with a place, {}, for each number it has a word for.
  void note(raft::NodeId node, const char* what, std::uint64_t a = 0, std::uint64_t b = 0,
            std::uint64_t c = 0) {
    note_named(node, what, "", a, b, c);
  }
  // `name` is a literal too, and has the place {3}.
  void note_named(raft::NodeId node, const char* what, const char* name, std::uint64_t a = 0,
                  std::uint64_t b = 0, std::uint64_t c = 0);
  void say(raft::NodeId node, const std::string& text);
  // From now on every note goes to `file` too, a line each.
  void trace_to(std::FILE* file) { trace_ = file; }

  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] std::string last_events() const;

  Statistics statistics;

 private:
  struct Note {
    Microseconds at = 0;
    const char* what = nullptr;
    const char* name = "";
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
  static std::string text_of(const Note& note);
  void trace(raft::NodeId node, const Note& note) const;

  const Schedule& schedule_;
  std::uint64_t hash_ = 0;
  std::vector<Notes> notes_;  // by who noted them
  std::FILE* trace_ = nullptr;
};

}  // namespace sim
