// Workers: processes that run seeds side by side. Each takes the next seed that nobody has taken,
// so how many there are changes nothing about any run. A worker that a broken CHECK ends is a
// finding of the seed that it ran, and another takes its place.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "command_line.h"
#include "world.h"

namespace sim {

struct SeedResult {
  std::uint64_t seed = 0;
  RunResult result;
};

class Workers {
 public:
  explicit Workers(const CommandLine& line);
  ~Workers();
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  // Waits for what comes next, at most so long, and hands every seed that ended to `take`. False
  // once all workers have ended.
  bool wait(int milliseconds, const std::function<void(SeedResult)>& take);
  // No further seed begins.
  void stop();

 private:
  struct Worker {
    pid_t process = 0;
    int results = -1;    // the end of a pipe to read from
    std::string unread;  // of it
    std::uint64_t seed = 0;
    bool running = false;  // that seed
  };
  struct Shared;  // between all processes

  void start_worker();
  [[noreturn]] void work(int results) const;
  // False where the worker has ended.
  static bool read_results(Worker& worker, const std::function<void(SeedResult)>& take);
  void on_ended(Worker& worker, const std::function<void(SeedResult)>& take);

  const CommandLine& line_;
  Shared* shared_;
  std::vector<Worker> workers_;
};

}  // namespace sim
