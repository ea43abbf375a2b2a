// Cluster: a few servers in one thread, with a network and disks that do what the test says. Time
// stands still unless the test moves it. Not random: for stories with a known end.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "raft/server.h"
#include "raft/state.h"

namespace raft {

// A log with one entry for each of `terms`; equal prefixes give equal records.
[[nodiscard]] std::vector<Entry> log_of(const std::vector<Term>& terms);
[[nodiscard]] Restored restored_from(std::vector<Entry> log, HardState hard_state);
[[nodiscard]] base::SharedBytes bytes(std::string_view text);

struct Disk {
  HardState hard_state;
  std::vector<Entry> log;
};

struct TestNode {
  std::unique_ptr<Server> server;
  Disk disk;                   // what a restart would find
  std::deque<Persist> orders;  // handed out, not yet carried out
  bool disk_held = false;      // orders wait until the test releases them
  Index flushed_index = 0;     // of the state machine
  std::vector<CommittedEntry> applied;
  std::vector<RequestNumber> served_reads;
  std::vector<Refuse> refusals;
  std::vector<Trace> traces;
};

struct Envelope {
  NodeId from;
  NodeId to;
  Message message;
};

class Cluster {
 public:
  explicit Cluster(const std::vector<NodeId>& ids, std::function<void(Options&)> adjust = {});

  [[nodiscard]] TestNode& node(NodeId id) { return nodes_.at(id); }
  [[nodiscard]] Server& server(NodeId id) { return *nodes_.at(id).server; }
  [[nodiscard]] const State& state(NodeId id) { return server(id).state(); }
  [[nodiscard]] std::vector<Term> terms(NodeId id);

  // Starts, or starts again, a node from a disk; all that it had not written is lost.
  void start(NodeId id, Disk disk);
  void crash_and_restart(NodeId id);

  // One event as a turn of its own; messages wait in the network.
  void step(NodeId id, Event event);
  // Several events as one turn.
  void turn(NodeId id, std::vector<Event> events);
  void receive(NodeId to, NodeId from, Message message) {
    step(to, MessageReceived{from, std::move(message)});
  }

  // Carries out the orders of a disk, and hands its answers to the server.
  void release_disk(NodeId id);
  // Carries out the first of the orders of a disk that is held.
  void sync_one(NodeId id);
  // Lets a node's clock jump by `duration`, with one tick at the end; messages wait in the network.
  void advance(NodeId id, Milliseconds duration);
  // Delivers all messages, and those they cause, until nothing moves.
  void settle();
  // Moves the time of the named nodes (all: none named), tick by tick, and settles after each.
  void pass(Milliseconds duration, const std::vector<NodeId>& ids = {});
  // Lets `id` stand, with everybody's time standing still, and settles: it leads if it can.
  void elect(NodeId id);
  [[nodiscard]] bool leads(NodeId id) { return state(id).role() == Role::kLeader; }

  void cut(NodeId from, NodeId to) { cut_.insert({from, to}); }
  void isolate(NodeId id);
  void heal() { cut_.clear(); }

  std::deque<Envelope> network;
  std::vector<Envelope> delivered;  // everything that arrived, in order
  // Where set: sees the effects of each turn before they are carried out.
  std::function<void(NodeId, const Effects&)> observe;

 private:
  void carry_out(NodeId id, Effects effects);
  void carry_out_orders(NodeId id);
  void answer_fetch(NodeId id, const FetchEntries& fetch);

  std::vector<NodeId> ids_;
  std::function<void(Options&)> adjust_;
  std::map<NodeId, TestNode> nodes_;
  std::map<NodeId, Milliseconds> now_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::uint64_t seed_ = 1;
};

}  // namespace raft
