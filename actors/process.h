// What a process of a node asks of the operating system: signals as a descriptor, and the limit of
// open files. Called from main, before any thread is started. A node never forks (B18).
#pragma once

#include <cstdint>
#include <thread>

namespace actors {

// SIGINT, SIGTERM and SIGHUP, blocked in this thread and in all that it starts, so that no call
// is ever interrupted by one (B17). SIGPIPE is ignored. One at a time.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }  // readable when one has come
  void take();

 private:
  int descriptor_;
};

// While it lives, such a signal ends the process as if it were not blocked. For a node that starts:
// it has promised nothing yet, and a disk may keep it waiting for long. One that came too late to
// do so is left to be taken.
class EndsBySignal {
 public:
  explicit EndsBySignal(const StopSignals& signals);
  ~EndsBySignal();
  EndsBySignal(const EndsBySignal&) = delete;
  EndsBySignal& operator=(const EndsBySignal&) = delete;

 private:
  int over_;  // an eventfd
  std::thread thread_;
};

// SIGALRM ends the process in so many seconds, if it is still there; alarm(2).
void end_after(unsigned seconds);

// Raises the limit of open files to `wanted` (B11). Returns what it is then, which may be less.
std::uint64_t raise_open_files(std::uint64_t wanted);

// How many files may be open (B11), and about how many more than are: no more than that.
struct OpenFiles {
  std::uint64_t limit;
  std::uint64_t left;
};
[[nodiscard]] OpenFiles open_files();

// From the system's entropy: for identities and seeds, which only have to differ.
[[nodiscard]] std::uint64_t random_number();

}  // namespace actors
