#include "actors/runtime.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace actors {
namespace {

// For top -H, gdb and perf. Linux takes 15 characters, pthread_setname_np(3).
void name_thread(std::thread& thread, const std::vector<Actor*>& actors) {
  constexpr std::size_t kMostCharacters = 15;
  const std::string name = actors.size() == 1 ? std::string(actors.front()->name()) : "actors";
  pthread_setname_np(thread.native_handle(), name.substr(0, kMostCharacters).c_str());
}

}  // namespace

Runtime::Runtime(zmq::context_t& context, settings::RuntimeMode mode,
                 const std::vector<Actor*>& actors, Profile* profile) {
  std::vector<Actor*> together;
  for (Actor* actor : actors) {
    if (mode == settings::RuntimeMode::kThreaded || actor->waits_for_disk()) {
      add_partition(context, {actor}, profile);
    } else {
      together.push_back(actor);
    }
  }
  if (!together.empty()) add_partition(context, together, profile);
}

void Runtime::add_partition(zmq::context_t& context, const std::vector<Actor*>& actors,
                            Profile* profile) {
  // No mark: at most one order and one report an actor.
  auto control = make_link<StopActor, ActorEnded>(
      context, "supervisor/loop" + std::to_string(partitions_.size()), kMustArrive);
  Loop loop(actors, std::move(control.far), profile);
  partitions_.push_back({actors, std::move(control.near), std::move(loop), std::thread()});
}

Runtime::~Runtime() {
  for (Partition& partition : partitions_) {
    if (partition.thread.joinable()) partition.thread.join();
  }
}

void Runtime::start() {
  // The sockets were made on this thread; starting a thread is the full fence that ZeroMQ asks
  // for where a socket moves to another.
  for (Partition& partition : partitions_) {
    try {
      partition.thread = std::thread([&loop = partition.loop] { loop.run(); });
    } catch (const std::system_error& error) {
      stop_all();
      throw std::runtime_error(
          fmt::format("a thread for {} cannot be started: {}; raise the limit of threads of this "
                      "user or service",
                      partition.actors.front()->name(), error.what()));
    }
    name_thread(partition.thread, partition.actors);
  }
}

void Runtime::stop_all() {
  for (Partition& partition : partitions_) {
    for (Actor* actor : partition.actors) partition.control.send({actor});
  }
}

std::optional<ActorEnded> Runtime::wait(int descriptor) {
  std::vector<pollfd> descriptors = {{descriptor, POLLIN, 0}};
  for (Partition& partition : partitions_) {
    descriptors.push_back({partition.control.input().descriptor(), POLLIN, 0});
  }
  while (true) {
    for (Partition& partition : partitions_) {
      if (auto ended = partition.control.receive()) return ended;
    }
    // Each was found empty just now, so what comes for one shows. B17: a signal shows nothing.
    if (poll(descriptors.data(), descriptors.size(), -1) <= 0) continue;
    if (descriptors.front().revents != 0) return std::nullopt;
  }
}

void Runtime::stop(Actor* actor) {
  for (Partition& partition : partitions_) {
    const auto& actors = partition.actors;
    if (std::find(actors.begin(), actors.end(), actor) != actors.end()) {
      partition.control.send({actor});
    }
  }
}

}  // namespace actors
