// Actor: one concern of a node, with its sockets and its state. It never knows on which thread it
// runs, or with whom it shares it: a loop calls it, one call at a time. Actors talk by messages
// alone. An exception that leaves turn() or stop() ends the node.
#pragma once

#include <string_view>
#include <vector>

#include "actors/input.h"

namespace actors {

class Actor {
 public:
  Actor() = default;
  virtual ~Actor() = default;
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // The noun of this actor, the same in class, link, log line and configuration.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // What wakes this actor; the same for all its life.
  [[nodiscard]] virtual std::vector<Input> inputs() = 0;

  // Whether it waits for the disk, which may take long: then nobody shares its thread.
  [[nodiscard]] virtual bool waits_for_disk() const { return false; }

  // Takes what waits at the inputs, up to a limit a turn, does the work, and hands out what came
  // of it in one batch. Harmless where nothing waits. Never blocks but on a disk.
  virtual void turn() = 0;

  // The last call: finishes what was handed to this actor, and flushes. Those before it in the
  // order of stopping have stopped already.
  virtual void stop() {}
};

}  // namespace actors
