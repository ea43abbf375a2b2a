// World: one run. It puts a cluster, its network and its clients together, lets faults happen as
// the options say, then heals at least a majority and sees whether the cluster recovers. The seed
// alone decides everything: same options, same trace.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "checks.h"
#include "clients.h"
#include "network.h"
#include "node.h"
#include "options.h"
#include "report.h"
#include "schedule.h"

namespace sim {

struct RunResult {
  std::string failure;  // empty: everything held
  std::uint64_t hash = 0;
  Statistics statistics;
};

class World : private Surroundings {
 public:
  explicit World(const RunOptions& options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Once.
  [[nodiscard]] RunResult run();
  // What a reader of a failure needs: the options and the last events.
  [[nodiscard]] std::string story() const;

 private:
  void on_stepped(const Node& node) override { checks_.on_stepped(node); }
  void on_hard_state_durable(const Node& node) override { checks_.on_hard_state_durable(node); }
  void on_sent(const Node& node, const raft::Send& send) override;
  void on_apply(const Node& node, const raft::Entry& entry) override {
    checks_.on_apply(node, entry);
  }
  void on_written(const Node& node, raft::RequestNumber request, raft::Index index) override {
    clients_.on_written(node, request, index);
  }
  void on_read(const Node& node, raft::RequestNumber request) override {
    clients_.on_read(node, request);
  }
  void on_refused(const Node& node, const raft::Refuse& refusal) override {
    clients_.on_refused(node, refusal);
  }

  // The first phase: faults, each again and again at random moments.
  void repeat(std::uint64_t interval_ms, std::function<void()> fault);
  void crash_some();
  void crash(Node& node);
  void pause_one();
  void partition();

  // The second phase.
  void heal();
  void check_liveness();
  void require_within(Microseconds limit, const char* what, const std::function<bool()>& holds);
  // As long as it takes, while something moves at least once within `limit`.
  void require_progress(Microseconds limit, const char* what, const std::function<bool()>& holds);
  void require_write(Node& node);
  [[nodiscard]] bool is_healed(const Node& node) const { return node.id() > dead_nodes_; }
  [[nodiscard]] bool has_leader() const;
  [[nodiscard]] bool is_idle(const Node& node) const;

  const RunOptions options_;
  Schedule schedule_;
  base::Random random_;
  Report report_;
  Environment environment_;
  Network network_;
  Checks::Nodes nodes_;
  Checks checks_;
  Clients clients_;
  bool healing_ = false;
  raft::NodeId dead_nodes_ = 0;  // the first so many stay down for good in the second phase
};

// Runs one seed's options. A broken CHECK of the core ends the process; its story is printed
// before (see print_story_on_abort).
[[nodiscard]] RunResult run(const RunOptions& options);
// From now on an abort first prints the story of the run under way to stderr.
void print_story_on_abort();

}  // namespace sim
