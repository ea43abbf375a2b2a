// The supervisor: starts the actors of a node, waits for an order to stop or for the failure of
// one of them, and stops them in order. Runs on the main thread.
#pragma once

#include <functional>
#include <vector>

#include "actors/actor.h"
#include "actors/logging.h"
#include "actors/runtime.h"

namespace actors {

struct Supervision {
  std::vector<Actor*> stop_order;     // every actor of the runtime
  int stop_descriptor;                // readable: an order to stop has come
  std::function<void()> take_order;   // makes stop_descriptor unreadable again
  std::function<void()> end_at_once;  // a second order came while stopping
  // An actor failed: the others have so long to stop, whatever they wait for. Never null.
  std::function<void()> limit_stop;
};

// Returns when all actors have ended: true where none failed. A failed actor gets no further
// call; the others stop in order.
[[nodiscard]] bool supervise(Runtime& runtime, const Supervision& supervision, const ActorLog& log);

}  // namespace actors
