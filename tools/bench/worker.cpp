#include "bench/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.h"
#include "client/ask_each.h"
#include "client/reply.h"
#include "client/sockets.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRefusalPause{10};
// A node that is there accepts a connection well within this; doubled while all is in vain.
constexpr milliseconds kConnectTime{250};
constexpr unsigned kMaxConnectDoublings = 4;
// A node that says nothing for this long while it owes answers is asked for its status, and given
// up when that is not answered in the same time.
constexpr milliseconds kSilence{1000};
constexpr milliseconds kSendPause{2};
constexpr milliseconds kCheckPause{50};
constexpr milliseconds kExpiryPause{500};
constexpr milliseconds kLeaderTime{10'000};
constexpr milliseconds kAnswerTime{10'000};  // twice what a node takes by default

// Not taken, or what a `get` or a `set` of the same value may well do twice.
bool may_be_repeated(const std::string& code) {
  return code == "busy" || code == "no_leader" || code == "disk_full" || code == "unknown_outcome";
}

std::optional<std::string> leader_among(const std::vector<client::Answer>& answers) {
  std::optional<std::string> leader;
  std::uint64_t highest_term = 0;
  for (const client::Answer& answer : answers) {
    if (!answer.reply) continue;
    const client::Fields status = answer.reply->fields();
    const auto node = status.integer("node");
    const std::uint64_t term = status.integer("term").value_or(0);
    // A leader that was replaced may not know it yet: the latest one counts.
    if (!node || status.integer("leader") != node || term < highest_term) continue;
    highest_term = term;
    leader = answer.endpoint;
  }
  return leader;
}

}  // namespace

std::optional<std::string> find_leader(zmq::context_t& context,
                                       const std::vector<std::string>& endpoints,
                                       milliseconds timeout, const std::atomic<Phase>& phase) {
  const Clock::time_point end = Clock::now() + timeout;
  while (phase != Phase::kEnd && Clock::now() < end) {
    const auto answers =
        client::ask_each(context, endpoints, client::make_status(), milliseconds(500));
    if (const auto leader = leader_among(answers)) return leader;
    std::this_thread::sleep_for(milliseconds(50));
  }
  return std::nullopt;
}

Worker::Worker(zmq::context_t& context, Plan plan, const Stage& stage)
    : context_(context),
      plan_(std::move(plan)),
      stage_(stage),
      traffic_(plan_),
      probe_(client::make_status()),
      random_(plan_.worker + 1),
      slots_(plan_.in_flight) {
  probe_.set_id(0);  // as no slot waits for
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) free_.push_back(slot);
}

bool Worker::finished() const {
  return stage_.phase() == Phase::kEnd || (plan_.requests && ended_ == *plan_.requests);
}

void Worker::run() {
  connect();
  while (!finished()) {
    // What is counted begins with the measured time.
    const bool early = plan_.requests && stage_.phase() == Phase::kWarmUp;
    if (!leader_lost_ && !early) send_due();
    wait();
    for (Connection& connection : connections_) receive(connection);
    check();
    drained_ = stage_.phase() == Phase::kDrain && waiting_ == 0 && resend_.empty() &&
               next_work(Clock::now()) == nullptr;
  }
  count_unanswered();
  connections_.clear();
  done_ = true;
}

void Worker::connect() {
  CHECK(waiting_ == 0, "connections are replaced while requests wait on them");
  leader_lost_ = false;
  endpoints_ = plan_.endpoints;
  if (!plan_.any_node) {
    const auto leader = find_leader(context_, plan_.endpoints, kLeaderTime, stage_.phase());
    if (leader) endpoints_ = {*leader};
  }
  connections_.clear();
  for (std::size_t i = 0; i < plan_.clients; ++i) {
    connections_.push_back(open((plan_.worker + i) % endpoints_.size(), 0));
  }
}

Worker::Connection Worker::open(std::size_t endpoint, unsigned failures) {
  const Clock::time_point now = Clock::now();
  const milliseconds patience = kConnectTime * (1U << std::min(failures, kMaxConnectDoublings));
  return {.socket = client::open_dealer(context_, endpoints_[endpoint]),
          .endpoint = endpoint,
          .give_up_at = now + patience,
          .quiet_since = now,
          .resume_at = now,
          .failures = failures};
}

// At random, so that the clients of a node that ended do not all go to the same other.
std::size_t Worker::another_endpoint(std::size_t than) {
  const std::size_t count = endpoints_.size();
  return count == 1 ? than : (than + random_.between(1, count - 1)) % count;
}

