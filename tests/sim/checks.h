// Checks: what holds across servers, over the whole history of a run. They look at every node
// after every step and compare it with all that was ever seen. Each throws Broken, and names the
// invariant. What holds within one server, the core checks itself (raft/invariants.h).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "node.h"

namespace sim {

class Checks {
 public:
  using Nodes = std::vector<std::unique_ptr<Node>>;

  Checks(const Nodes& nodes, Report& report) : nodes_(nodes), report_(report) {}

  void on_stepped(const Node& node);
  void on_hard_state_durable(const Node& node);
  void on_sent(const Node& node, const raft::Send& send);
  void on_apply(const Node& node, const raft::Entry& entry);
  void on_applied(const Node& node);

  // A write was refused as not taken: it must never be committed, now or later.
  void on_not_taken(std::uint64_t write);
  // Of what is committed.
  [[nodiscard]] raft::Index last_committed() const { return committed_.size(); }
  [[nodiscard]] std::uint64_t write_at(raft::Index index) const {
    return committed_.at(index - 1).write;
  }
  // The entry at `index` is committed, and a majority has it on disk.
  void require_on_majority(raft::Index index) const;
  // The node has everything that is committed, and nothing else, in its log and on its disk.
  [[nodiscard]] bool has_all_committed(const Node& node) const;
  // A write is committed only at an index above `floor`: it was asked after that one was answered.
  void expect_above(std::uint64_t write, raft::Index floor) { floors_[write] = floor; }

 private:
  struct Record {
    raft::Term term;
    std::uint64_t checksum;
    std::uint64_t write;  // 0: none
  };
  struct Committed {
    raft::Term term;
    std::uint64_t checksum;
    std::uint64_t write;
    raft::Term by_term;  // the term in which it was committed
  };
  // A node as it was after its last step.
  struct View {
    std::uint64_t start = 0;  // 0: never seen
    raft::Role role = raft::Role::kFollower;
    raft::Term term = 0;
    raft::Index commit_index = 0;
    std::vector<Record> log;
  };

  void restart(const Node& node, View& view);
  void check_log(const raft::State& state, View& view);
  [[nodiscard]] const Record* seen_before(raft::Index index, raft::Term term) const;
  void check_appended(const raft::Entry& entry, const View& view);
  void check_new_leader(const Node& node, const View& view);
  void check_commit(const raft::State& state, const View& view);
  void commit(raft::Index index, const Record& record, raft::Term by_term);
  void check_matches(const raft::State& state, const View& view) const;
  void vote(raft::NodeId voter, raft::Term term, raft::NodeId candidate);
  [[nodiscard]] std::size_t disks_with(raft::Index index, std::uint64_t checksum) const;
  [[nodiscard]] std::size_t majority() const { return nodes_.size() / 2 + 1; }

  const Nodes& nodes_;
  Report& report_;
  std::map<raft::NodeId, View> views_;
  std::map<raft::Term, raft::NodeId> leaders_;
  std::map<std::pair<raft::NodeId, raft::Term>, raft::NodeId> votes_;  // durable or spoken
  std::vector<std::vector<Record>> seen_;                              // by index - 1
  std::vector<std::optional<std::uint64_t>> state_hashes_;             // by applied index - 1
  std::vector<Committed> committed_;                                   // by index - 1
  std::set<std::uint64_t> writes_committed_;
  std::set<std::uint64_t> writes_not_taken_;
  std::map<std::uint64_t, raft::Index> floors_;
};

}  // namespace sim
