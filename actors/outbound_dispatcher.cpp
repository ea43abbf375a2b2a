#include "actors/outbound_dispatcher.h"

#include <utility>

namespace actors {
namespace {

constexpr std::size_t kBatchesPerTurn = 256;
constexpr std::size_t kDiscardedPerTick = 1024;  // frames of one lane
constexpr std::uint64_t kElectionTimeoutsOfPatience = 3;
// All members, and some that come or go.
constexpr std::size_t kMaxPeers = raft::kMaxMembers + 16;
// Who left has been answered by then, who joins has become a member.
constexpr raft::Milliseconds kStrangerKeptMs = 60'000;

// Peers have nothing to say on a lane; what one says all the same is not kept.
void discard_input(zmq::socket_t& socket) {
  zmq::message_t frame;
  for (std::size_t frames = 0; frames < kDiscardedPerTick; ++frames) {
    if (!receive_frame(socket, frame)) return;
  }
}

}  // namespace

OutboundDispatcher::OutboundDispatcher(zmq::context_t& context, const settings::Settings& settings,
                                       codec::PeerIdentity self, raft::Milliseconds now,
                                       Links links, const Logging& logging, Counters& counters)
    : context_(context),
      settings_(settings),
      self_(std::move(self)),
      links_(std::move(links)),
      log_(logging, "outbound_dispatcher"),
      counters_(counters),
      now_(now) {
  const raft::Milliseconds wait_ms = settings.raft.commit_news_wait_ms;
  if (wait_ms > 0) commit_news_.emplace(wait_ms);
}

std::vector<Input> OutboundDispatcher::inputs() {
  std::vector<Input> inputs = {links_.log_writer.input(), links_.event_handler.input(),
                               links_.heard.input(), Input::of_time(links_.ticks.input()),
                               links_.joiner.input()};
  if (commit_news_) inputs.push_back(commit_news_->input());
  return inputs;
}

void OutboundDispatcher::turn() {
  // Taken first and judged last, so that who was heard before it is not taken for silent.
  const auto tick = links_.ticks.latest();
  take_learned_peers();
  // event_handler first: promises may go to whom it has just told of.
  take_messages(links_.event_handler);
  take_messages(links_.log_writer);
  // Last: entries that go now carry the news.
  if (commit_news_) {
    for (const raft::Send& news : commit_news_->take_due()) send(news);
  }
  take_news_of_peers();
  if (tick) {
    now_ = tick->now;
    mend_links();
    forget_strangers();
  }
}

void OutboundDispatcher::stop() {
  while (links_.log_writer.readable() || links_.event_handler.readable()) turn();
  if (!commit_news_) return;
  for (const raft::Send& news : commit_news_->take_all()) send(news);
}

void OutboundDispatcher::take_messages(Link<Nothing, OutboundMessages>& link) {
  for (std::size_t taken = 0; taken < kBatchesPerTurn; ++taken) {
    const auto batch = link.receive();
    if (!batch) return;
    if (batch->members) on_members(batch->members->configuration);
    for (const raft::Member& contact : batch->contacts) on_address(contact.id, contact.peer);
    for (const raft::Send& order : batch->sends) carry_out(order);
  }
}

void OutboundDispatcher::take_learned_peers() {
  while (const auto learned = links_.joiner.receive()) {
    for (const raft::Member& member : learned->members) on_address(member.id, member.peer);
  }
}

void OutboundDispatcher::on_members(const raft::Configuration& configuration) {
  for (auto& [id, peer] : peers_) {
    if (configuration.find(id) != nullptr || peer.configured.empty()) continue;
    peer.configured.clear();
    peer.known_at = now_;
  }
  for (const raft::Member& member : configuration.members) {
    const auto found = peers_.find(member.id);
    // What it said itself may be newer than what the configuration says as before.
    const bool news = found == peers_.end() || found->second.configured != member.peer;
    if (news) on_address(member.id, member.peer);
    const auto peer = peers_.find(member.id);
    if (peer != peers_.end()) peer->second.configured = member.peer;
  }
}

void OutboundDispatcher::on_address(raft::NodeId node, const std::string& endpoint) {
  if (node == self_.node || endpoint.empty()) return;
  const auto found = peers_.find(node);
  try {
    if (found == peers_.end()) {
      add_peer(node, endpoint);
    } else {
      move_peer(node, found->second, endpoint);
    }
  } catch (const zmq::error_t& error) {
    log_.warning("cannot connect to node {} at {}: {}", node, endpoint, error.what());
  }
}

void OutboundDispatcher::add_peer(raft::NodeId node, const std::string& endpoint) {
  if (!make_room()) return;
  Peer peer{endpoint,    connect(Lane::kSmall, endpoint), connect(Lane::kBulk, endpoint), {}, now_,
            std::nullopt};
  peers_.emplace(node, std::move(peer));
  log_.debug("connects to node {} at {}", node, endpoint);
}

void OutboundDispatcher::move_peer(raft::NodeId node, Peer& peer, const std::string& endpoint) {
  peer.known_at = now_;
  if (peer.endpoint == endpoint) return;
  log_.info("node {} is found at {} now, no longer at {}", node, endpoint, peer.endpoint);
  LaneState small = connect(Lane::kSmall, endpoint);
  peer.bulk = connect(Lane::kBulk, endpoint);
  peer.small = std::move(small);
  peer.endpoint = endpoint;
  peer.unanswered_since.reset();
}

// Among more peers than there may be members, someone is a stranger: the one known longest ago
// makes room.
bool OutboundDispatcher::make_room() {
  if (peers_.size() < kMaxPeers) return true;
  auto oldest = peers_.end();
  for (auto each = peers_.begin(); each != peers_.end(); ++each) {
    if (!each->second.configured.empty()) continue;
    if (oldest == peers_.end() || each->second.known_at < oldest->second.known_at) oldest = each;
  }
  if (oldest == peers_.end()) return false;
  peers_.erase(oldest);
  return true;
}

void OutboundDispatcher::forget_strangers() {
  std::erase_if(peers_, [this](const auto& each) {
    const auto& [id, peer] = each;
    const bool forgotten = peer.configured.empty() && now_ - peer.known_at >= kStrangerKeptMs;
    if (forgotten) log_.debug("forgets node {}, which is no member", id);
    return forgotten;
  });
}

void OutboundDispatcher::carry_out(const raft::Send& order) {
  const raft::NodeId to = order.to.id;
  if (commit_news_ && std::holds_alternative<raft::CommitAdvanced>(order.message)) {
    tell_commit(order);
    return;
  }
  if (commit_news_ && std::holds_alternative<raft::ReadIndexReply>(order.message)) {
    // A read waits there until that much is applied.
    if (const auto news = commit_news_->take(to)) send(*news);
  }
  if (!send(order) || !commit_news_) return;
  if (const auto* entries = std::get_if<raft::AppendEntries>(&order.message)) {
    if (!entries->entries.empty()) static_cast<void>(commit_news_->take(to));
  } else if (std::holds_alternative<raft::ForwardCommandsReply>(order.message)) {
    peers_.at(to).waits_for_commit = true;
  }
}

void OutboundDispatcher::tell_commit(const raft::Send& news) {
  const auto peer = peers_.find(news.to.id);
  if (peer == peers_.end() || !std::exchange(peer->second.waits_for_commit, false)) {
    commit_news_->hold(news);
    return;
  }
  static_cast<void>(commit_news_->take(news.to.id));
  send(news);
}

bool OutboundDispatcher::send(const raft::Send& order) {
  const auto found = peers_.find(order.to.id);
  if (found == peers_.end()) {
    counters_.sends_dropped.add();
    return false;
  }
  Peer& peer = found->second;
  LaneState& lane = raft::is_bulk(order.message) ? peer.bulk : peer.small;
  const bool sent =
      send_frames(lane.socket, codec::encode_peer_message(self_, order.to, order.message));
  if (sent) {
    lane.refused_since.reset();
  } else {
    counters_.sends_dropped.add();
    if (!lane.refused_since) lane.refused_since = now_;
  }
  if (!peer.unanswered_since) peer.unanswered_since = now_;
  return sent;
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
    if (found == peers_.end()) continue;
    found->second.unanswered_since.reset();
    found->second.known_at = now_;
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