Worker::Connection& Worker::connection_of(std::size_t slot) {
  return connections_[slot % connections_.size()];
}

// At last, only what was due in the measured time still begins.
const Work* Worker::next_work(Clock::time_point now) {
  const Work* next = traffic_.front(now);
  const bool begins =
      next != nullptr && (stage_.phase() != Phase::kDrain || stage_.measures(next->due));
  return begins ? next : nullptr;
}

// A slot whose connection takes nothing now goes to the end, and another has its turn.
void Worker::send_due() {
  const Clock::time_point now = Clock::now();
  for (std::size_t left = resend_.size(); left > 0; --left) {
    const std::size_t slot = resend_.front();
    resend_.pop_front();
    const Work work = slots_[slot].work;
    if (!send(slot, work, now)) resend_.push_back(slot);
  }
  for (std::size_t left = free_.size(); left > 0; --left) {
    if (next_work(now) == nullptr) return;
    const std::size_t slot = free_.front();
    free_.pop_front();
    if (!send_next(slot, now)) free_.push_back(slot);
  }
}

// In a closed loop a request is due when there is a place for it.
bool Worker::send_next(std::size_t slot, Clock::time_point now) {
  const Work* next = next_work(now);
  if (next == nullptr) return false;
  Work work = *next;
  if (plan_.rate <= 0) work.due = now;
  if (!send(slot, work, now)) return false;
  traffic_.pop();
  return true;
}

bool Worker::send(std::size_t slot, const Work& work, Clock::time_point now) {
  Connection& connection = connection_of(slot);
  if (now < connection.resume_at) return false;
  // The slot is in the id, so that a reply finds it; the round tells a late reply from the awaited.
  const std::uint64_t id = ++last_round_ * slots_.size() + slot;
  const auto flags = zmq::send_flags::dontwait;
  if (!connection.socket.send(zmq::buffer(traffic_.frame(work, id)), flags)) return false;
  connection.connected = true;
  slots_[slot] = {id, work, now, false};
  if (connection.waiting++ == 0) connection.quiet_since = now;
  ++waiting_;
  return true;
}

// Replies and the alarm wake this up. What is due and could not be sent, as the connection is not
// there or has refused, is tried again soon.
void Worker::wait() {
  std::vector<zmq::pollitem_t> items;
  for (Connection& connection : connections_) {
    items.push_back({connection.socket.handle(), 0, ZMQ_POLLIN, 0});
  }
  const Clock::time_point now = Clock::now();
  const auto due = traffic_.next_due(now);
  if (due && !free_.empty()) {
    alarm_.set(*due);
    items.push_back({nullptr, alarm_.descriptor(), ZMQ_POLLIN, 0});
  }
  const bool may_send = !leader_lost_ && (!resend_.empty() || (!due && !free_.empty()));
  try {
    zmq::poll(items, may_send ? kSendPause : kCheckPause);
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;  // B17
  }
}

void Worker::receive(Connection& connection) {
  zmq::message_t frame;
  while (connection.socket.recv(frame, zmq::recv_flags::dontwait)) {
    if (!frame.more()) on_reply(connection, frame.to_string_view());
  }
}

void Worker::on_reply(Connection& connection, std::string_view frame) {
  const Clock::time_point now = Clock::now();
  const auto reply = scan_reply(frame);
  if (!reply) return;
  connection.quiet_since = now;
  connection.probed_at.reset();
  connection.failures = 0;
  const std::size_t index = reply->id % slots_.size();
  if (reply->id == 0 || slots_[index].id != reply->id) return;
  // The clients of a node that no longer leads go to the new leader.
  leader_lost_ |= reply->has_leader && !plan_.any_node && !plan_.local;
  if (!reply->ok) return on_error(index, frame);
  completed_.fetch_add(1, std::memory_order_relaxed);
  on_success(slots_[index], *reply, now);
  end(index);
  if (leader_lost_) return;
  if (send_next(index, now)) free_.pop_back();
}

void Worker::on_success(const Slot& slot, const ScannedReply& reply, Clock::time_point now) {
  if (plan_.outage != nullptr) plan_.outage->on_success(slot.sent_at, now);
  if (!slot.work.read && plan_.acknowledged_after && reply.index > *plan_.acknowledged_after) {
    tally_.acknowledged.insert(reply.index);
  }
  if (stage_.phase() == Phase::kMeasure) ++tally_.answered;
  if (!is_measured(slot.work)) return;
  Histogram& latencies = slot.work.read ? tally_.reads : tally_.writes;
  latencies.add(static_cast<std::uint64_t>((now - slot.work.due).count()));
  if (!reply.found) ++tally_.not_found;
}

