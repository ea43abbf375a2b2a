#include "actors/outbound_dispatcher.h"

#include <utility>

#include "base/check.h"

namespace actors {
namespace {

constexpr std::size_t kBatchesPerTurn = 256;
constexpr std::uint64_t kElectionTimeoutsOfPatience = 3;

Lane lane_of(const raft::Message& message) {
  const bool bulk = std::holds_alternative<raft::AppendEntries>(message) ||
                    std::holds_alternative<raft::ForwardCommands>(message);
  return bulk ? Lane::kBulk : Lane::kSmall;
}

// Peers have nothing to say on a lane; what one says all the same is not kept.
void discard_input(zmq::socket_t& socket) {
  zmq::message_t frame;
  while (receive_frame(socket, frame)) {
  }
}

}  // namespace

OutboundDispatcher::OutboundDispatcher(zmq::context_t& context, const settings::Settings& settings,
                                       raft::Milliseconds now, Links links, const Logging& logging,
                                       Counters& counters)
    : context_(context),
      settings_(settings),
      self_{settings.node.cluster, settings.node.id},
      links_(std::move(links)),
      log_(logging, "outbound_dispatcher"),
      counters_(counters),
      now_(now) {
  for (const settings::Member& member : settings.members) {
    if (member.id == settings.node.id) continue;
    peers_.emplace(member.id, Peer{member.peer, connect(Lane::kSmall, member.peer),
                                   connect(Lane::kBulk, member.peer), std::nullopt});
  }
}

std::vector<zmq::pollitem_t> OutboundDispatcher::inputs() {
  return {links_.log_writer.input(), links_.event_handler.input(), links_.heard.input(),
          links_.ticks.input()};
}

void OutboundDispatcher::turn() {
  take_messages(links_.log_writer);
  take_messages(links_.event_handler);
  take_news_of_peers();
  if (const auto tick = links_.ticks.latest()) {
    now_ = tick->now;
    mend_links();
  }
}

void OutboundDispatcher::stop() {
  while (links_.log_writer.readable() || links_.event_handler.readable()) turn();
}

void OutboundDispatcher::take_messages(Link<Nothing, OutboundMessages>& link) {
  for (std::size_t taken = 0; taken < kBatchesPerTurn; ++taken) {
    const auto batch = link.receive();
    if (!batch) return;
    for (const raft::Send& order : batch->sends) send(order);
  }
}

void OutboundDispatcher::send(const raft::Send& order) {
  const auto found = peers_.find(order.to);
  CHECK(found != peers_.end(), "node {}: a message to node {}, which is no member", self_.node,
        order.to);
  Peer& peer = found->second;
  LaneState& lane = lane_of(order.message) == Lane::kBulk ? peer.bulk : peer.small;
  if (send_frames(lane.socket, codec::encode_peer_message(self_, order.to, order.message))) {
    lane.refused_since.reset();
  } else {
    counters_.sends_dropped.add();
    if (!lane.refused_since) lane.refused_since = now_;
  }
  if (!peer.unanswered_since) peer.unanswered_since = now_;
}

bool OutboundDispatcher::send_frames(zmq::socket_t& socket, const codec::Frames& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    zmq::message_t frame = to_frame(frames[i]);
    // The first frame is refused, or all are taken.
    if (send_frame(socket, frame, i + 1 < frames.size()) != SendResult::kSent) return false;
  }
  return true;
}

void OutboundDispatcher::take_news_of_peers() {
  while (const auto heard = links_.heard.receive()) {
    const auto found = peers_.find(heard->peer);
    if (found != peers_.end()) found->second.unanswered_since.reset();
  }
}

void OutboundDispatcher::mend_links() {
  for (auto& [id, peer] : peers_) {
    const bool silent = too_long(peer.unanswered_since);
    if (silent) peer.unanswered_since.reset();
    for (LaneState* lane : {&peer.small, &peer.bulk}) {
      discard_input(lane->socket);
      if (silent || too_long(lane->refused_since)) {
        log_.debug("connects to node {} anew", id);
        reconnect(*lane, peer.endpoint);
      }
    }
  }
}

bool OutboundDispatcher::too_long(const std::optional<raft::Milliseconds>& since) const {
  const auto patience = kElectionTimeoutsOfPatience * settings_.raft.election_timeout_ms;
  return since && now_ - *since >= patience;
}

OutboundDispatcher::LaneState OutboundDispatcher::connect(Lane lane, const std::string& endpoint) {
  zmq::socket_t socket(context_, zmq::socket_type::dealer);
  set_dealer_options(socket, lane, settings_);
  socket.connect(endpoint);
  return {lane, std::move(socket), std::nullopt};
}

void OutboundDispatcher::reconnect(LaneState& lane, const std::string& endpoint) {
  counters_.links_recreated.add();
  lane = connect(lane.lane, endpoint);
}

}  // namespace actors
