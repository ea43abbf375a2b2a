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

// A member whose data directory is its `life`-th; the first has life 1.
[[nodiscard]] Member member_of(NodeId id, std::uint64_t life = 1);

// What a state machine is in these tests: the payloads of all commands, in order.
using Commands = std::vector<std::string>;

struct Disk {
  HardState hard_state;
  std::vector<Entry> log;
  LogPosition base = {};  // the log begins after it
  std::optional<SnapshotHead> snapshot = std::nullopt;
  Commands content = {};                      // of the snapshot
  std::optional<Index> doubt = std::nullopt;  // entries from here on were lost
};

// What the disk is once this order is carried out.
void write(Disk& disk, const Persist& order);

struct TestNode {
  std::unique_ptr<Server> server;
  Disk disk;                            // what a restart would find
  std::uint64_t life = 1;               // of its data directory
  std::deque<Persist> orders;           // handed out, not yet carried out
  bool disk_held = false;               // orders wait until the test releases them
  Index flushed_index = 0;              // of the state machine
  std::vector<CommittedEntry> applied;  // since the start, but for what a snapshot brought
  Commands content;                     // of the state machine
  std::optional<SnapshotHead> offered;  // the snapshot of which parts have come
  std::string receiving;                // and those parts
  std::vector<Complete> completions;
  std::vector<RequestNumber> served_reads;
  std::vector<Refuse> refusals;
  std::vector<Trace> traces;
};

struct Envelope {
  NodeId from;
  NodeId to;
  Message message;
  Identity sender = 0;     // the data directory that sent it
  Identity addressed = 0;  // the one that it is meant for
};

class Cluster {
 public:
  explicit Cluster(const std::vector<NodeId>& ids, std::function<void(Options&)> adjust = {},
                   bool carries_hellos = false);

  [[nodiscard]] TestNode& node(NodeId id) { return nodes_.at(id); }
  [[nodiscard]] Server& server(NodeId id) { return *nodes_.at(id).server; }
  [[nodiscard]] const State& state(NodeId id) { return server(id).state(); }
  [[nodiscard]] std::vector<Term> terms(NodeId id);

  // Starts, or starts again, a node from a disk; all that it had not written is lost.
  void start(NodeId id, Disk disk);
  // A node that is none of the first members, with an empty disk, and no cluster yet.
  void add(NodeId id);
  // The data directory of a node is lost; it starts again with an empty one, as it did first.
  void wipe(NodeId id);
  void crash_and_restart(NodeId id);

  // One event as a turn of its own; messages wait in the network.
  void step(NodeId id, Event event);
  // Several events as one turn.
  void turn(NodeId id, std::vector<Event> events);
  // As from the data directory that the sender has now.
  void receive(NodeId to, NodeId from, Message message) {
    step(to, MessageReceived{{from, identity(from)}, std::move(message), identity(to)});
  }
  [[nodiscard]] Identity identity(NodeId id) const {
    return member_of(id, nodes_.at(id).life).identity;
  }

  // Carries out the orders of a disk, and hands its answers to the server.
  void release_disk(NodeId id);
  // Carries out the first of the orders of a disk that is held.
  void sync_one(NodeId id);
  // Lets a node's clock jump by `duration`, with one tick at the end; messages wait in the network.
  void advance(NodeId id, Milliseconds duration);
  // Lets one message arrive, if its way is not cut and it is meant for the directory that is there.
  void deliver(Envelope envelope);
  // A tick at the present time: what was heard counts as heard now.
  void tick_now(NodeId id);
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
  bool carries_hellos;              // most stories are about what comes after them
  std::vector<Envelope> delivered;  // everything that arrived, in order
  // Where set: sees the effects of each turn before they are carried out.
  std::function<void(NodeId, const Effects&)> observe;

 private:
  void carry_out(NodeId id, Effects effects);
  void carry_out_orders(NodeId id);
  void answer_fetch(NodeId id, const FetchEntries& fetch);
  void answer_snapshot_orders(NodeId id, Effects& effects);
  void store_chunk(NodeId id, const StoreSnapshotChunk& chunk);
  void start_with(NodeId id, Disk disk, std::vector<Member> first_members);
  void post(NodeId from, Send send);

  std::vector<NodeId> ids_;     // the first members
  std::vector<NodeId> joined_;  // those that came later
  std::function<void(Options&)> adjust_;
  std::map<NodeId, TestNode> nodes_;
  std::map<NodeId, Milliseconds> now_;
  std::set<std::pair<NodeId, NodeId>> cut_;
  std::uint64_t seed_ = 1;
};

}  // namespace raft