void Worker::on_error(std::size_t slot, std::string_view frame) {
  const auto reply = client::Reply::parse(frame);
  const std::string code(reply ? reply->error_code() : "malformed");
  leader_lost_ |= !plan_.any_node && (code == "no_leader" || code == "unknown_outcome");
  connection_of(slot).resume_at = Clock::now() + kRefusalPause;
  if (plan_.retry && may_be_repeated(code)) return send_again(slot);
  count_error(slots_[slot].work, code);
  end(slot);
}

void Worker::release(std::size_t slot) {
  slots_[slot].id = 0;
  --connection_of(slot).waiting;
  --waiting_;
}

void Worker::end(std::size_t slot) {
  release(slot);
  free_.push_back(slot);
  ++ended_;
}

void Worker::send_again(std::size_t slot) {
  release(slot);
  slots_[slot].again = true;
  resend_.push_back(slot);
  if (stage_.phase() == Phase::kMeasure) ++tally_.retries;
}

bool Worker::is_measured(const Work& work) const {
  if (plan_.rate > 0) return stage_.measures(work.due);
  return stage_.phase() == Phase::kMeasure;
}

void Worker::count_unanswered() {
  const Clock::time_point now = Clock::now();
  for (const Slot& slot : slots_) {
    if (slot.id == 0 && !slot.again) continue;
    if (plan_.rate > 0) {
      count_as_unanswered(slot.work, now);
    } else if (plan_.retry && now - slot.work.due > kAnswerTime) {
      ++tally_.errors["no_answer"];
    }
  }
  if (plan_.rate <= 0 || plan_.requests) return;
  for (; const Work* never_begun = traffic_.front(now); traffic_.pop()) {
    count_as_unanswered(*never_begun, now);
  }
}

// A percentile that left out what waited longest would be none.
void Worker::count_as_unanswered(const Work& work, Clock::time_point now) {
  if (!is_measured(work)) return;
  ++tally_.unanswered;
  Histogram& latencies = work.read ? tally_.reads : tally_.writes;
  latencies.add(static_cast<std::uint64_t>((now - work.due).count()));
}

void Worker::check() {
  const Clock::time_point now = Clock::now();
  if (now < next_check_) return;
  next_check_ = now + kCheckPause;
  for (std::size_t i = 0; i < connections_.size(); ++i) check_connection(i);
  if (now >= next_expiry_) expire_requests(now);
  if (leader_lost_ && waiting_ == 0) connect();
}

void Worker::check_connection(std::size_t which) {
  Connection& connection = connections_[which];
  if (!is_broken(connection, Clock::now())) return;
  receive(connection);  // the last replies, which may have come with the end
  lose_requests(which);
  if (plan_.any_node) {
    connection = open(another_endpoint(connection.endpoint), connection.failures + 1);
  } else {
    leader_lost_ = true;
  }
}

bool Worker::is_broken(Connection& connection, Clock::time_point now) const {
  if (!client::is_writable(connection.socket)) {
    return connection.connected || now >= connection.give_up_at;
  }
  connection.connected = true;
  if (connection.waiting == 0 || now - connection.quiet_since < kSilence) return false;
  if (connection.probed_at) return now - *connection.probed_at >= kSilence;
  const auto flags = zmq::send_flags::dontwait;
  if (connection.socket.send(zmq::buffer(probe_.frame), flags)) connection.probed_at = now;
  return false;
}

void Worker::lose_requests(std::size_t connection) {
  for (std::size_t slot = connection; slot < slots_.size(); slot += connections_.size()) {
    if (slots_[slot].id == 0) continue;
    if (plan_.retry) {
      send_again(slot);
    } else {
      count_error(slots_[slot].work, "no_answer");
      end(slot);
    }
  }
}

// A node answers within its time-out, or its connection ends: here is one that does neither.
void Worker::expire_requests(Clock::time_point now) {
  next_expiry_ = now + kExpiryPause;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].id == 0 || now - slots_[slot].sent_at < kAnswerTime) continue;
    count_error(slots_[slot].work, "no_answer");
    end(slot);
  }
}

void Worker::count_error(const Work& work, const std::string& code) {
  if (is_measured(work)) ++tally_.errors[code];
}

}  // namespace bench
