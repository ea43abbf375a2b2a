// Node: one member of the simulated cluster: the real core and the real storage with a clock, a
// mailbox, a log writer and a state machine around them, as the actors of the product stand. It
// may be killed or lose power, which loses everything but what its disk kept, and it may be
// paused, as a stopped process is. A fault of its disk ends it, as it ends the product.
//
// What concerns more than this node goes to Surroundings: the network, the clients, the checks.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/random.h"
#include "disk.h"
#include "options.h"
#include "raft/server.h"
#include "raft/state.h"
#include "report.h"
#include "schedule.h"
#include "state_machine.h"

namespace sim {

class Node;

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // The core made a step, or handed out the effects of a turn.
  virtual void on_stepped(const Node& node) = 0;
  virtual void on_hard_state_durable(const Node& node) = 0;
  // A configuration in the log of some node has no other voter.
  [[nodiscard]] virtual bool was_only_voter(raft::NodeId node) const = 0;
  // Its disk, which had lost something, vouches for itself again.
  virtual void on_vouching(const Node& node) = 0;
  // A message leaves the node.
  virtual void on_sent(const Node& node, const raft::Send& send) = 0;
  // About to be applied; applied.
  virtual void on_apply(const Node& node, const raft::Entry& entry) = 0;
  virtual void on_applied(const Node& node, const raft::Entry& entry,
                          const AppliedEntry& applied) = 0;
  // Its state machine became what a snapshot says, or was restored from one at a start.
  virtual void on_restored(const Node& node) = 0;
  // The ends of requests.
  virtual void on_written(const Node& node, raft::RequestNumber request, raft::Index index,
                          const AppliedEntry& applied) = 0;
  virtual void on_completed(const Node& node, const raft::Complete& completion) = 0;
  virtual void on_read(const Node& node, raft::RequestNumber request) = 0;
  virtual void on_refused(const Node& node, const raft::Refuse& refusal) = 0;
  // The process ended, by whatever cause.
  virtual void on_ended(Node& node) = 0;
};

struct Environment {
  const RunOptions& options;
  Schedule& schedule;
  Report& report;
  Surroundings& surroundings;
};

class Node {
 public:
  // `first`: one of the first members of the cluster; else it joins an existing one.
  Node(Environment& environment, raft::NodeId id, bool first);

  // Where it is down. It may fail to start, and end again, or be refused for good.
  void start();
  // Where it is down, before a start: perhaps its disk is damaged.
  void damage();
  // Where it is down: everything on its disk is lost. `joins`: its settings say that it joins a
  // cluster, and no longer that it is one of the first members.
  void wipe(bool joins);
  void end(End end);
  void pause(Microseconds length);
  // Its disk is full in a moment, whether it runs or not, for so long.
  void fill_disk(Microseconds length);
  // Nothing that is written from now on is ever done.
  void hang_disk() { hung_ = true; }
  void jump_clock(raft::Milliseconds ahead);
  [[nodiscard]] raft::Milliseconds clock() const;  // its own
  // Disks work and are quick from now on, and pauses end.
  void heal(Microseconds delay_max_us);

  // Into the mailbox, where the node runs.
  template <typename Kind>
  void receive(Kind event) {
    if (!runs()) return;
    if constexpr (std::is_same_v<Kind, raft::Event>) {
      mailbox_.push_back(std::move(event));
    } else {
      mailbox_.emplace_back(std::in_place_type<Kind>, std::move(event));
    }
    plan_turn();
  }
  // The number of the next request: rising, also over restarts.
  [[nodiscard]] raft::RequestNumber next_request() {
    return (starts_ << raft::kRequestCounterBits) | ++requests_;
  }

