// What every test of an actor needs: the actor on a loop of either runtime, the far ends of its
// links in the hands of the test, settings, and a way to wait for a condition.
#pragma once

#include "../storage/catch.h"
// Catch's CHECK comes first.
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/runtime.h"
#include "settings/settings.h"

namespace actors_test {

// Both, one after the other: every test of an actor runs under each.
[[nodiscard]] settings::RuntimeMode each_runtime();

// Long enough for any machine; only a failing test waits so long.
inline constexpr auto kPatience = std::chrono::seconds(30);

// Calls `attempt` until it gives something, and gives that.
template <typename Attempt>
auto eventually(Attempt attempt) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (true) {
    if (auto result = attempt()) return result;
    if (std::chrono::steady_clock::now() > deadline) {
      FAIL("waited in vain");
    }
    std::this_thread::yield();
  }
}

// The next message of a link.
template <typename Sent, typename Taken>
Taken next(actors::Link<Sent, Taken>& link) {
  return std::move(*eventually([&] { return link.receive(); }));
}

// A three-member cluster, this node its first. `more`: TOML behind it.
[[nodiscard]] settings::Settings sample_settings(const std::string& more = "");

// An empty directory, until the end of the test.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// A log that nobody sees.
[[nodiscard]] std::unique_ptr<actors::Logging> quiet_logging();

// A log that is read once all is written.
class HeardLog {
  std::ostringstream out_;  // outlives `logging`, whose thread writes to it

 public:
  HeardLog();
  // What was written, one line each. Ends `logging`.
  [[nodiscard]] std::string text();

  std::unique_ptr<actors::Logging> logging;
};

// A socket bound to a free port of the loopback interface, and where it is.
struct Bound {
  zmq::socket_t socket;
  std::string endpoint;
};
[[nodiscard]] Bound bound(zmq::context_t& context, zmq::socket_type type,
                          const std::function<void(zmq::socket_t&)>& set_options = {});

// Runs actors until the end of the test.
class RunningActors {
 public:
  RunningActors(zmq::context_t& inside, settings::RuntimeMode mode,
                std::vector<actors::Actor*> actors);
  ~RunningActors();
  RunningActors(const RunningActors&) = delete;
  RunningActors& operator=(const RunningActors&) = delete;

  // What ends the next actor.
  [[nodiscard]] actors::ActorEnded wait_for_end();
  // Stops each that has not ended, in the order given.
  void stop();

 private:
  std::vector<actors::Actor*> left_;
  int never_readable_;
  actors::Runtime runtime_;
};

}  // namespace actors_test
