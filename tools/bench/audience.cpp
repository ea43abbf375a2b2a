#include "bench/audience.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "bench/reply_scan.h"
#include "client/sockets.h"

namespace bench {
namespace {

constexpr const char* kChanges = "kv/";
constexpr const char* kStatus = "raft/status";
constexpr std::chrono::milliseconds kPoll{20};
// Of one subscriber, before the next has its turn.
constexpr unsigned kMessagesPerTurn = 1000;

}  // namespace

Audience::Audience(const std::vector<std::string>& publishers, std::size_t subscribers)
    : context_(1), unconnected_(subscribers) {
  // ZeroMQ allows 1023 unless told otherwise, and has some of its own.
  context_.set(zmq::ctxopt::max_sockets, static_cast<int>(subscribers) + 100);
  subscribe(publishers, subscribers);
  thread_ = std::thread([this] { run(); });
}

Audience::~Audience() { stop(); }

void Audience::stop() {
  ended_ = true;
  if (thread_.joinable()) thread_.join();
}

// A node takes subscriptions in their order: who hears of its status hears of changes as well.
void Audience::subscribe(const std::vector<std::string>& publishers, std::size_t subscribers) {
  for (std::size_t i = 0; i < subscribers; ++i) {
    zmq::socket_t socket = client::open_subscriber(context_);
    socket.set(zmq::sockopt::subscribe, kChanges);
    socket.set(zmq::sockopt::subscribe, kStatus);
    socket.connect(publishers[i % publishers.size()]);
    subscribers_.push_back({.socket = std::move(socket)});
  }
}

void Audience::run() {
  while (!ended_) {
    listen();
    if (acknowledged_ != kNotYet) settle();
  }
}

void Audience::listen() {
  std::vector<zmq::pollitem_t> items;
  for (Subscriber& subscriber : subscribers_) {
    items.push_back({subscriber.socket.handle(), 0, ZMQ_POLLIN, 0});
  }
  try {
    zmq::poll(items, kPoll);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;  // B17
  }
  for (std::size_t i = 0; i < items.size(); ++i) {
    if ((items[i].revents & ZMQ_POLLIN) != 0) drain(subscribers_[i]);
  }
}

void Audience::drain(Subscriber& subscriber) {
  zmq::message_t topic;
  zmq::message_t header;
  zmq::message_t rest;
  for (unsigned taken = 0; taken < kMessagesPerTurn; ++taken) {
    if (!subscriber.socket.recv(topic, zmq::recv_flags::dontwait)) return;
    if (!topic.more()) continue;
    if (!subscriber.socket.recv(header, zmq::recv_flags::dontwait)) return;
    for (bool more = header.more(); more; more = rest.more()) {
      if (!subscriber.socket.recv(rest, zmq::recv_flags::dontwait)) break;  // B16
    }
    if (topic.to_string_view() == kStatus) {
      take_status(subscriber);
    } else {
      take_change(subscriber, header.to_string_view());
    }
  }
}

void Audience::take_status(Subscriber& subscriber) {
  if (subscriber.connected) return;
  subscriber.connected = true;
  --unconnected_;
  subscriber.socket.set(zmq::sockopt::unsubscribe, kStatus);
}

void Audience::take_change(Subscriber& subscriber, std::string_view header) {
  const auto index = scan_index(header);
  if (!index || *index <= after_ || *index > until_) return;
  if (*index <= subscriber.last) {
    ++subscriber.out_of_order;
    return;
  }
  subscriber.last = *index;
  ++subscriber.received;
  heard_.insert(*index);
}

void Audience::settle() {
  if (!settled_) until_ = std::max<std::uint64_t>(acknowledged_, heard_.highest());
  count_behind();
  settled_ = true;
}

void Audience::count_behind() {
  behind_ = static_cast<std::size_t>(
      std::count_if(subscribers_.begin(), subscribers_.end(),
                    [&](const Subscriber& subscriber) { return subscriber.last < until_; }));
}

Broadcasts Audience::finish(const IndexSet& acknowledged) {
  stop();
  heard_.merge(acknowledged);
  Broadcasts result;
  for (const Subscriber& subscriber : subscribers_) {
    result.received += subscriber.received;
    result.missing += heard_.size() - subscriber.received;
    result.out_of_order += subscriber.out_of_order;
  }
  return result;
}

}  // namespace bench
