// log_writer: owns the log, the term and the vote on disk. It carries out all orders
// that wait, with one sync for the group, and only then lets their promises leave. A fault of the
// disk leaves turn() as an exception, and nothing is promised after it (A15, A16).
#pragma once

#include <memory>
#include <vector>

#include "actors/actor.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "storage/persistence.h"

namespace actors {

class LogWriter final : public Actor {
 public:
  struct Links {
    Link<LogReport, LogOrders> event_handler;
    Link<OutboundMessages, Nothing> outbound_dispatcher;
  };

  LogWriter(std::unique_ptr<storage::Persistence> persistence, Links links, const Logging& logging,
            Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "log_writer"; }
  [[nodiscard]] std::vector<zmq::pollitem_t> inputs() override;
  void turn() override;
  void stop() override;

 private:
  void trim();
  void keep_promises(std::vector<raft::Persist> group);
  void serve(const std::vector<raft::FetchEntries>& fetches);

  std::unique_ptr<storage::Persistence> persistence_;
  Links links_;
  ActorLog log_;
  Counters& counters_;
  raft::Index trim_to_ = 0;  // what is let go of, and may still be there; 0: nothing
};

}  // namespace actors
