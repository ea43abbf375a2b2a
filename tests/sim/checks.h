// Checks: what holds across servers, over the whole history of a run. They look at every node
// after every step and compare it with all that was ever seen. Each throws Broken, and names the
// invariant. What holds within one server, the core checks itself (raft/invariants.h).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "broadcast_model.h"
#include "node.h"
#include "session_model.h"

namespace sim {

// Whether `nodes` hold more than half of the voters, of the old ones too where joint: counted here
// for itself, as the core's own way of counting is what is checked.
[[nodiscard]] bool has_majorities(const raft::Configuration& configuration,
                                  const std::set<raft::NodeId>& nodes);

class Checks {
 public:
  using Nodes = std::vector<std::unique_ptr<Node>>;

  Checks(const Nodes& nodes, const RunOptions& options, Report& report)
      : nodes_(nodes), options_(options), report_(report) {}

  void on_stepped(const Node& node);
  void on_hard_state_durable(const Node& node);
  void on_vouching(const Node& node);
  void on_sent(const Node& node, const raft::Send& send);
  void on_apply(const Node& node, const raft::Entry& entry);
  void on_applied(const Node& node, const raft::Entry& entry, const AppliedEntry& applied);
  void on_restored(const Node& node);

  // A write was refused as not taken: it must never be committed, now or later.
  void on_not_taken(std::uint64_t write);
  // Of what is committed.
  [[nodiscard]] raft::Index last_committed() const { return committed_.size(); }
  [[nodiscard]] std::uint64_t write_at(raft::Index index) const {
    return committed_.at(index - 1).write;
  }
  // The entry at `index` is committed, and a majority of the members has it on disk: by the
  // configuration that counted then, or by the one committed last, and by directories.
  void require_on_majority(raft::Index index) const;
  // The entry at `index` is the answer to this.
  void require_changed(raft::Index index, const raft::MembershipChange& change) const;
  // Committed last; the first one before any is.
  [[nodiscard]] const raft::Configuration* committed_configuration() const {
    return committed_configuration_.get();
  }
  [[nodiscard]] bool was_only_voter(raft::NodeId node) const { return only_voters_.contains(node); }
  // Whether the directory that the configuration names is there.
  [[nodiscard]] bool is_intact(const raft::Configuration& configuration, raft::NodeId node) const;
  // The node has everything that is committed, and nothing else, in its log and on its disk.
  [[nodiscard]] bool has_all_committed(const Node& node) const;
  // It has the same state as every other node that has applied as much, down to what it replays.
  void require_same_state(const Node& node);
  // A write is committed only at an index above `floor`: it was asked after that one was answered.
  void expect_above(std::uint64_t write, raft::Index floor) { floors_[write] = floor; }

 private:
  struct Record {
    raft::Term term;
    std::uint64_t checksum;
    std::uint64_t write;                                       // 0: none
    std::shared_ptr<const raft::Configuration> configuration;  // none in other entries
  };
  struct Committed {
    raft::Term term;
    std::uint64_t checksum;
    std::uint64_t write;
    raft::Term by_term;                             // the term in which it was committed
    std::shared_ptr<const raft::Configuration> by;  // the configuration that counted
  };
  // A node as it was after its last step.
  struct View {
    std::uint64_t start = 0;  // 0: never seen
    raft::Role role = raft::Role::kFollower;
    raft::Term term = 0;
    raft::Index commit_index = 0;
    raft::Index base = 0;  // the log begins after it
    std::vector<Record> log;
    std::vector<raft::Index> configurations;  // of it
    // Configuration and snapshot that were looked at last.
    std::pair<std::uint64_t, raft::Index> version_and_index;
    raft::Index snapshot = 0;

    void append(Record record) {
      if (record.configuration != nullptr) configurations.push_back(last() + 1);
      log.push_back(std::move(record));
    }
    void truncate_behind(raft::Index index) {
      log.resize(index - base);
      while (!configurations.empty() && configurations.back() > index) configurations.pop_back();
    }
    [[nodiscard]] raft::Index last() const { return base + log.size(); }
    // None where it is compacted away, or beyond the end.
    [[nodiscard]] const Record* at(raft::Index index) const {
      return index > base && index <= last() ? &log[index - base - 1] : nullptr;
    }
  };

  void restart(const Node& node, View& view);
  void check_log(const raft::State& state, View& view);
  [[nodiscard]] const Record* seen_before(raft::Index index, raft::Term term) const;
  void check_appended(const raft::Entry& entry, const View& view);
  // `after` is appended to the log of this view.
  void check_transition(const View& view, const raft::Configuration& after) const;
  void check_new_leader(const Node& node, const View& view);
  void check_commit(const raft::State& state, const View& view);
  void commit(raft::Index index, const Record& record, const raft::State& by);
  void check_matches(const raft::State& state, const View& view) const;
  void check_limits(const raft::State& state) const;
  void vote(const Node& voter, raft::Term term, raft::NodeId candidate);
  // Whether this view agrees with what is committed at `index`.
  [[nodiscard]] bool has_committed(const View& view, raft::Index index) const;
  [[nodiscard]] bool is_on_majority_of(const raft::Configuration& configuration,
                                       raft::Index index) const;
  void check_state(const Node& node);
  void check_configurations(const raft::State& state, View& view) const;
  void check_in_force(const raft::State& state, View& view) const;
  void check_snapshot(const raft::State& state, View& view) const;
  void check_changes(const raft::State& state, const View& view) const;
  // Committed last up to `index`; none where it is older than all entries.
  [[nodiscard]] const raft::Configuration* committed_configuration_at(raft::Index index) const;
  [[nodiscard]] std::set<raft::NodeId> intact_nodes(
      const raft::Configuration& configuration,
      const std::function<bool(const Node&)>& holds) const;

  const Nodes& nodes_;
  const RunOptions& options_;
  Report& report_;
  std::map<raft::NodeId, View> views_;
  std::map<raft::Term, raft::NodeId> leaders_;
  // Of each data directory, durable or spoken.
  std::map<std::pair<raft::Identity, raft::Term>, raft::NodeId> votes_;
  std::vector<std::vector<Record>> seen_;  // by index - 1
  struct Effect {
    std::uint64_t digest = 0;
    std::optional<std::uint64_t> state_hash;  // where it was looked at
  };
  std::vector<std::optional<Effect>> effects_;  // by applied index - 1
  struct SessionEffect {
    raft::Index index;  // where it took effect first
    std::uint64_t outcome;
    friend bool operator==(const SessionEffect&, const SessionEffect&) = default;
  };
  std::map<SessionSeq, SessionEffect> session_effects_;
  std::set<raft::NodeId> only_voters_;  // of some configuration in a log
  BroadcastModel broadcasts_;
  SessionModel sessions_;
  std::shared_ptr<const raft::Configuration> committed_configuration_;
  std::map<raft::Index, std::shared_ptr<const raft::Configuration>> committed_configurations_;
  std::shared_ptr<const raft::Configuration> committing_;  // that counted last
  std::vector<Committed> committed_;                       // by index - 1
  std::set<std::uint64_t> writes_committed_;
  std::set<std::uint64_t> writes_not_taken_;
  std::map<std::uint64_t, raft::Index> floors_;
};

}  // namespace sim
