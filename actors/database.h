// database: owns the state machine. It applies what the core says is committed, in one batch a
// turn, answers the clients of this node from it, and hands the changes on to the publisher.
// A fault of RocksDB leaves turn() as an exception. Where its disk has no room, what is to be
// applied and all orders after it wait, and are tried again twice a second; local queries are
// answered.
//
// A snapshot that it takes is fixed at once and read slice by slice between other work. While one
// of a leader is installed, orders of event_handler wait in their link, and local queries are
// answered from the state before.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "actors/actor.h"
#include "actors/broadcast_link.h"
#include "actors/counters.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "actors/progress_log.h"
#include "database/database.h"

namespace actors {

// As the state machine takes it; what is no command, it only counts.
[[nodiscard]] ::database::Committed to_committed(const raft::Entry& entry);

class Database final : public Actor {
 public:
  struct Links {
    Link<DatabaseReport, DatabaseOrders> event_handler;
    Link<DatabaseAnswers, LocalQueries> socket_server;
    Link<AppliedBroadcasts, BroadcastsPublished> publisher;
    Link<ContentOrder, ContentReport> snapshot_store;
    BroadcastListener<Tick> ticks;
  };
  struct Limits {
    std::size_t max_replay_bytes;      // of payload in one answer
    std::size_t max_publishing_bytes;  // on the link to publisher; beyond it, dropped
  };

  // `log_end`: the last entry that the log held at the start. While it applies up to there, it says
  // how far it is.
  Database(std::unique_ptr<::database::Database> state_machine, raft::Index log_end, Limits limits,
           Links links, const Logging& logging, Counters& counters);

  [[nodiscard]] std::string_view name() const override { return "database"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  void turn() override;
  void stop() override;

 private:
  // What is done in one go.
  struct Work {
    std::vector<raft::CommittedEntry> entries;
    std::vector<DatabaseRead> reads;
  };
  struct Taking {
    raft::Index index;
    std::unique_ptr<::database::SnapshotReader> reader;
  };
  struct Installing {
    raft::Index index;
    std::unique_ptr<::database::SnapshotLoader> loader;
    std::uint64_t offset = 0;  // so much of the content is loaded
  };

  void take_orders(DatabaseAnswers& answers);
  void take_order(DatabaseOrders orders, Work& work, DatabaseAnswers& answers);
  // False where there is no room: then the work waits, and so has to do what comes after it.
  [[nodiscard]] bool carry_out(Work& work, DatabaseAnswers& answers);
  [[nodiscard]] bool carry_out_stalled(DatabaseAnswers& answers);
  [[nodiscard]] std::optional<DatabaseOrders> next_orders();
  void take_in_orders(DatabaseAnswers& answers);
  void put_back(DatabaseOrders orders);
  void stall(Work& work, const char* cause);
  void apply(const std::vector<raft::CommittedEntry>& entries, DatabaseAnswers& answers);
  void tell_progress();
  void answer_requests(const std::vector<raft::CommittedEntry>& entries,
                       const ::database::Applied& applied, DatabaseAnswers& answers) const;
  void publish(std::vector<::database::Broadcast> broadcasts);
  void serve(const std::vector<DatabaseRead>& reads, DatabaseAnswers& answers) const;
  void serve_local_queries(DatabaseAnswers& answers);
  void serve_replay(const DatabaseReplay& query, DatabaseAnswers& answers);

  // In database_snapshots.cpp.
  void take_content();
  void begin_taking(raft::TakeSnapshot order);
  void continue_taking();
  void give_up_taking();
  void begin_installing(raft::Index index);
  void on_content_read(const ContentRead& content);
  void finish_installing();
  [[nodiscard]] DatabaseOrders what_is_left(DatabaseOrders orders, DatabaseAnswers& answers);

  std::unique_ptr<::database::Database> state_machine_;
  raft::Index applied_at_start_;
  raft::Index log_end_;  // at the start
  Limits limits_;
  Links links_;
  ActorLog log_;
  Counters& counters_;
  ProgressLog progress_;
  std::size_t answering_bytes_ = 0;   // handed to socket_server and not reported as taken
  std::size_t publishing_bytes_ = 0;  // handed to publisher and not reported as published
  std::optional<Taking> taking_;
  std::size_t slices_under_way_ = 0;  // handed to snapshot_store and not reported as stored
  std::optional<Installing> installing_;
  std::optional<Work> stalled_;  // there is no room for it
  // For room, or for an install. Of entries the core hands out no more than its limits.
  std::deque<std::optional<DatabaseOrders>> waiting_;
  std::size_t waiting_reads_ = 0;  // in these
  raft::Milliseconds now_ = 0;
  raft::Milliseconds retry_due_ = 0;  // of what is stalled
  DatabaseOrders held_;               // they came with the install, or before it, and wait for it
  bool overtaken_ = false;            // an install was, by one whose order has not come yet
};

}  // namespace actors
