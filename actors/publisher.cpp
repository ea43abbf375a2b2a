#include "actors/publisher.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "actors/broadcasts.h"

namespace actors {
namespace {

constexpr std::size_t kBatchesPerTurn = 64;
// Who subscribes again and again holds up nobody else.
constexpr std::size_t kSubscriptionsPerTurn = 4096;
// Promised is once a second; a little early, as ticks are not exact.
constexpr raft::Milliseconds kStatusIntervalMs = 900;
// Payloads are copied up to this size: one that waits for a slow subscriber would otherwise keep
// the whole block of log entries alive that it is a part of.
constexpr std::size_t kCopyPayloadBelow = 64 * 1024;

}  // namespace

Publisher::Publisher(raft::NodeId node, raft::Index applied_index, zmq::socket_t socket,
                     Links links, const Logging& logging)
    : node_(node),
      socket_(std::move(socket)),
      port_(ListeningPort::For::kSubscribers, socket_, ActorLog(logging, "publisher")),
      links_(std::move(links)),
      applied_index_(applied_index) {}

std::vector<Input> Publisher::inputs() {
  return {links_.state_machine.input(), links_.status.input(), Input::of_time(links_.ticks.input()),
          socket_};
}

void Publisher::turn() {
  take_subscriptions();
  publish_applied();
  if (const auto status = links_.status.latest()) {
    const bool changed = status->standing != status_.standing;
    status_ = *status;
    if (changed) publish_status();
  }
  if (const auto tick = links_.ticks.latest()) {
    port_.look(socket_);
    if (tick->now - status_published_at_ >= kStatusIntervalMs) {
      status_published_at_ = tick->now;
      publish_status();
    }
  }
}

void Publisher::stop() {
  while (links_.state_machine.readable()) turn();
  turn();
}

// zmq_socket(3), ZMQ_XPUB: a byte 1 and the topic. All else that comes is read, and not kept.
void Publisher::take_subscriptions() {
  zmq::message_t frame;
  for (std::size_t taken = 0; taken < kSubscriptionsPerTurn && socket_.receive(frame); ++taken) {
    subscribed_to_ = subscribed_to_ || (!frame.empty() && *frame.data<std::uint8_t>() == 1);
  }
}

void Publisher::publish_applied() {
  BroadcastsPublished published{0};
  for (std::size_t taken = 0; taken < kBatchesPerTurn; ++taken) {
    auto batch = links_.state_machine.receive();
    if (!batch) break;
    for (auto& broadcast : batch->broadcasts) {
      if (!subscribed_to_) break;
      const auto encoded = encode_broadcast(std::move(broadcast));
      publish(encoded.topic, encoded.header, encoded.payload);
    }
    applied_index_ = batch->applied_index;
    published.bytes += batch->bytes;
  }
  if (published.bytes > 0) links_.state_machine.send(published);
}

void Publisher::publish_status() {
  const codec::StatusBroadcast status{.node = node_,
                                      .role = std::string(raft::role_name(status_.standing.role)),
                                      .term = status_.standing.term,
                                      .leader = status_.standing.leader,
                                      .commit_index = status_.commit_index,
                                      .applied_index = applied_index_,
                                      .first_index = status_.first_index};
  publish("raft/status", codec::encode_status_header(status), {});
}

void Publisher::publish(const std::string& topic, const std::string& header,
                        const base::SharedBytes& payload) {
  std::array<zmq::message_t, 3> frames = {zmq::message_t(topic), zmq::message_t(header),
                                          to_frame(payload, kCopyPayloadBelow)};
  for (std::size_t i = 0; i < frames.size(); ++i) {
    // A PUB never refuses: it drops for the subscriber that does not keep up (B15).
    static_cast<void>(socket_.send(frames[i], i + 1 < frames.size()));
  }
}

}  // namespace actors
