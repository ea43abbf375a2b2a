#include "workers.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

namespace sim {
namespace {

// What a worker writes into its pipe: first that a seed begins, then how it ended.
struct Header {
  std::uint64_t seed = 0;
  bool ended = false;
  std::uint64_t hash = 0;
  Statistics statistics;
  std::uint64_t failure_bytes = 0;  // that follow
};

void write_all(int file, const void* data, std::size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t written = ::write(file, from, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(1);  // nobody reads any more
    from += written;
    size -= static_cast<std::size_t>(written);
  }
}

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

struct Workers::Shared {
  std::atomic<std::uint64_t> next_seed;
  std::atomic<bool> stopped = false;
};

Workers::Workers(const CommandLine& line) : line_(line) {
  void* memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) fail("cannot share memory with workers");
  shared_ = ::new (memory) Shared{line.first_seed};
  for (std::uint64_t i = 0; i < line.jobs; ++i) start_worker();
}

Workers::~Workers() {
  stop();
  for (Worker& worker : workers_) {
    ::close(worker.results);
    waitpid(worker.process, nullptr, 0);
  }
  munmap(shared_, sizeof(Shared));
}

void Workers::stop() { shared_->stopped = true; }

void Workers::start_worker() {
  int ends[2];
  if (pipe(ends) != 0) fail("cannot make a pipe");
  std::fflush(nullptr);  // or both processes would print it
  const pid_t process = fork();
  if (process < 0) fail("cannot start a worker");
  if (process == 0) {
    ::close(ends[0]);
    work(ends[1]);
  }
  ::close(ends[1]);
  workers_.push_back({process, ends[0], "", 0, false});
}

void Workers::work(int results) const {
  while (!shared_->stopped) {
    const std::uint64_t seed = shared_->next_seed++;
    if (seed > line_.last_seed) break;
    Header header;
    header.seed = seed;
    write_all(results, &header, sizeof header);
    const RunResult result = run(line_.options_of(seed), line_.trace ? stdout : nullptr);
    std::fflush(stdout);
    header.ended = true;
    header.hash = result.hash;
    header.statistics = result.statistics;
    header.failure_bytes = result.failure.size();
    write_all(results, &header, sizeof header);
    write_all(results, result.failure.data(), result.failure.size());
  }
  std::fflush(nullptr);
  _exit(0);
}

bool Workers::read_results(Worker& worker, const std::function<void(SeedResult)>& take) {
  char buffer[1 << 16];
  const ssize_t size = ::read(worker.results, buffer, sizeof buffer);
  if (size < 0 && errno == EINTR) return true;
  if (size <= 0) return false;
  worker.unread.append(buffer, static_cast<std::size_t>(size));
  while (worker.unread.size() >= sizeof(Header)) {
    Header header;
    std::memcpy(&header, worker.unread.data(), sizeof header);
    if (worker.unread.size() < sizeof header + header.failure_bytes) break;
    worker.seed = header.seed;
    worker.running = !header.ended;
    if (header.ended) {
      take({header.seed,
            {worker.unread.substr(sizeof header, header.failure_bytes), header.hash,
             header.statistics}});
    }
    worker.unread.erase(0, sizeof header + header.failure_bytes);
  }
  return true;
}

void Workers::on_ended(Worker& worker, const std::function<void(SeedResult)>& take) {
  int status = 0;
  while (waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(worker.results);
  if (!worker.running) return;
  const std::string how = WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "its end";
  take({worker.seed,
        {fmt::format("broken: an invariant of one node, as said on stderr ({})\n", how), 0, {}, true}});
  if (!shared_->stopped) start_worker();
}

bool Workers::wait(int milliseconds, const std::function<void(SeedResult)>& take) {
  std::vector<pollfd> inputs;
  for (const Worker& worker : workers_) inputs.push_back({worker.results, POLLIN, 0});
  if (poll(inputs.data(), inputs.size(), milliseconds) < 0 && errno != EINTR) fail("cannot wait");
  std::vector<Worker> going;
  std::vector<Worker> ended;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const bool goes_on = inputs[i].revents == 0 || read_results(workers_[i], take);
    (goes_on ? going : ended).push_back(std::move(workers_[i]));
  }
  workers_ = std::move(going);
  for (Worker& worker : ended) on_ended(worker, take);
  return !workers_.empty();
}

}  // namespace sim
