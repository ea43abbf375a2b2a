#include "network.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "codec/peer_codec.h"

namespace sim {
namespace {

constexpr const char* kCluster = "simulation";

}  // namespace

Network::Network(const RunOptions& options, Schedule& schedule, Report& report, Deliver deliver,
                 IdentityOf identity_of)
    : options_(options.network),
      nodes_(all_nodes(options)),
      schedule_(schedule),
      random_(options.seed ^ 0x6e6574776f726b),
      report_(report),
      deliver_(std::move(deliver)),
      identity_of_(std::move(identity_of)),
      cut_((nodes_ + 1) * (nodes_ + 1)),
      deaf_(nodes_ + 1),
      mute_(nodes_ + 1),
      flap_random_(options.seed ^ 0x666c6170),
      stalled_(nodes_ + 1),
      last_arrival_(cut_.size()) {}

void Network::send(raft::NodeId from_node, const raft::Send& send) {
  const raft::Peer from{from_node, identity_of_(from_node)};
  ++report_.statistics.messages;
  const bool cut = cut_[link(from.id, send.to.id)];
  if (cut && holds_) {
    held_.push_back({from, send});
    return;
  }
  if (stalled_[send.to.id] && !cut && raft::is_bulk(send.message)) {
    held_bulk_.push_back({from, send});
    return;
  }
  if (cut || deaf_[send.to.id] || mute_[from.id] || flaps_now(link(from.id, send.to.id)) ||
      random_.chance(options_.loss_per_mille, 1000) ||
      is_last_loss(link(from.id, send.to.id), send.message)) {
    ++report_.statistics.messages_lost;
    return;
  }
  carry(from, send);
  if (random_.chance(options_.duplicate_per_mille, 1000)) {
    ++report_.statistics.messages_doubled;
    carry(from, send);
  }
}

void Network::flap(Microseconds length) {
  ++report_.statistics.flaps;
  const Microseconds now = schedule_.now();
  std::erase_if(flaps_, [now](const Flap& each) { return each.until <= now; });
  const raft::NodeId one = flap_random_.between(1, nodes_);
  const raft::NodeId other = flap_random_.between(1, nodes_);
  const Microseconds period = flap_random_.between(5'000, 500'000);
  const bool one_way = flap_random_.chance(1, 3);
  flaps_.push_back({link(one, other), period, now + length});
  if (!one_way) flaps_.push_back({link(other, one), period, now + length});
  report_.note(kWorld, "lets the link from node {} to node {} flap, every {} us", one, other,
               period);
}

bool Network::flaps_now(std::size_t link) const {
  const Microseconds now = schedule_.now();
  return std::any_of(flaps_.begin(), flaps_.end(), [&](const Flap& each) {
    return each.link == link && now < each.until && now % each.period < each.period / 2;
  });
}

bool Network::is_last_loss(std::size_t link, const raft::Message& message) {
  if (!loses_last_ || !sent_since_healed_.emplace(link, message.index()).second) return false;
  const bool lost = random_.chance(1, 2);
  last_losses_ += lost ? 1 : 0;
  return lost;
}

Microseconds Network::draw_delay() {
  if (random_.chance(options_.long_delay_per_mille, 1000)) {
    ++report_.statistics.messages_late;
    return random_.between(options_.delay_min_us, options_.long_delay_ms * 1000);
  }
  return random_.between(options_.delay_min_us, options_.delay_max_us);
}

void Network::carry(const raft::Peer& from, const raft::Send& send) {
  Microseconds arrival = schedule_.now() + draw_delay();
  if (options_.in_order) {
    Microseconds& last = last_arrival_[link(from.id, send.to.id)];
    arrival = last = std::max(arrival, last);
  }
  // As in the product: encoded once, decoded where it arrives.
  schedule_.after(arrival - schedule_.now(),
                  [this, to = send.to.id,
                   frames = codec::encode_peer_message({kCluster, from.id, from.identity}, send.to,
                                                       send.message)] { arrive(to, frames); });
}

void Network::arrive(raft::NodeId to, const codec::Frames& frames) {
  auto received =
      codec::decode_peer_message({kCluster, to, identity_of_(to)}, codec::PeerLimits{}, frames);
  if (const auto* refusal = std::get_if<codec::Refusal>(&received)) {
    require(refusal->reason == codec::PeerRefusal::kOtherIdentity,
            "what a node sends is understood: node {} refuses: {}", to, refusal->detail);
    ++report_.statistics.wrong_directory;
    return;
  }
  auto& understood = std::get<codec::PeerMessage>(received);
  deliver_(to, {understood.from, std::move(understood.message), understood.addressed});
}

void Network::partition(std::optional<raft::NodeId> leader) {
  ++report_.statistics.partitions;
  heal_partition();
  holds_ = random_.chance(1, 2);
  const std::uint64_t kind = random_.between(0, 3);
  const bool one_way = random_.chance(1, 3);
  const bool is_leader = random_.chance(1, 2) && leader;
  const raft::NodeId alone = is_leader ? *leader : random_.between(1, nodes_);
  std::uint64_t links = 0;
  std::vector<bool> side(nodes_ + 1);
  for (raft::NodeId node = 1; node <= nodes_; ++node) {
    side[node] = kind == 0 ? node == alone : random_.chance(1, 2);
  }
  for (raft::NodeId from = 1; from <= nodes_; ++from) {
    for (raft::NodeId to = 1; to <= nodes_; ++to) {
      const bool between_sides = one_way ? side[from] && !side[to] : side[from] != side[to];
      const bool cut = kind == 3 ? random_.chance(1, 3) : between_sides;
      if (from != to) cut_[link(from, to)] = cut;
      links += from != to && cut ? 1 : 0;
    }
  }
  report_.note_named(kWorld, "cuts {0} links, {3}",
                     holds_ ? "they hold what is sent" : "they lose it", links);
}

void Network::isolate(raft::NodeId node) {
  hold(node);
  holds_ = random_.chance(1, 2);
}

void Network::hold(raft::NodeId node) {
  ++report_.statistics.partitions;
  heal_partition();
  holds_ = true;
  for (raft::NodeId other = 1; other <= nodes_; ++other) {
    cut_[link(node, other)] = cut_[link(other, node)] = other != node;
  }
  report_.note(kWorld, "cuts node {} off", node);
}

void Network::hold_to(raft::NodeId node) {
  ++report_.statistics.partitions;
  heal_partition();
  holds_ = true;
  for (raft::NodeId other = 1; other <= nodes_; ++other) cut_[link(other, node)] = other != node;
  report_.note(kWorld, "holds what is sent to node {}", node);
}

void Network::hold_from_too(raft::NodeId node) {
  for (raft::NodeId other = 1; other <= nodes_; ++other) cut_[link(node, other)] = other != node;
  report_.note(kWorld, "holds what node {} sends", node);
}

void Network::give_to(raft::NodeId node) {
  for (raft::NodeId other = 1; other <= nodes_; ++other) cut_[link(other, node)] = false;
  report_.note(kWorld, "gives what was sent to node {}", node);
  give(held_, node);
}

void Network::give(std::vector<Held>& all, raft::NodeId node) {
  std::vector<Held> others;
  for (Held& held : std::exchange(all, {})) {
    if (held.send.to.id == node) {
      carry(held.from, held.send);
    } else {
      others.push_back(std::move(held));
    }
  }
  all = std::move(others);
}

void Network::heal_partition() {
  cut_.assign(cut_.size(), false);
  for (const Held& held : std::exchange(held_, {})) carry(held.from, held.send);
}

void Network::stall(raft::NodeId node) {
  ++report_.statistics.stalls;
  stalled_[node] = true;
  report_.note(kWorld, "holds the bulk for node {}", node);
}

void Network::end_stall(raft::NodeId node) {
  stalled_[node] = false;
  give(held_bulk_, node);
}

void Network::heal(Microseconds delay_max_us) {
  heal_partition();
  for (raft::NodeId node = 1; node <= nodes_; ++node) end_stall(node);
  flaps_.clear();
  last_arrival_.assign(last_arrival_.size(), 0);
  loses_last_ = options_.loss_per_mille > 0;
  options_.loss_per_mille = 0;
  options_.duplicate_per_mille = 0;
  options_.long_delay_per_mille = 0;
  options_.delay_max_us = std::min(options_.delay_max_us, delay_max_us);
  options_.delay_min_us = std::min(options_.delay_min_us, options_.delay_max_us);
}

}  // namespace sim
