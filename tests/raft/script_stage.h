// Stage: the cluster that a script drives, and all that a script may do to it. Messages wait in the
// network until they are delivered; a cut link loses what is delivered over it. What the nodes do
// for their clients, and who leads, is told as it happens.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "cluster.h"
#include "script_words.h"

namespace raft {

class Stage {
 public:
  // Nodes 1 to `size`, each with its options adjusted.
  void create(std::size_t size, std::function<void(Options&)> adjust, bool with_hellos);
  // One more, with an empty disk and no cluster.
  void join(NodeId id);
  [[nodiscard]] const std::set<NodeId>& nodes() const { return nodes_; }
  [[nodiscard]] Cluster& cluster();
  [[nodiscard]] const State& state(NodeId id) { return cluster().state(id); }
  [[nodiscard]] bool down(NodeId id) const { return down_.contains(id); }
  void require_up(NodeId id) const;

  void tell(const std::string& line) { told_ += line + "\n"; }
  // All that was told since the last call.
  [[nodiscard]] std::string take_told() { return std::exchange(told_, {}); }

  // Its clock alone moves on, until it stands.
  void stand(NodeId id);
  // The clocks of the others move on until they have forgotten their leader, then `id` stands, and
  // what an election needs is delivered, and nothing else.
  void elect(NodeId id);
  // In ticks of 10 ms; where `deliver`, everything is delivered after each.
  void pass(const std::set<NodeId>& ids, Milliseconds duration, bool deliver);

  void propose(NodeId id, const std::string& text);
  void read(NodeId id, const std::string& name);
  void change(NodeId id, const std::string& name, MembershipChange change);
  void transfer(NodeId id, std::optional<NodeId> target);
  void snapshot(NodeId id);

  void hold_disk(NodeId id);
  void release_disk(NodeId id);
  void sync_one(NodeId id);  // the oldest order of a disk that is held
  // Loses what waits for its disk, or has it on disk without having said so.
  void crash(NodeId id, bool keep_unsynced);
  void restart(NodeId id);
  // Of the log of a node that is down, so many entries are left; its next start says so.
  void damage(NodeId id, std::size_t kept);
  void wipe(NodeId id);  // starts it with a new data directory
  // Starts again, from this disk.
  void start(NodeId id, Disk disk);

  // All messages, and those they cause, until nothing moves.
  void deliver_all();
  // Of those that wait now. These return how many there were.
  std::size_t deliver(const Selection& selection);
  std::size_t drop(const Selection& selection);
  std::size_t duplicate(const Selection& selection);  // the copies come last
  std::size_t delay(const Selection& selection);      // until they are resumed
  void resume();                                      // in front of all that waits
  void cut(const Selection& selection);
  void heal(const Selection& selection);

 private:
  using Cut = std::tuple<NodeId, NodeId, std::string>;  // from, to, kind; no kind: every

  [[nodiscard]] std::deque<Envelope> take(const Selection& selection);
  void deliver_while(const std::function<bool(const Envelope&)>& wanted);
  void arrive(Envelope envelope);
  [[nodiscard]] std::vector<Cut> cuts_of(const Selection& selection) const;
  [[nodiscard]] RequestNumber new_request(NodeId id, const std::string& name);
  void forget_leader(NodeId id);
  void note(NodeId id, const Effects& effects);
  void note_answers(NodeId id, const Effects& effects);
  void note_standing(NodeId id, const Standing& standing);

  std::unique_ptr<Cluster> cluster_;
  std::set<NodeId> nodes_;
  std::set<NodeId> down_;
  std::set<Cut> cuts_;
  std::deque<Envelope> delayed_;
  std::map<NodeId, Term> leading_;  // who leads, as told last
  std::map<RequestNumber, std::string> requests_;
  std::string told_;
};

}  // namespace raft
