// Runtime: a partition of the actors into loops, and nothing more. `threaded` gives every actor a
// loop and a thread of its own, `async` only those that wait for the disk, and puts all others on
// one loop in one thread; the actors are the same, to the line. Used by the thread that supervises
// the node.
#pragma once

#include <optional>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "actors/actor.h"
#include "actors/loop.h"
#include "settings/settings.h"

namespace actors {

class Runtime {
 public:
  // The actors in the order of a pass; they outlive the runtime, and so does `profile`, where what
  // they do is counted; null: nowhere.
  Runtime(zmq::context_t& context, settings::RuntimeMode mode, const std::vector<Actor*>& actors,
          Profile* profile = nullptr);
  // All actors have ended.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // Throws where the system gives no thread; nothing runs then.
  void start();

  // Waits until an actor has ended, or until `descriptor` is readable: then there is none.
  [[nodiscard]] std::optional<ActorEnded> wait(int descriptor);

  // Orders an actor that has not ended to stop; ActorEnded follows.
  void stop(Actor* actor);

 private:
  struct Partition {
    std::vector<Actor*> actors;
    ControllingEnd control;
    Loop loop;
    std::thread thread;
  };
  void add_partition(zmq::context_t& context, const std::vector<Actor*>& actors, Profile* profile);
  void stop_all();

  std::vector<Partition> partitions_;
};

}  // namespace actors
