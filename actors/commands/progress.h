// Progress of a command that takes a while, on stderr: one line that is overwritten on a terminal,
// a plain line now and then elsewhere.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace commands {

class Progress {
 public:
  // `total`: bytes, or entries, as `what` says.
  Progress(std::string what, std::uint64_t total);
  // Leaves the terminal's line empty.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(std::uint64_t done);

 private:
  std::string what_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  bool terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace commands
