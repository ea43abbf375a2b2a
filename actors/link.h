// Link: how one actor talks to one other. A pair of typed ends over an inproc PAIR; each end says
// what it sends and what it receives, and belongs to one actor. A message is one ZeroMQ message
// whose content is an object on the heap: sending hands the object over, nothing is encoded or
// copied, and ZeroMQ frees what is still undelivered when the ends close.
//
// Sending never waits (B6, B7). A link without a mark must arrive, and what bounds it is said
// where it is made (actors/wiring.cpp); on a link with a mark a message that finds it full is
// dropped, and the sender counts it.
//
// Ends that are used on one thread need no wake-up: they count what is under way, and a message
// costs no system call.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <zmq.hpp>

#include "actors/input.h"

namespace actors {

// The message type of a direction that nobody uses.
struct Nothing {};

// No mark: whatever is sent arrives.
inline constexpr std::size_t kMustArrive = 0;

enum class Ends { kApart, kOnOneThread };

namespace detail {

// A link without a mark refuses nothing.
void check_arrives(bool sent, const std::string& link);

// Two connected PAIR sockets; `mark` bounds the messages under way in each direction.
[[nodiscard]] std::pair<zmq::socket_t, zmq::socket_t> connected_pair(zmq::context_t& context,
                                                                     const std::string& name,
                                                                     std::size_t mark);

}  // namespace detail

template <typename Sent, typename Taken>
class Link {
 public:
  Link(zmq::socket_t socket, std::string name)
      : socket_(std::move(socket)), name_(std::move(name)) {}
  // On one thread with the other end; `mark` bounds what it sends.
  Link(zmq::socket_t socket, std::string name, UnderWay sent, UnderWay taken, std::size_t mark)
      : socket_(std::move(socket), std::move(taken)),
        name_(std::move(name)),
        sent_(std::move(sent)),
        mark_(mark) {}

  // On a link that must arrive.
  void send(Sent message) { detail::check_arrives(offer(std::move(message)), name_); }

  // On a link with a mark: false where it is full, and the message is dropped.
  [[nodiscard]] bool offer(Sent message) {
    if (sent_ != nullptr && mark_ != kMustArrive && *sent_ >= mark_) return false;
    zmq::message_t envelope = wrap(std::move(message));
    if (socket_.send(envelope, false) != SendResult::kSent) return false;
    if (sent_ != nullptr) ++*sent_;
    return true;
  }

  // The next message, if one waits.
  [[nodiscard]] std::optional<Taken> receive() {
    zmq::message_t envelope;
    if (!socket_.receive(envelope)) return std::nullopt;
    return std::move(*static_cast<Taken*>(envelope.data()));
  }

  [[nodiscard]] bool readable() { return socket_.readable(); }
  [[nodiscard]] InputSocket& input() { return socket_; }

 private:
  static zmq::message_t wrap(Sent message) {
    auto object = std::make_unique<Sent>(std::move(message));
    const auto release = [](void* content, void*) { delete static_cast<Sent*>(content); };
    zmq::message_t envelope(object.get(), sizeof(Sent), release);
    static_cast<void>(object.release());
    return envelope;
  }

  InputSocket socket_;
  std::string name_;
  UnderWay sent_;  // null: ends apart, where the socket has the mark
  std::size_t mark_ = kMustArrive;
};

// The two ends of a link: `near` sends Forward, `far` sends Backward.
template <typename Forward, typename Backward = Nothing>
struct LinkEnds {
  Link<Forward, Backward> near;
  Link<Backward, Forward> far;
};

// `name` is unique within the context: "sender/receiver".
template <typename Forward, typename Backward = Nothing>
[[nodiscard]] LinkEnds<Forward, Backward> make_link(zmq::context_t& context,
                                                    const std::string& name, std::size_t mark,
                                                    Ends ends = Ends::kApart) {
  if (ends == Ends::kApart) {
    auto [near, far] = detail::connected_pair(context, name, mark);
    return {{std::move(near), name}, {std::move(far), name}};
  }
  auto [near, far] = detail::connected_pair(context, name, kMustArrive);
  const auto forward = std::make_shared<std::size_t>(0);
  const auto backward = std::make_shared<std::size_t>(0);
  return {{std::move(near), name, forward, backward, mark},
          {std::move(far), name, backward, forward, mark}};
}

}  // namespace actors
