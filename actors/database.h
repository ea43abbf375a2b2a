// database: owns the state machine. It applies what the core says is committed, in one batch a
// turn, answers the clients of this node from it, and hands the changes on to the publisher.
// A fault of RocksDB leaves turn() as an exception.
#pragma once

#include <memory>
#include <vector>

#include "actors/actor.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/messages.h"
#include "database/database.h"

namespace actors {

class Database final : public Actor {
 public:
  struct Links {
    Link<DatabaseReport, DatabaseOrders> event_handler;
    Link<DatabaseAnswers, LocalQueries> socket_server;
    Link<AppliedBroadcasts, BroadcastsPublished> publisher;
  };
  struct Limits {
    std::size_t max_replay_bytes;      // of payload in one answer
    std::size_t max_publishing_bytes;  // on the link to publisher; beyond it, dropped
  };

  Database(std::unique_ptr<::database::Database> state_machine, Limits limits, Links links,
           Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "database"; }
  [[nodiscard]] std::vector<zmq::pollitem_t> inputs() override;
  void turn() override;
  void stop() override;

 private:
  void apply(const std::vector<raft::CommittedEntry>& entries, DatabaseAnswers& answers);
  void publish(std::vector<::database::Broadcast> broadcasts);
  void serve(const std::vector<DatabaseRead>& reads, DatabaseAnswers& answers) const;
  void serve_local_queries(DatabaseAnswers& answers);

  std::unique_ptr<::database::Database> state_machine_;
  Limits limits_;
  Links links_;
  Counters& counters_;
  std::size_t answering_bytes_ = 0;   // handed to socket_server and not reported as taken
  std::size_t publishing_bytes_ = 0;  // handed to publisher and not reported as published
};

}  // namespace actors
