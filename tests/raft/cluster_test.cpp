// Random histories of a small cluster whose members come and go: whatever happens, there is one
// history of commands, and in the end everybody has it. What the simulation does at length, and
// with real disks, in seconds and without.
#include "cluster.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "base/random.h"

using namespace raft;  // NOLINT: the words of the paper

namespace {

constexpr NodeId kNodes = 5;

Cluster small_cluster(std::uint64_t seed) {
  return Cluster({1, 2, 3}, [seed](Options& options) {
    options.seed += 100 * seed;
    options.max_append_bytes = 200;
    options.trailing_entries = seed % 4;
    options.snapshot_log_bytes = 400 + 400 * (seed % 3);
    options.log_memory_bytes = 300 + 300 * (seed % 5);
    options.self.priority = seed % 3 == 0 ? static_cast<std::uint32_t>(options.self.id % 2) : 0;
  });
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), cluster_(small_cluster(seed)) {
    cluster_.add(4);
    cluster_.add(5);
  }

  void step() {
    const NodeId id = random_.between(1, kNodes);
    switch (random_.between(0, 15)) {
      case 0:
      case 1:
      case 2:
        cluster_.step(id, CommandSubmitted{++request_, bytes(fmt::format("c{}", request_))});
        break;
      case 3:
        change(id);
        break;
      case 4:
        cluster_.step(id, TransferRequested{++request_, std::nullopt});
        break;
      case 5:
        cluster_.step(id, SnapshotRequested{++request_});
        break;
      case 6:
        cluster_.crash_and_restart(id);
        break;
      case 7:
        cluster_.node(id).disk_held = true;
        break;
      case 8:
        cluster_.release_disk(id);
        break;
      case 9:
        cluster_.cut(id, random_.between(1, kNodes));
        break;
      case 10:
        if (random_.between(0, 2) == 0) cluster_.heal();
        break;
      case 11:
        lose_or_repeat();
        break;
      case 12:
        cluster_.step(id, ReadRequested{++request_});
        break;
      default:
        cluster_.pass(random_.between(1, 40) * 10);
        break;
    }
    check();
  }

  // Everything works again: the cluster has to find back to one history.
  void end() {
    cluster_.heal();
    for (NodeId id = 1; id <= kNodes; ++id) cluster_.release_disk(id);
    cluster_.pass(8000);
    check();
    NodeId leader = 0;
    for (NodeId id = 1; id <= kNodes; ++id) {
      if (cluster_.leads(id) && (leader == 0 || term(id) > term(leader))) leader = id;
    }
    REQUIRE(leader != 0);
    const Configuration& members = cluster_.state(leader).configuration();
    REQUIRE_FALSE(members.joint());
    REQUIRE(members.goal.empty());
    for (const Member& member : members.members) {
      CAPTURE(member.id);
      REQUIRE(cluster_.node(member.id).content == history_);
      REQUIRE(cluster_.state(member.id).configuration() == members);
    }
  }

 private:
  void change(NodeId id) {
    MembershipChange change;
    for (NodeId node = 1; node <= kNodes; ++node) {
      switch (random_.between(0, 9)) {
        case 0:
        case 1:
          change.add_voters.push_back(member_of(node));
          break;
        case 2:
          change.add_learners.push_back(member_of(node));
          break;
        case 3:
          change.remove.push_back(node);
          break;
        default:
          break;
      }
    }
    cluster_.step(id, ChangeSubmitted{++request_, std::move(change)});
  }

  void lose_or_repeat() {
    auto& network = cluster_.network;
    if (network.empty()) return;
    const auto place = static_cast<std::ptrdiff_t>(random_.between(0, network.size() - 1));
    if (random_.between(0, 1) == 0) {
      network.erase(network.begin() + place);
    } else {
      network.push_back(network[static_cast<std::size_t>(place)]);
    }
  }

  // What was applied anywhere is a beginning of what was applied where it is most.
  void check() {
    for (NodeId id = 1; id <= kNodes; ++id) {
      const Commands& content = cluster_.node(id).content;
      const auto common = std::min(content.size(), history_.size());
      for (std::size_t each = 0; each < common; ++each) {
        CAPTURE(id, each);
        REQUIRE(content[each] == history_[each]);
      }
      if (content.size() > history_.size()) history_ = content;
    }
  }

  [[nodiscard]] Term term(NodeId id) { return cluster_.state(id).current_term(); }

  base::Random random_;
  Cluster cluster_;
  Commands history_;
  RequestNumber request_ = 0;
};

}  // namespace

TEST_CASE("history_is_one_whatever_becomes_of_the_members") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    History history(seed);
    for (int step = 0; step < 150; ++step) history.step();
    history.end();
  }
}
