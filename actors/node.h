// Node: everything one node is made of: what it has on disk, its sockets, its actors and the
// links between them. Made on the main thread, opens the disk before it opens a port (B11), and
// throws where it cannot start: one sentence that says what, where and what to do.
#pragma once

#include <memory>
#include <vector>
#include <zmq.hpp>

#include "actors/actor.h"
#include "actors/counters.h"
#include "actors/disk.h"
#include "actors/logging.h"
#include "actors/wiring.h"
#include "settings/settings.h"
#include "storage/file_system.h"

namespace actors {

class Node {
 public:
  Node(settings::Settings settings, storage::FileSystem& file_system, Logging& logging);
  // The runtime of its actors has ended.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // In the order of a pass of a loop, which follows the way of a write.
  [[nodiscard]] std::vector<Actor*> actors() const;
  // Each stops after those that hand it work.
  [[nodiscard]] std::vector<Actor*> stop_order() const;
  // For links that begin or end outside of the actors.
  [[nodiscard]] zmq::context_t& inside() { return contexts_.inside; }
  // For a runtime that measures its actors: `debug` tells what it holds.
  [[nodiscard]] Profile& profile() { return counters_.profile; }

 private:
  void say_what_was_found() const;
  // It is to be let in by others, and has never been part of a cluster.
  [[nodiscard]] bool joins() const;
  void make_actors();

  settings::Settings settings_;
  Logging& logging_;
  Counters counters_;
  Disk disk_;
  Contexts contexts_;
  std::unique_ptr<Actor> clock_;
  std::unique_ptr<Actor> socket_server_;
  std::unique_ptr<Actor> event_handler_;
  std::unique_ptr<Actor> outbound_dispatcher_;
  std::unique_ptr<Actor> log_writer_;
  std::unique_ptr<Actor> database_;
  std::unique_ptr<Actor> snapshot_store_;
  std::unique_ptr<Actor> publisher_;
  std::unique_ptr<Actor> joiner_;  // only at a node that is to join
};

}  // namespace actors
