// snapshot_store: owns the snapshots on disk. It keeps what database or a leader sends, slice by
// slice, and hands out what it has: to followers, and to database where a leader's snapshot is to
// be installed, and to clients that make a backup. Apart from log_writer, so that no sync of the
// log waits for a large snapshot. A fault of the disk leaves turn() as an exception, and ends the
// node. A full disk is none: what was being written is given up, and the core, which is told, tries
// again later.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "actors/actor.h"
#include "actors/link.h"
#include "actors/logging.h"
#include "actors/messages.h"
#include "storage/snapshot_store.h"

namespace actors {

class SnapshotStore final : public Actor {
 public:
  struct Links {
    Link<SnapshotReport, SnapshotOrders> event_handler;
    Link<ContentReport, ContentOrder> state_machine;
    Link<SnapshotReadAnswers, SnapshotReads> socket_server;
  };

  SnapshotStore(std::unique_ptr<storage::SnapshotStore> store, Links links, const Logging& logging);

  [[nodiscard]] std::string_view name() const override { return "snapshot_store"; }
  [[nodiscard]] std::vector<Input> inputs() override;
  [[nodiscard]] bool waits_for_disk() const override { return true; }
  void turn() override;
  void stop() override;

 private:
  void take_orders();
  void take_content();

  void store_first_configuration(raft::Configuration configuration);
  void store_part(const raft::StoreSnapshotChunk& part);
  [[nodiscard]] storage::Received receive(const raft::StoreSnapshotChunk& part);
  void fetch_part(const raft::FetchSnapshotChunk& fetch);

  void on_content(SnapshotBegun begun);
  void on_content(const SnapshotSlice& slice);
  void on_content(const SnapshotEnded& ended);
  void on_content(const SnapshotGivenUp& given_up);
  void on_content(const ContentWanted& wanted);
  void report_taken();
  // Carries `step` of writing a snapshot out; where there is no room, that snapshot is given up.
  template <typename Step>
  void write(Step step);

  void serve_clients();
  [[nodiscard]] SnapshotReadOutcome serve(const SnapshotRead& read);

  std::unique_ptr<storage::SnapshotStore> store_;
  Links links_;
  ActorLog log_;
  bool no_room_ = false;              // for what database sends, up to the next beginning
  std::optional<raft::Peer> sender_;  // of what is being received, since the start
  SnapshotReport report_;             // of this turn
  std::size_t answering_bytes_ = 0;   // handed to socket_server and not reported as taken
};

}  // namespace actors
