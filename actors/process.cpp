#include "actors/process.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <random>
#include <system_error>

namespace actors {

StopSignals::StopSignals() : descriptor_(-1) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  descriptor_ = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor_ < 0) {
    throw std::system_error(errno, std::generic_category(), "cannot wait for signals");
  }
}

StopSignals::~StopSignals() { close(descriptor_); }

void StopSignals::take() {
  signalfd_siginfo signal;
  // One signal a read; where there is none, the descriptor was not readable.
  [[maybe_unused]] const auto size = read(descriptor_, &signal, sizeof signal);
}

namespace {

void end_by_signal(int signals, int over) {
  std::array<pollfd, 2> either{{{signals, POLLIN, 0}, {over, POLLIN, 0}}};
  while (poll(either.data(), either.size(), -1) < 0) {
  }
  signalfd_siginfo info;
  if (either[1].revents != 0 || read(signals, &info, sizeof info) != sizeof info) return;
  const int number = static_cast<int>(info.ssi_signo);
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, number);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  raise(number);
}

}  // namespace

EndsBySignal::EndsBySignal(const StopSignals& signals) : over_(eventfd(0, EFD_CLOEXEC)) {
  if (over_ < 0) throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
  thread_ = std::thread(end_by_signal, signals.descriptor(), over_);
}

EndsBySignal::~EndsBySignal() {
  eventfd_write(over_, 1);
  thread_.join();
  close(over_);
}

void end_after(unsigned seconds) { alarm(seconds); }

std::uint64_t raise_open_files(std::uint64_t wanted) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  if (limit.rlim_cur >= wanted) return limit.rlim_cur;
  // Only a privileged process may raise its hard limit: where that is refused, up to it.
  const rlimit raised{wanted, std::max<rlim_t>(limit.rlim_max, wanted)};
  if (setrlimit(RLIMIT_NOFILE, &raised) == 0) return wanted;
  const rlim_t reachable = std::min<rlim_t>(limit.rlim_max, wanted);
  const rlimit allowed{reachable, limit.rlim_max};
  return setrlimit(RLIMIT_NOFILE, &allowed) == 0 ? reachable : limit.rlim_cur;
}

OpenFiles open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 0;
  // The lowest that is free: all below it are taken.
  const int lowest = eventfd(0, EFD_CLOEXEC);
  if (lowest < 0) return {limit.rlim_cur, 0};
  close(lowest);
  return {limit.rlim_cur, limit.rlim_cur - std::min<rlim_t>(limit.rlim_cur, lowest)};
}

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

}  // namespace actors
