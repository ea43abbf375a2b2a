// World: one run. It puts a cluster, its network and its clients together, lets faults happen as
// the options say, then heals at least a majority and sees whether the cluster recovers. The seed
// alone decides everything: same options, same trace.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <set>
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
  bool aborted = false;  // by a CHECK, which has said on stderr what broke
};

class World : private Surroundings {
 public:
  explicit World(const RunOptions& options);
  ~World() override;
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void trace_to(std::FILE* file) { report_.trace_to(file); }
  // Once.
  [[nodiscard]] RunResult run();
  // What a reader of a failure needs: the options and the last events.
  [[nodiscard]] std::string story() const;

 private:
  void on_stepped(const Node& node) override { checks_.on_stepped(node); }
  void on_hard_state_durable(const Node& node) override { checks_.on_hard_state_durable(node); }
  [[nodiscard]] bool was_only_voter(raft::NodeId node) const override {
    return checks_.was_only_voter(node);
  }
  void on_vouching(const Node& node) override { checks_.on_vouching(node); }
  void on_sent(const Node& node, const raft::Send& send) override;
  void on_apply(const Node& node, const raft::Entry& entry) override {
    checks_.on_apply(node, entry);
  }
  void on_applied(const Node& node, const raft::Entry& entry,
                  const AppliedEntry& applied) override {
    checks_.on_applied(node, entry, applied);
  }
  void on_restored(const Node& node) override {
    ++report_.statistics.snapshots_restored;
    checks_.on_restored(node);
  }
  void on_written(const Node& node, raft::RequestNumber request, raft::Index index,
                  const AppliedEntry& applied) override {
    clients_.on_written(node, request, index, applied);
  }
  void on_completed(const Node& node, const raft::Complete& completion) override {
    clients_.on_completed(node, completion);
  }
  void on_read(const Node& node, raft::RequestNumber request) override {
    clients_.on_read(node, request);
  }
  void on_refused(const Node& node, const raft::Refuse& refusal) override {
    clients_.on_refused(node, refusal);
  }
  void on_ended(Node& node) override;

  // The first phase: faults, each again and again at random moments.
  void plan_faults();
  void repeat(std::size_t place);
  void end_some(base::Random& random, End end);
  void partition(base::Random& random);
  [[nodiscard]] std::optional<raft::NodeId> leader() const;
  // Clients go on writing at a leader that was cut off, and the others let their log go.
  void part_logs(base::Random& random, raft::NodeId leader);
  // What is bulk for this node stands still.
  void stall(raft::NodeId node, Microseconds length);
  void change_members(base::Random& random);
  void replace_members(base::Random& random);
  void lose_directories(const std::vector<raft::NodeId>& left, base::Random& random);
  void let_in_again(const std::vector<raft::NodeId>& lost, base::Random& random);
  void ask_for_change(Node& asked, const raft::MembershipChange& change);
  // What matters of a change happens in moments: in one of them the leader is cut off, or falls.
  void disturb_change(base::Random& random);
  void hand_over(base::Random& random);
  // A successor that is told to stand waits for no timeout, so the leader of before has not given
  // up yet. Here it hears of the next one late, and what was on its way to it comes first (A11).
  void disturb_transfer(base::Random& random);
  // The answers to a leader's last heartbeats come late, when it can reach nobody any more (A12).
  void delay_answers(base::Random& random);
  void ask_both_sides(raft::NodeId leader, Microseconds length, base::Random& random);
  void take_snapshot(base::Random& random);
  void take_snapshot(Node& node);
  void fill_disks(base::Random& random);
  [[nodiscard]] Node* running(base::Random& random);
  // A member whose directory is whole.
  [[nodiscard]] bool is_there(const raft::Configuration& configuration, raft::NodeId id) const;
  [[nodiscard]] bool has_majority_there(const raft::Configuration& configuration,
                                        const std::set<raft::NodeId>& voters) const;
  // Every configuration that is in force somewhere, or was committed last.
  [[nodiscard]] std::vector<raft::Configuration> configurations() const;
  // Whether a majority of each is `whole`.
  [[nodiscard]] bool majorities(const std::function<bool(raft::NodeId)>& whole) const;
  [[nodiscard]] bool may_ask_others(raft::NodeId node);
  // Whether this node may lose what it has, and a majority of all that count keeps its own.
  [[nodiscard]] bool may_lose(const Node& node) const;

  // The second phase.
  void heal();
  void check_liveness();
  void require_liveness();
  // What is planned next, where anything is.
  void step();
  // It is a fault where something is late; but for want of a majority: then it throws NotDue.
  template <typename... Arguments>
  void require_in_time(bool in_time, fmt::format_string<Arguments...> format,
                       Arguments&&... arguments);
  // Whether a majority is there that can do all that.
  [[nodiscard]] bool is_due();
  void require_within(Microseconds limit, const char* what, const std::function<bool()>& holds);
  // As long as it takes, while something moves at least once within `limit`.
  void require_progress(Microseconds limit, const char* what, const std::function<bool()>& holds);
  [[nodiscard]] Microseconds wait_for_snapshots() const;
  [[nodiscard]] bool has_converged() const;
  void require_converged();
  void require_leader();
  void require_answer(Node& node, Clients::Ticket (Clients::*ask)(Node&));
  void require_answers();
  void require_done(const char* what, const std::function<void()>& ask,
                    const std::function<bool()>& holds);
  void require_operators_served();
  void require_transferred();
  void require_changed();
  void choose_dead_nodes();
  void break_for_good(Node& node);
  [[nodiscard]] bool may_count(raft::NodeId id) const;
  // It runs, and is a member for good.
  [[nodiscard]] bool is_healed(const Node& node) const;
  [[nodiscard]] bool has_leader() const;
  [[nodiscard]] bool is_settled() const;
  [[nodiscard]] bool is_silent(const Node& node) const;
  [[nodiscard]] bool is_idle(const Node& node) const;

  const RunOptions options_;
  Schedule schedule_;
  // A fault that comes again and again. Each has numbers of its own, so that none is changed by
  // what others are left out.
  struct Repeated {
    std::uint64_t interval_ms;
    base::Random random;
    std::function<void(base::Random&)> happens;
  };
  std::vector<Repeated> faults_;
  base::Random random_;      // of the second phase, and of restarts
  base::Random end_random_;  // of those that stay broken
  Report report_;
  Environment environment_;
  Network network_;
  Checks::Nodes nodes_;
  Checks checks_;
  Clients clients_;
  bool healing_ = false;
  std::set<raft::NodeId> lost_first_;     // whose first directory is gone
  std::vector<bool> dead_;                // by node - 1: stays down for good in the second phase
  std::set<raft::NodeId> waits_in_vain_;  // of those: what it is asked may never have an answer
};

// Runs one seed's options. A broken CHECK of the core ends the process; its story is printed
// before (see print_story_on_abort). `trace`: every event is printed there.
[[nodiscard]] RunResult run(const RunOptions& options, std::FILE* trace = nullptr);
// From now on an abort first prints the story of the run under way to stderr.
void print_story_on_abort();

}  // namespace sim
