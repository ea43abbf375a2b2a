#include "bench/target.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>

#include "bench/process_usage.h"
#include "bench/worker.h"
#include "client/endpoints.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kStatusTime{1000};

std::string folder_of(const Options& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
}

// A thousand subscribers are more files than a process may open by default, here and in a node of
// --start, which inherits the limit. What is refused shows where files are opened.
void allow_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  static_cast<void>(setrlimit(RLIMIT_NOFILE, &limit));
}

}  // namespace

Target::Target(const Options& options, client::Interrupt& interrupt) : interrupt_(interrupt) {
  if (options.subscribers > 0) allow_open_files();
  if (options.start > 0) {
    cluster_ = std::make_unique<Cluster>(options.start, options.runtime, options.profile,
                                         folder_of(options));
    endpoints_ = cluster_->client_endpoints();
  } else {
    endpoints_ = client::find_client_endpoints(options.to, options.config);
  }
  context_ = std::make_unique<zmq::context_t>(static_cast<int>(options.threads));
}

bool Target::wait_for_leader() {
  const std::atomic<Phase> phase{Phase::kWarmUp};
  const std::vector<std::string> given = endpoints_;
  const Clock::time_point end = Clock::now() + kStartTime;
  while (Clock::now() < end) {
    check();
    endpoints_ =
        client::all_members(client::ask_each(*context_, given, client::make_status(), kStatusTime));
    if (find_leader(*context_, endpoints_, milliseconds(1), phase)) return true;
  }
  return false;
}

std::vector<client::Answer> Target::ask_status(milliseconds timeout) {
  return client::ask_each(*context_, endpoints_, client::make_status(), timeout);
}

std::vector<pid_t> Target::processes() const {
  return cluster_ ? cluster_->processes() : find_processes("raft-actor");
}

bool Target::kill_leader() {
  const std::atomic<Phase> phase{Phase::kMeasure};
  const auto leader = find_leader(*context_, endpoints_, kStartTime, phase);
  if (!leader || !cluster_) return false;
  const std::vector<std::string>& nodes = cluster_->client_endpoints();
  const auto found = std::find(nodes.begin(), nodes.end(), *leader);
  if (found == nodes.end()) return false;
  cluster_->kill_node(static_cast<std::size_t>(found - nodes.begin()));
  return true;
}

void Target::check() {
  if (interrupt_.came()) throw Interrupted();
  if (cluster_) cluster_->check_running();
}

}  // namespace bench
