// Network: carries messages between nodes, late, twice or never. Faults are data: the rates of
// the run, and a matrix of links that are cut at the moment.
#pragma once

#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"
#include "codec/frames.h"
#include "options.h"
#include "raft/effects.h"
#include "raft/events.h"
#include "report.h"
#include "schedule.h"

namespace sim {

class Network {
 public:
  using Deliver = std::function<void(raft::NodeId to, raft::MessageReceived)>;
  using IdentityOf = std::function<raft::Identity(raft::NodeId)>;  // of its data directory now

  Network(const RunOptions& options, Schedule& schedule, Report& report, Deliver deliver,
          IdentityOf identity_of);

  void send(raft::NodeId from, const raft::Send& send);

  // A new fault, in place of the one before: random groups, one node alone, often the leader,
  // one-way cuts, or a link or two. What is sent over a cut link is lost, or held until the cut
  // heals, as connections that outlive it do: then it comes late, and all at once.
  void partition(std::optional<raft::NodeId> leader);
  // The same for one node alone.
  void isolate(raft::NodeId node);
  // The same, and all that is sent over the cut is held.
  void hold(raft::NodeId node);
  // All that is sent to this node is held, until it is given.
  void hold_to(raft::NodeId node);
  void hold_from_too(raft::NodeId node);
  void give_to(raft::NodeId node);
  void heal_partition();
  // Beside that: a link comes and goes for a while, and what is sent meanwhile is lost. One way, or
  // both.
  void flap(Microseconds length);
  // Beside that: what is bulk for this node is held, and all else passes it by, as it has a
  // connection of its own.
  void stall(raft::NodeId node);
  void end_stall(raft::NodeId node);
  // For good: nothing reaches this node; nothing that it sends arrives.
  void deafen(raft::NodeId node) { deaf_[node] = true; }
  void mute(raft::NodeId node) { mute_[node] = true; }
  // For good: every other link works and is quick. Where messages were lost before, a few more are:
  // of each kind the first one of a link, as whatever is lost has to be sent again.
  void heal(Microseconds delay_max_us);
  // And now none.
  void lose_no_more() { loses_last_ = false; }
  // How many of these there were.
  [[nodiscard]] std::uint64_t last_losses() const { return last_losses_; }

 private:
  struct Held {
    raft::Peer from;
    raft::Send send;
  };
  [[nodiscard]] bool flaps_now(std::size_t link) const;
  [[nodiscard]] bool is_last_loss(std::size_t link, const raft::Message& message);
  void carry(const raft::Peer& from, const raft::Send& send);
  // What is held for this node.
  void give(std::vector<Held>& all, raft::NodeId node);
  void arrive(raft::NodeId to, const codec::Frames& frames);
  [[nodiscard]] Microseconds draw_delay();

  NetworkOptions options_;
  std::uint64_t nodes_;
  Schedule& schedule_;
  base::Random random_;
  Report& report_;
  Deliver deliver_;
  IdentityOf identity_of_;
  [[nodiscard]] std::size_t link(raft::NodeId from, raft::NodeId to) const {
    return from * (nodes_ + 1) + to;
  }
  std::vector<bool> cut_;   // by link
  std::vector<bool> deaf_;  // by node
  std::vector<bool> mute_;  // likewise
  struct Flap {
    std::size_t link;
    Microseconds period;  // half of it the link is there
    Microseconds until;
  };
  std::vector<Flap> flaps_;
  base::Random flap_random_;
  bool loses_last_ = false;
  std::uint64_t last_losses_ = 0;
  std::set<std::pair<std::size_t, std::size_t>> sent_since_healed_;  // link and kind
  bool holds_ = false;
  std::vector<Held> held_;
  std::vector<bool> stalled_;  // by node
  std::vector<Held> held_bulk_;
  std::vector<Microseconds> last_arrival_;  // by link
};

}  // namespace sim
