// CPU time and memory of processes on this machine, from /proc (proc(5)).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bench {

struct ProcessUsage {
  double cpu_seconds = 0;        // user and system, since it began
  std::uint64_t rss_bytes = 0;   // now
  std::uint64_t peak_bytes = 0;  // the most it was
};

// Nothing where there is no such process.
[[nodiscard]] std::optional<ProcessUsage> read_usage(pid_t process);

// In ascending order.
[[nodiscard]] std::vector<pid_t> find_processes(const std::string& name);

}  // namespace bench
