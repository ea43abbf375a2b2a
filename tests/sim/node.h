// Node: one member of the simulated cluster: the real core with a disk, a clock, a mailbox and a
// state machine around it, as the actors of the product stand around it. It may crash, which
// loses everything but what its disk kept, and it may be paused, as a stopped process is.
//
// What concerns more than this node goes to Surroundings: the network, the clients, the checks.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "base/random.h"
#include "disk.h"
#include "options.h"
#include "raft/server.h"
#include "raft/state.h"
#include "register_machine.h"
#include "report.h"
#include "schedule.h"

namespace sim {

class Node;

class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // The core made a step, or handed out the effects of a turn.
  virtual void on_stepped(const Node& node) = 0;
  virtual void on_hard_state_durable(const Node& node) = 0;
  // A message leaves the node.
  virtual void on_sent(const Node& node, const raft::Send& send) = 0;
  // About to be applied.
  virtual void on_apply(const Node& node, const raft::Entry& entry) = 0;
  // The ends of requests.
  virtual void on_written(const Node& node, raft::RequestNumber request, raft::Index index) = 0;
  virtual void on_read(const Node& node, raft::RequestNumber request) = 0;
  virtual void on_refused(const Node& node, const raft::Refuse& refusal) = 0;
};

struct Environment {
  const RunOptions& options;
  Schedule& schedule;
  base::Random& random;
  Report& report;
  Surroundings& surroundings;
};

class Node {
 public:
  Node(Environment& environment, raft::NodeId id);

  void start();
  void crash();
  void pause(Microseconds length);
  // Syncs and applying take at most so long from now on, and pauses end.
  void heal(Microseconds delay_max_us);

  // Into the mailbox, where the node runs.
  template <typename Kind>
  void receive(Kind event) {
    if (!runs()) return;
    mailbox_.emplace_back(std::in_place_type<Kind>, std::move(event));
    plan_turn();
  }
  // The number of the next request: rising, also over restarts.
  [[nodiscard]] raft::RequestNumber next_request() {
    return (starts_ << raft::kRequestCounterBits) | ++requests_;
  }

  [[nodiscard]] raft::NodeId id() const { return id_; }
  [[nodiscard]] bool runs() const { return server_ != nullptr; }
  [[nodiscard]] const raft::State& state() const { return server_->state(); }
  [[nodiscard]] raft::Status status() const { return server_->status(); }
  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] const RegisterMachine& machine() const { return machine_; }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }

 private:
  // Work of the state machine, in the order in which the core handed it out.
  struct Work {
    std::vector<raft::CommittedEntry> entries;
    std::vector<raft::RequestNumber> reads;
  };

  // Later, unless the node crashes first; a paused node does it when it wakes.
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
  [[nodiscard]] raft::Milliseconds clock() const;
  void tick();
  void plan_turn();
  void turn();
  void carry_out(raft::Effects effects);
  void write_to_disk();
  void finish_writing();
  void fetch(const raft::FetchEntries& wanted);
  void plan_work();
  void work();
  [[nodiscard]] Microseconds draw_sync();

  Environment& environment_;
  raft::NodeId id_;
  std::int64_t drift_per_mille_;
  DiskOptions disk_options_;
  Microseconds apply_delay_us_;
  Disk disk_;
  std::unique_ptr<raft::Server> server_;
  std::deque<raft::Event> mailbox_;
  bool turn_planned_ = false;
  bool awake_ = false;
  std::deque<Work> work_;
  bool work_planned_ = false;
  RegisterMachine machine_;
  raft::Index flushed_index_ = 0;  // of the state machine: what a crash leaves of it
  Microseconds paused_until_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t requests_ = 0;  // in this start
  std::uint64_t lives_ = 0;     // starts and crashes: plans of an earlier life are void
};

}  // namespace sim
