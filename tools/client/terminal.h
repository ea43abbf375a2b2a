// What depends on whether a person reads the output: colours, one updating line, and characters
// that would do something to a terminal.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace client {

[[nodiscard]] bool is_terminal(int descriptor);

// One line of text that does nothing to a terminal: control characters, backslashes and what is
// not UTF-8 become \n, \t, \\ or \xNN.
[[nodiscard]] std::string printable(std::string_view bytes);

// The name of a role in its colour: Leader red, Candidate yellow, Follower green.
[[nodiscard]] std::string coloured_role(std::string_view role, bool colour);

// Progress on stderr: one line that is overwritten on a terminal, a plain line now and then
// elsewhere, so that a log of it stays short.
class ProgressLine {
 public:
  ProgressLine();
  // Whether it is time to show something again.
  [[nodiscard]] bool is_due() const;
  void show(const std::string& text);
  // Leaves the terminal's line empty for what comes next.
  void clear();

 private:
  const bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace client
