// log_writer: owns the log, the term and the vote on disk. It carries out all orders
// that wait, with one sync for the group, and only then lets their promises leave. A fault of the
// disk leaves turn() as an exception, and nothing is promised after it (A15, A16). Orders for which
// there is no room are none: they and all after them wait here, nothing of them is promised, and
// they are tried again a few times a second. It watches the room on the disk, and tells the core.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "storage/persistence.h"
#include "storage/space_guard.h"

namespace actors {

class LogWriter final : public Actor {
 public:
  struct Links {
    Link<LogReport, LogOrders> event_handler;
    Link<OutboundMessages, Nothing> outbound_dispatcher;
    BroadcastListener<Tick> ticks;
  };

  LogWriter(std::unique_ptr<storage::Persistence> persistence,
            std::unique_ptr<storage::SpaceGuard> space, Links links, const Logging& logging,
            Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "log_writer"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  [[nodiscard]] bool waits_for_disk() const override { return true; }
  void turn() override;
  void stop() override;

 private:
  [[nodiscard]] std::vector<raft::FetchEntries> take_orders();
  void carry_out();
  void seal();
  void trim();
  void keep_promises(std::span<raft::Persist> group);
  void serve(const std::vector<raft::FetchEntries>& fetches);
  void prepare_ahead(bool tick);
  void look_at_space();
  void say_space() const;

  std::unique_ptr<storage::Persistence> persistence_;
  std::unique_ptr<storage::SpaceGuard> space_;
  Links links_;
  ActorLog log_;
  Counters& counters_;
  std::vector<raft::Persist> group_;      // orders taken; some are left where there was no room
  bool refused_ = false;                  // the first of them found no room
  raft::Index trim_to_ = 0;               // what is let go of, and may still be there; 0: nothing
  std::uint64_t log_bytes_at_tick_ = 0;  // the last one
  bool sealed_ = true;                    // or tried to, since the last order
  raft::Milliseconds now_ = 0;
  raft::Milliseconds look_due_ = 0;  // at the disk, and whether there is room meanwhile
  raft::DiskSpace told_ = raft::DiskSpace::kEnough;  // to the core
};

}  // namespace actors
