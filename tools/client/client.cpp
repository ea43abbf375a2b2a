#include "client/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "client/sockets.h"

namespace client {
namespace {

using std::chrono::milliseconds;

// A node that is there accepts a connection well within this; doubled when all were tried in vain.
constexpr milliseconds kConnectTime{250};
constexpr unsigned kMaxConnectDoublings = 4;
// A node that says nothing for this long while it owes answers is asked for its status, and given
// up when that is not answered in the same time.
constexpr milliseconds kSilence{1000};
constexpr milliseconds kFirstPause{20};
constexpr unsigned kMaxPauseDoublings = 4;
// A hint that led nowhere is not followed again at once (A32).
constexpr milliseconds kHintPause{500};
constexpr std::uint64_t kProbeId = 0;
constexpr int kMaxReceivedInOneTurn = 1000;

milliseconds doubled(milliseconds time, std::size_t times, unsigned limit) {
  return time * (1U << std::min<std::size_t>(times, limit));
}

std::string describe_timeout(const Options& options, milliseconds timeout) {
  std::string text = fmt::format("no answer within {} ms from", timeout.count());
  for (const std::string& endpoint : options.endpoints) text.append(" ").append(endpoint);
  return text;
}

}  // namespace

struct Client::Link {
  std::string endpoint;
  zmq::socket_t socket;
  Clock::time_point give_up_at;   // where not connected
  bool connected = false;         // has been; a DEALER of open_dealer connects once
  Clock::time_point quiet_since;  // the last sign of life, or the first request that waits for one
  std::optional<Clock::time_point> probed_at;  // when it was asked for its status since then
  std::set<std::uint64_t> in_flight;
};

struct Client::Pending {
  Request request;
  Done done;
  milliseconds timeout;
  std::multimap<Clock::time_point, std::uint64_t>::iterator waiting;  // where not in flight
  Link* link = nullptr;                                               // where in flight
  unsigned refusals = 0;
  bool resent = false;
  std::optional<Reply> refusal;  // the last one, for when time runs out
  std::string refused_by;
};

Client::Client(zmq::context_t& context, Options options)
    : context_(context), options_(std::move(options)) {
  CHECK(!options_.endpoints.empty(), "a client without endpoints");
}

Client::~Client() = default;

void Client::submit(Request request, Done done, std::optional<milliseconds> timeout) {
  const std::uint64_t id = ++last_id_;
  request.set_id(id);
  const Clock::time_point now = Clock::now();
  Pending pending;
  pending.request = std::move(request);
  pending.done = std::move(done);
  pending.timeout = timeout.value_or(options_.timeout);
  const std::pair deadline(now + pending.timeout, id);
  // At the end, unless a request has a timeout of its own.
  deadlines_.insert(std::upper_bound(deadlines_.begin(), deadlines_.end(), deadline), deadline);
  wait_until(id, pending_.emplace(id, std::move(pending)).first->second, now);
}

Outcome Client::call(Request request, std::optional<milliseconds> timeout) {
  std::optional<Outcome> outcome;
  submit(
      std::move(request), [&](Outcome reached) { outcome = std::move(reached); }, timeout);
  while (!outcome) turn(milliseconds(100));
  return std::move(*outcome);
}

std::string Client::current_endpoint() const {
  return current_ == nullptr ? "no node" : current_->endpoint;
}

void Client::turn(milliseconds wait, std::span<const int> descriptors) {
  expire();
  send_due();
  poll(wait, descriptors);
  for (std::size_t i = 0; i < links_.size(); ++i) receive(*links_[i]);
  tend_links();
}

void Client::send_due() {
  const Clock::time_point now = Clock::now();
  while (!waiting_.empty() && waiting_.begin()->first <= now) {
    if (current_ == nullptr) open_link();
    if (current_ == nullptr) return;
    const std::uint64_t id = waiting_.begin()->second;
    if (!send_one(id, pending_.at(id))) return;
  }
}

bool Client::send_one(std::uint64_t id, Pending& pending) {
  Link& link = *current_;
  if (!link.connected && !is_writable(link.socket)) return false;
  const auto sent = link.socket.send(zmq::buffer(pending.request.frame), zmq::send_flags::dontwait);
  if (!sent) return false;
  link.connected = true;
  if (link.in_flight.empty()) {
    link.quiet_since = Clock::now();
    link.probed_at.reset();
  }
  link.in_flight.insert(id);
  waiting_.erase(pending.waiting);
  pending.link = &link;
  return true;
}

void Client::open_link() {
  const std::string endpoint =
      hinted_ ? *hinted_ : options_.endpoints[next_endpoint_++ % options_.endpoints.size()];
  hinted_.reset();
  const Clock::time_point now = Clock::now();
  const std::size_t rounds = opened_++ / options_.endpoints.size();
  try {
    links_.push_back(std::make_unique<Link>(Link{
        .endpoint = endpoint,
        .socket = open_dealer(context_, endpoint),
        .give_up_at = now + doubled(kConnectTime, rounds, kMaxConnectDoublings),
        .quiet_since = now,
        .in_flight = {},
    }));
    current_ = links_.back().get();
  } catch (const zmq::error_t&) {
    // No endpoint that could be connected to, from a hint or the user: the turn after this one
    // tries the next.
    current_ = nullptr;
  }
}

void Client::poll(milliseconds wait, std::span<const int> descriptors) {
  std::vector<zmq::pollitem_t> items;
  for (const auto& link : links_) {
    const bool connecting = !link->connected && !waiting_.empty();
    const auto events = static_cast<short>(ZMQ_POLLIN | (connecting ? ZMQ_POLLOUT : 0));
    items.push_back({link->socket.handle(), 0, events, 0});
  }
  for (const int descriptor : descriptors) items.push_back({nullptr, descriptor, ZMQ_POLLIN, 0});
  // Often enough to see a lost connection soon; a pause ends when it is due.
  wait = pending_.empty() ? wait : std::min(wait, milliseconds(50));
  if (!waiting_.empty() && !(current_ != nullptr && !current_->connected)) {
    const auto due = std::chrono::ceil<milliseconds>(waiting_.begin()->first - Clock::now());
    wait = std::clamp(due, milliseconds(1), std::max(wait, milliseconds(1)));
  }
  try {
    zmq::poll(items, wait);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;  // B17
  }
}

int Client::receive(Link& link) {
  int received = 0;
  for (; received < kMaxReceivedInOneTurn; ++received) {
    zmq::message_t frame;
    if (!link.socket.recv(frame, zmq::recv_flags::dontwait)) break;
    const bool alone = !frame.more();
    for (zmq::message_t rest; !alone;) {
      if (!link.socket.recv(rest, zmq::recv_flags::dontwait) || !rest.more()) break;
    }
    if (alone) on_reply(link, frame.to_string());  // what has more frames is no reply
  }
  return received;
}

void Client::on_reply(Link& link, const std::string& frame) {
  auto parsed = Reply::parse(frame);
  if (!parsed) return;
  link.quiet_since = Clock::now();
  link.probed_at.reset();
  opened_ = 0;
  auto id = parsed->fields().integer("id");
  if (id == kProbeId) return;
  // What could not be read has no id to be echoed: it can only be the one in flight.
  if (!id && link.in_flight.size() == 1) id = *link.in_flight.begin();
  if (!id || link.in_flight.erase(*id) == 0) return;
  Pending& pending = pending_.at(*id);
  pending.link = nullptr;
  follow_hint(link, pending, *parsed);
  if (parsed->ok()) {
    return finish(*id, {std::move(*parsed), {}, link.endpoint, pending.resent});
  }
  on_error(link, *id, pending, std::move(*parsed));
}

void Client::on_error(Link& link, std::uint64_t id, Pending& pending, Reply reply) {
  const std::string_view code = reply.error_code();
  const bool not_taken = code == "no_leader" || code == "busy" || code == "disk_full";
  const bool may_resend = pending.request.resend == Resend::kAlways ||
                          (pending.request.resend == Resend::kIdempotent && options_.resend_writes);
  const bool unknown = code == "unknown_outcome";
  if (!not_taken && !(unknown && may_resend)) {
    return finish(id, {std::move(reply), {}, link.endpoint, pending.resent});
  }
  pending.resent |= unknown;
  // This node may be cut off from the leader that others have.
  if (code != "busy" && current_ == &link) current_ = nullptr;
  pending.refusal = std::move(reply);
  pending.refused_by = link.endpoint;
  const auto pause = doubled(kFirstPause, pending.refusals++, kMaxPauseDoublings);
  wait_until(id, pending, Clock::now() + pause);
}

void Client::follow_hint(const Link& link, const Pending& pending, const Reply& reply) {
  if (!pending.request.needs_leader || current_ != &link) return;
  const auto leader = reply.leader_endpoint();
  const Clock::time_point now = Clock::now();
  if (!leader || *leader == link.endpoint || now < hints_from_) return;
  hinted_ = *leader;
  hints_from_ = now + kHintPause;
  current_ = nullptr;
}

void Client::tend_links() {
  const Clock::time_point now = Clock::now();
  for (std::size_t i = 0; i < links_.size();) {
    Link& link = *links_[i];
    const bool dead = is_dead(link, now);
    // A node that ends answers what it holds; that may have come together with the end.
    while (dead && receive(link) == kMaxReceivedInOneTurn) {
    }
    const bool idle = link.in_flight.empty();
    if (dead) abandon(link);
    if (dead || (idle && current_ != &link)) {
      links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
}

bool Client::is_dead(Link& link, Clock::time_point now) {
  if (!is_writable(link.socket)) return link.connected || now >= link.give_up_at;
  link.connected = true;
  if (link.in_flight.empty() || now - link.quiet_since < kSilence) return false;
  // From the question on: this program itself may have stood still before.
  if (link.probed_at) return now - *link.probed_at >= kSilence;
  Request probe = make_status();
  probe.set_id(kProbeId);
  if (link.socket.send(zmq::buffer(probe.frame), zmq::send_flags::dontwait)) link.probed_at = now;
  return false;
}

void Client::abandon(Link& link) {
  if (current_ == &link) current_ = nullptr;
  for (const std::uint64_t id : std::exchange(link.in_flight, {})) {
    lose(id, pending_.at(id), link.endpoint);
  }
}

void Client::lose(std::uint64_t id, Pending& pending, const std::string& endpoint) {
  pending.link = nullptr;
  const Resend resend = pending.request.resend;
  if (resend == Resend::kAlways || (resend == Resend::kIdempotent && options_.resend_writes)) {
    pending.resent |= resend == Resend::kIdempotent;
    return wait_until(id, pending, Clock::now());
  }
  finish(id, {{},
              fmt::format("{} took the request and did not answer: it may or may not take effect",
                          endpoint),
              endpoint,
              pending.resent});
}

void Client::expire() {
  const Clock::time_point now = Clock::now();
  while (!deadlines_.empty() && deadlines_.front().first <= now) {
    const std::uint64_t id = deadlines_.front().second;
    deadlines_.pop_front();
    const auto found = pending_.find(id);
    if (found == pending_.end()) continue;
    Pending& pending = found->second;
    if (pending.link != nullptr) {
      pending.link->in_flight.erase(id);
    } else {
      waiting_.erase(pending.waiting);
    }
    finish(id, {std::move(pending.refusal), describe_timeout(options_, pending.timeout),
                pending.refused_by, pending.resent});
  }
}

void Client::wait_until(std::uint64_t id, Pending& pending, Clock::time_point due) {
  pending.waiting = waiting_.emplace(due, id);
}

void Client::finish(std::uint64_t id, Outcome outcome) {
  const Done done = std::move(pending_.at(id).done);
  pending_.erase(id);
  done(std::move(outcome));
}

}  // namespace client
