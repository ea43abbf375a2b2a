#include "bench/worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "base/check.h"
#include "bench/reply_scan.h"
#include "client/ask_each.h"
#include "client/reply.h"
#include "client/sockets.h"

namespace bench {
namespace {

using std::chrono::milliseconds;

constexpr std::string_view kKeyPrefix = "bench/";
constexpr std::size_t kKeyDigits = 8;
constexpr milliseconds kRefusalPause{10};
// A node that is there accepts a connection well within this; doubled while all is in vain.
constexpr milliseconds kConnectTime{250};
constexpr unsigned kMaxConnectDoublings = 4;
// A node that says nothing for this long while it owes answers is asked for its status, and given
// up when that is not answered in the same time.
constexpr milliseconds kSilence{1000};
constexpr milliseconds kCheckPause{50};
constexpr milliseconds kExpiryPause{500};
constexpr milliseconds kLeaderTime{10'000};
constexpr milliseconds kAnswerTime{10'000};  // twice what a node takes by default

std::string make_value(std::size_t size) {
  base::Random random(size + 1);
  std::string value(size, '\0');
  for (char& character : value) character = static_cast<char>(random.next());
  return value;
}

client::Request make_request(const Plan& plan) {
  const std::string key = std::string(kKeyPrefix) + std::string(kKeyDigits, '0');
  using client::Consistency;
  if (plan.write) return client::make_set(key, make_value(plan.value_bytes));
  return client::make_get(key, plan.local ? Consistency::kLocal : Consistency::kLinearizable);
}

// Not taken, or what a `get` or a `set` of the same value may well do twice.
bool may_be_repeated(const std::string& code) {
  return code == "busy" || code == "no_leader" || code == "unknown_outcome";
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

Worker::Worker(zmq::context_t& context, Plan plan, const std::atomic<Phase>& phase)
    : context_(context),
      plan_(std::move(plan)),
      phase_(phase),
      request_(make_request(plan_)),
      key_offset_(request_.frame.find(kKeyPrefix) + kKeyPrefix.size()),
      probe_(client::make_status()),
      random_(plan_.first_key + 1),
      slots_(plan_.in_flight) {
  probe_.set_id(0);  // as no slot waits for
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) free_.push_back(slot);
}

bool Worker::finished() const {
  return phase_ == Phase::kEnd || (plan_.requests && ended_ == *plan_.requests);
}

void Worker::run() {
  connect();
  while (!finished()) {
    // What is counted begins with the measured time.
    const bool early = plan_.requests && phase_ == Phase::kWarmUp;
    if (!leader_lost_ && !early) send_free();
    wait();
    for (Connection& connection : connections_) receive(connection);
    check();
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
    const auto leader = find_leader(context_, plan_.endpoints, kLeaderTime, phase_);
    if (leader) endpoints_ = {*leader};
  }
  connections_.clear();
  for (std::size_t i = 0; i < plan_.clients; ++i) {
    connections_.push_back(open((plan_.first_key + i) % endpoints_.size(), 0));
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

void Worker::send_free() {
  for (std::size_t left = free_.size(); left > 0; --left) {
    const std::size_t slot = free_.front();
    free_.pop_front();
    if (!send(slot)) free_.push_back(slot);
  }
}

std::optional<std::uint64_t> Worker::choose_key(const Slot& slot) {
  if (slot.again) return slot.key;
  if (plan_.requests && begun_ == *plan_.requests) return std::nullopt;
  return plan_.fill ? plan_.first_key + begun_ * plan_.key_step
                    : random_.between(0, plan_.keys - 1);
}

bool Worker::send(std::size_t slot) {
  Connection& connection = connection_of(slot);
  const Clock::time_point now = Clock::now();
  if (now < connection.resume_at) return false;
  const auto key = choose_key(slots_[slot]);
  if (!key) return false;
  std::uint64_t digits = *key;
  for (std::size_t i = kKeyDigits; i-- > 0; digits /= 10) {
    request_.frame[key_offset_ + i] = static_cast<char>('0' + digits % 10);
  }
  // The slot is in the id, so that a reply finds it; the round tells a late reply from the awaited.
  const std::uint64_t id = ++last_round_ * slots_.size() + slot;
  request_.set_id(id);
  const auto flags = zmq::send_flags::dontwait;
  if (!connection.socket.send(zmq::buffer(request_.frame), flags)) return false;
  connection.connected = true;
  const bool again = slots_[slot].again;
  if (!again) ++begun_;
  slots_[slot] = {id, *key, again ? slots_[slot].begun : now, now, false};
  if (connection.waiting++ == 0) connection.quiet_since = now;
  ++waiting_;
  return true;
}

void Worker::wait() {
  std::vector<zmq::pollitem_t> items;
  for (Connection& connection : connections_) {
    items.push_back({connection.socket.handle(), 0, ZMQ_POLLIN, 0});
  }
  // While connecting or refused, look again soon; otherwise replies wake this up.
  const bool idle = free_.empty() || leader_lost_;
  try {
    zmq::poll(items, idle ? kCheckPause : milliseconds(2));
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
  if (plan_.outage != nullptr) plan_.outage->on_success(slots_[index].sent_at, now);
  if (phase_ == Phase::kMeasure) {
    tally_.latencies.add(static_cast<std::uint64_t>((now - slots_[index].begun).count()));
    if (!reply->found) ++tally_.not_found;
  }
  end(index);
  if (!leader_lost_ && send(index)) free_.pop_back();
}

void Worker::on_error(std::size_t slot, std::string_view frame) {
  const auto reply = client::Reply::parse(frame);
  const std::string code(reply ? reply->error_code() : "malformed");
  leader_lost_ |= !plan_.any_node && (code == "no_leader" || code == "unknown_outcome");
  connection_of(slot).resume_at = Clock::now() + kRefusalPause;
  if (plan_.retry && may_be_repeated(code)) return send_again(slot);
  count_error(code);
  end(slot);
}

void Worker::release(std::size_t slot) {
  slots_[slot].id = 0;
  --connection_of(slot).waiting;
  --waiting_;
  free_.push_back(slot);
}

void Worker::end(std::size_t slot) {
  release(slot);
  ++ended_;
}

void Worker::send_again(std::size_t slot) {
  slots_[slot].again = true;
  if (phase_ == Phase::kMeasure) ++tally_.retries;
  release(slot);
}

void Worker::count_unanswered() {
  if (!plan_.retry) return;
  const Clock::time_point now = Clock::now();
  for (const Slot& slot : slots_) {
    const bool open = slot.id != 0 || slot.again;
    if (open && now - slot.begun > kAnswerTime) ++tally_.errors["no_answer"];
  }
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
      count_error("no_answer");
      end(slot);
    }
  }
}

// A node answers within its time-out, or its connection ends: here is one that does neither.
void Worker::expire_requests(Clock::time_point now) {
  next_expiry_ = now + kExpiryPause;
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].id == 0 || now - slots_[slot].sent_at < kAnswerTime) continue;
    count_error("no_answer");
    end(slot);
  }
}

void Worker::count_error(const std::string& code) {
  if (phase_ == Phase::kMeasure) ++tally_.errors[code];
}

}  // namespace bench