  [[nodiscard]] raft::NodeId id() const { return id_; }
  [[nodiscard]] bool runs() const { return server_ != nullptr; }
  // Its data directory is damaged, and it says so: it never runs again.
  [[nodiscard]] bool refused() const { return refused_; }
  [[nodiscard]] const raft::State& state() const { return server_->state(); }
  [[nodiscard]] raft::Status status() const { return server_->status(); }
  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] const StateMachine& machine() const { return *machine_; }
  // Since the world began, those included for which nobody waits any more.
  [[nodiscard]] std::uint64_t reads_done() const { return reads_done_; }
  [[nodiscard]] raft::Member description() const;
  [[nodiscard]] std::uint64_t starts() const { return starts_; }

 private:
  // What the event handler has for the log writer in one turn.
  struct LogOrders {
    std::optional<raft::Persist> persist;
    std::vector<raft::FetchEntries> fetches;
  };
  // Work of the state machine, in the order in which the core handed it out.
  struct Work {
    std::optional<raft::InstallSnapshotContent> install;
    std::vector<raft::CommittedEntry> entries;
    std::vector<raft::RequestNumber> reads;
    std::optional<raft::TakeSnapshot> take_snapshot;
  };

  // Later, unless the process ends first; a paused node does it when it wakes.
  template <typename Function>
  void later(Microseconds delay, Function action) {
    environment_.schedule.after(delay, [this, life = lives_, action = std::move(action)]() mutable {
      if (life != lives_) return;
      const Microseconds now = environment_.schedule.now();
      if (now < paused_until_) {
        later(paused_until_ - now, std::move(action));
      } else {
        action();
      }
    });
  }
  class MachineAtStart;
  [[nodiscard]] raft::Options core_options();
  void run(raft::Restored restored);
  void tick();
  void plan_turn();
  void turn();
  void note_event(const raft::Event& event);
  void carry_out(raft::Effects effects);
  void begin_writing();
  void take_orders(std::size_t count);
  void finish_writing();
  void look_at_disk();
  void prepare_ahead();
  void on_disk_fault(const storage::DiskFault& fault);
  void plan_work();
  void work();
  void apply(const std::vector<raft::CommittedEntry>& entries);
  [[nodiscard]] bool install(raft::Index index);
  [[nodiscard]] bool start_is_interrupted();
  [[nodiscard]] raft::Restored open(bool interrupted);
  void load_snapshot(raft::Restored& restored);
  void note_vouching();
  // The keeper of snapshots.
  void take_snapshot(const raft::TakeSnapshot& order);
  template <typename Step>
  void write_snapshot(Step step);
  void write_snapshot_part();
  void store_chunk(const raft::StoreSnapshotChunk& chunk);
  void fetch_chunk(const raft::FetchSnapshotChunk& wanted);
  void store_first_configuration(const raft::Configuration& configuration);
  void carry_out_snapshot_orders(raft::Effects& effects);
  template <typename Function>
  void on_disk(Function action);
  [[nodiscard]] Microseconds draw_sync();

  Environment& environment_;
  raft::NodeId id_;
  base::Random random_;
  base::Random repair_random_;  // of whether a start that repairs is interrupted
  std::int64_t drift_per_mille_;
  raft::Milliseconds jumped_ms_ = 0;
  std::optional<Microseconds> booted_at_;  // where its clock began anew
  DiskOptions disk_options_;
  Microseconds apply_delay_us_;
  Disk disk_;
  bool first_;
  bool refused_ = false;
  bool healed_ = false;
  bool hung_ = false;
  std::unique_ptr<raft::Server> server_;
  std::deque<raft::Event> mailbox_;
  bool turn_planned_ = false;
  bool awake_ = false;
  std::deque<LogOrders> orders_;  // wait for the log writer
  bool writing_ = false;
  bool without_room_ = false;                // the first of the group finds none
  std::vector<raft::Persist> group_;         // it is being carried out
  std::vector<raft::FetchEntries> fetches_;  // to be served after it
  std::deque<Work> work_;
  std::uint64_t reads_done_ = 0;
  bool work_planned_ = false;
  std::shared_ptr<database::MemoryImage> image_;  // what an end leaves of the state machine
  std::unique_ptr<StateMachine> machine_;
  std::unique_ptr<database::SnapshotReader> reader_;  // of the snapshot that is being taken
  raft::DiskSpace space_ = raft::DiskSpace::kEnough;  // as told to the core
  Microseconds look_due_ = 0;
  std::uint64_t fills_ = 0;  // so often was its disk filled
  Microseconds paused_until_ = 0;
  Microseconds kept_at_ = 0;  // when the keeper of snapshots has done all that it was given
  std::uint64_t starts_ = 0;
  std::uint64_t requests_ = 0;  // in this start
  std::uint64_t lives_ = 0;     // starts and ends: plans of an earlier life are void
};

}  // namespace sim
