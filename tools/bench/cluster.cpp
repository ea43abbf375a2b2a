#include "bench/cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace bench {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kStopTime{3};

// Below the ephemeral range, where a node that retries a dead port could meet itself (B14).
constexpr int kLowestPort = 10'000;
constexpr int kHighestPort = 12'000;

// Holds a port until it is destroyed, so that no port is given twice.
class HeldPort {
 public:
  HeldPort() {
    std::random_device random;
    std::uniform_int_distribution<int> ports(kLowestPort, kHighestPort);
    for (int attempt = 0; attempt < 1000; ++attempt) {
      port_ = ports(random);
      socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(static_cast<std::uint16_t>(port_));
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      if (bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return;
      close(socket_);
    }
    throw std::runtime_error("no free port between 10000 and 12000");
  }
  ~HeldPort() { close(socket_); }
  HeldPort(const HeldPort&) = delete;
  HeldPort& operator=(const HeldPort&) = delete;

  [[nodiscard]] std::string endpoint() const { return fmt::format("tcp://127.0.0.1:{}", port_); }

 private:
  int socket_ = -1;
  int port_ = 0;
};

// Beside this program in the build folder or where both are installed, else on the PATH.
std::string find_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& candidate : {self / "../actors/raft-actor", self / "raft-actor"}) {
    if (access(candidate.c_str(), X_OK) == 0) return fs::canonical(candidate);
  }
  std::istringstream folders(std::getenv("PATH") != nullptr ? std::getenv("PATH") : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder) / "raft-actor";
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  throw std::runtime_error("raft-actor is neither beside raft-bench nor on the PATH: build it");
}

std::string last_lines(const fs::path& file) {
  std::ifstream stream(file);
  std::deque<std::string> lines;
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
    if (lines.size() > 5) lines.pop_front();
  }
  std::string text;
  for (const std::string& line : lines) text += "\n  " + line;
  return text;
}

}  // namespace

Cluster::Cluster(unsigned size, const std::string& runtime, bool profile, const fs::path& parent) {
  const std::string program = find_program();
  std::string folder = (parent / "raft-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    throw std::runtime_error(fmt::format("{}: {}", folder, std::strerror(errno)));
  }
  folder_ = folder;
  try {
    {
      std::deque<HeldPort> ports(size * 3UL);
      std::string members;
      for (unsigned node = 1; node <= size; ++node) {
        const std::size_t first = (node - 1) * 3UL;
        clients_.push_back(ports[first + 1].endpoint());
        members += fmt::format(
            "[[member]]\nid = {}\npeer = \"{}\"\nclient = \"{}\"\npublish = \"{}\"\n\n", node,
            ports[first].endpoint(), clients_.back(), ports[first + 2].endpoint());
      }
      for (unsigned node = 1; node <= size; ++node) write_configuration(node, members);
    }
    for (unsigned node = 1; node <= size; ++node) start_node(node, program, runtime, profile);
  } catch (...) {
    stop();
    throw;
  }
}

Cluster::~Cluster() { stop(); }

void Cluster::write_configuration(unsigned node, const std::string& members) const {
  const fs::path file = folder_ / fmt::format("node{}.toml", node);
  std::ofstream stream(file);
  stream << fmt::format(
      "[node]\nid = {}\ncluster = \"raft-bench-{}\"\ndata_directory = \"{}\"\n\n{}", node, getpid(),
      (folder_ / fmt::format("node{}", node)).string(), members);
  stream.close();
  if (!stream) throw std::runtime_error(fmt::format("{}: cannot be written", file.string()));
}

void Cluster::start_node(unsigned node, const std::string& program, const std::string& runtime,
                         bool profile) {
  const std::string config = folder_ / fmt::format("node{}.toml", node);
  const std::string log = folder_ / fmt::format("node{}.log", node);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (child > 0) {
    processes_.push_back(child);
    return;
  }
  // Ends with its parent, even where that is killed; and Ctrl-C is for the parent alone.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const int input = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execl(program.c_str(), "raft-actor", config.c_str(), "--runtime", runtime.c_str(),
        profile ? "--profile" : nullptr, nullptr);
  fmt::print(stderr, "{}: {}\n", program, std::strerror(errno));
  _exit(127);
}

void Cluster::check_running() {
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    if (processes_[i] == 0 || waitpid(processes_[i], nullptr, WNOHANG) == 0) continue;
    processes_[i] = 0;
    throw std::runtime_error(fmt::format("node {} has ended; the end of its log:{}", i + 1,
                                         last_lines(folder_ / fmt::format("node{}.log", i + 1))));
  }
}

void Cluster::kill_node(std::size_t node) {
  kill(processes_[node], SIGKILL);
  waitpid(processes_[node], nullptr, 0);
  processes_[node] = 0;
}

void Cluster::stop() {
  using Clock = std::chrono::steady_clock;
  for (const pid_t process : processes_) {
    if (process != 0) kill(process, SIGTERM);
  }
  const Clock::time_point end = Clock::now() + kStopTime;
  for (pid_t& process : processes_) {
    while (process != 0 && waitpid(process, nullptr, WNOHANG) == 0) {
      if (Clock::now() >= end) kill(process, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    process = 0;
  }
  std::error_code ignored;  // what cannot be removed now is for whoever cleans the folder
  fs::remove_all(folder_, ignored);
}

}  // namespace bench
