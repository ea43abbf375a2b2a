// Client: requests in flight to a cluster, through a DEALER to one node at a time. It moves on to
// another node when one does not answer, and straight to the leader when a reply names it.
//
// What is sent again by itself, until a request's time is over:
//   - anything that a node says it did not take (`no_leader`, `busy`);
//   - reads, what else changes nothing, and writes with a name of a session, whenever no answer
//   came;
//   - `set` and `delete` when their outcome is unknown, unless `resend_writes` is off: they leave
//     the same state when they take effect twice, but a version may rise by two, and a write of
//     another client that fell between the two is overwritten;
//   - `publish` and changes of the members never, once a node may have taken them.
//
// One thread. Turns are driven by the owner: nothing happens outside of turn() and call().
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>
#include <zmq.hpp>

#include "client/reply.h"
#include "client/request.h"

namespace client {

using Clock = std::chrono::steady_clock;

struct Options {
  std::vector<std::string> endpoints;  // of nodes' `client` sockets; at least one
  std::chrono::milliseconds timeout;   // of one request, over all its attempts, if it has no own
  bool resend_writes = true;
};

struct Outcome {
  std::optional<Reply> reply;  // the last answer of a node: a success, or an error that stands
  std::string failure;         // where there is none: a sentence
  std::string endpoint;        // of the node that answered
  bool resent = false;         // an earlier attempt may have taken effect too

  [[nodiscard]] bool ok() const { return reply && reply->ok(); }
};

class Client {
 public:
  using Done = std::function<void(Outcome)>;

  Client(zmq::context_t& context, Options options);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // `done` is called once, in a later turn. It may submit, but not turn.
  void submit(Request request, Done done, std::optional<std::chrono::milliseconds> timeout = {});
  [[nodiscard]] std::size_t in_flight() const { return pending_.size(); }
  // Sends what is due and hands out what has arrived; returns at the latest after `wait`, earlier
  // when something happened or one of `descriptors` is readable.
  void turn(std::chrono::milliseconds wait, std::span<const int> descriptors = {});
  // One request and its outcome, with nothing else in flight.
  [[nodiscard]] Outcome call(Request request,
                             std::optional<std::chrono::milliseconds> timeout = {});

  // The node that the next request goes to, for messages to people.
  [[nodiscard]] std::string current_endpoint() const;

 private:
  struct Link;
  struct Pending;

  void send_due();
  bool send_one(std::uint64_t id, Pending& pending);
  void open_link();
  void poll(std::chrono::milliseconds wait, std::span<const int> descriptors);
  int receive(Link& link);  // how many messages; more may wait
  void on_reply(Link& link, const std::string& frame);
  void on_error(Link& link, std::uint64_t id, Pending& pending, Reply reply);
  void follow_hint(const Link& link, const Pending& pending, const Reply& reply);
  void tend_links();
  [[nodiscard]] bool is_dead(Link& link, Clock::time_point now);
  void abandon(Link& link);
  void lose(std::uint64_t id, Pending& pending, const std::string& endpoint);
  void expire();
  void wait_until(std::uint64_t id, Pending& pending, Clock::time_point due);
  void finish(std::uint64_t id, Outcome outcome);

  zmq::context_t& context_;
  const Options options_;
  std::uint64_t last_id_ = 0;
  std::unordered_map<std::uint64_t, Pending> pending_;
  std::deque<std::pair<Clock::time_point, std::uint64_t>> deadlines_;  // in order; may be done
  std::multimap<Clock::time_point, std::uint64_t> waiting_;            // to be sent when due
  std::vector<std::unique_ptr<Link>> links_;
  Link* current_ = nullptr;            // of links_; the others await their last replies
  std::size_t next_endpoint_ = 0;      // of options_.endpoints, round and round
  std::size_t opened_ = 0;             // since a node was last heard
  std::optional<std::string> hinted_;  // where the next link goes before all others
  Clock::time_point hints_from_;       // hints are not followed before this
};

}  // namespace client
