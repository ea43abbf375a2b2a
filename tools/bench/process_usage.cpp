#include "bench/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace bench {

std::optional<ProcessUsage> read_usage(pid_t process) {
  std::ifstream stat(fmt::format("/proc/{}/stat", process));
  const std::string text{std::istreambuf_iterator<char>(stat), {}};
  // The name, in parentheses, may hold anything; the third field comes behind the last one.
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  std::uint64_t user = 0;
  std::uint64_t system = 0;
  fields >> user >> system;
  ProcessUsage usage;
  usage.cpu_seconds =
      static_cast<double>(user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
  std::ifstream status(fmt::format("/proc/{}/status", process));
  for (std::string line; std::getline(status, line);) {
    std::istringstream words(line);
    std::string name;
    std::uint64_t kilobytes = 0;
    words >> name >> kilobytes;
    if (name == "VmRSS:") usage.rss_bytes = kilobytes * 1024;
    if (name == "VmHWM:") usage.peak_bytes = kilobytes * 1024;
  }
  return usage;
}

std::vector<pid_t> find_processes(const std::string& name) {
  std::vector<pid_t> found;
  std::error_code ignored;  // a process that ends meanwhile is not found
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string id = entry.path().filename();
    if (!std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::ifstream stream(entry.path() / "comm");
    std::string command;
    if (std::getline(stream, command) && command == name) found.push_back(std::stoi(id));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace bench
