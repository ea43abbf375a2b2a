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
constexpr milliseconds kSilence{2000};
constexpr milliseconds kCheckPause{50};
constexpr milliseconds kLeaderTime{10'000};
constexpr milliseconds kAnswerTime{10'000};  // of a request that is sent again and again

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

Worker::Worker(zmq::context_t& context, Plan plan, const std::atomic<Phase>& phase)
    : context_(context),
      plan_(std::move(plan)),
      phase_(phase),
      request_(make_request(plan_)),
      key_offset_(request_.frame.find(kKeyPrefix) + kKeyPrefix.size()),
      random_(plan_.first_key + 1),
      slots_(plan_.in_flight),
      next_key_(plan_.first_key) {}

bool Worker::fill_done() const {
  return plan_.fill && waiting_ == 0 && refused_keys_.empty() && next_key_ >= plan_.keys;
}

void Worker::run() {
  connect();
  while (phase_ != Phase::kEnd && !fill_done()) {
    if (!leader_lost_ && Clock::now() >= resume_at_) send_free();
    wait();
    for (std::size_t i = 0; i < connections_.size(); ++i) receive(i);
    check_connections();
  }
  count_unanswered();
  connections_.clear();
  done_ = true;
}

void Worker::connect() {
  connections_.clear();
  free_.clear();
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    if (slots_[slot].id != 0 && plan_.retry) {
      send_again(slot);
    } else if (slots_[slot].id != 0) {
      count_error("no_answer");
      if (plan_.fill) refused_keys_.push_back(slots_[slot].key);
    }
    slots_[slot].id = 0;
    free_.push_back(slot);
  }
  waiting_ = 0;
  leader_lost_ = false;
  std::vector<std::string> endpoints = plan_.endpoints;
  if (!plan_.any_node) {
    const auto leader = find_leader(context_, plan_.endpoints, kLeaderTime, phase_);
    if (leader) endpoints = {*leader};
  }
  for (std::size_t i = 0; i < plan_.clients; ++i) {
    const std::size_t which = (plan_.first_key + i) % endpoints.size();
    connections_.push_back(client::open_dealer(context_, endpoints[which]));
  }
  heard_ = Clock::now();
}

void Worker::send_free() {
  for (std::size_t left = free_.size(); left > 0; --left) {
    const std::size_t slot = free_.front();
    free_.pop_front();
    if (!send(slot)) free_.push_back(slot);
  }
}

bool Worker::send(std::size_t slot) {
  const bool again = !refused_keys_.empty();
  const bool retry = slots_[slot].again;
  if (plan_.fill && !again && next_key_ >= plan_.keys) return false;
  std::uint64_t key = plan_.fill ? next_key_ : random_.between(0, plan_.keys - 1);
  if (again) key = refused_keys_.front();
  if (retry) key = slots_[slot].key;
  std::uint64_t digits = key;
  for (std::size_t i = kKeyDigits; i-- > 0; digits /= 10) {
    request_.frame[key_offset_ + i] = static_cast<char>('0' + digits % 10);
  }
  // The slot is in the id, so that a reply finds it; the round tells a late reply from the awaited.
  const std::uint64_t id = ++last_round_ * slots_.size() + slot;
  request_.set_id(id);
  zmq::socket_t& socket = connections_[slot % connections_.size()];
  if (!socket.send(zmq::buffer(request_.frame), zmq::send_flags::dontwait)) return false;
  if (again) {
    refused_keys_.pop_front();
  } else if (plan_.fill) {
    next_key_ += plan_.key_step;
  }
  slots_[slot] = {id, key, retry ? slots_[slot].sent_at : Clock::now(), false};
  ++waiting_;
  return true;
}

void Worker::wait() {
  std::vector<zmq::pollitem_t> items;
  for (zmq::socket_t& socket : connections_) items.push_back({socket.handle(), 0, ZMQ_POLLIN, 0});
  // While connecting or refused, look again soon; otherwise replies wake this up.
  const bool idle = free_.empty() || leader_lost_;
  try {
    zmq::poll(items, milliseconds(idle ? 100 : 2));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;  // B17
  }
}

void Worker::receive(std::size_t connection) {
  zmq::message_t frame;
  while (connections_[connection].recv(frame, zmq::recv_flags::dontwait)) {
    if (!frame.more()) on_reply(frame.to_string_view());
  }
}

void Worker::on_reply(std::string_view frame) {
  const Clock::time_point now = Clock::now();
  const auto reply = scan_reply(frame);
  if (!reply) return;
  const std::size_t index = reply->id % slots_.size();
  if (reply->id == 0 || slots_[index].id != reply->id) return;
  heard_ = now;
  // The clients of a node that no longer leads go to the new leader.
  leader_lost_ |= reply->has_leader && !plan_.any_node && !plan_.local;
  if (!reply->ok) return on_error(index, frame);
  completed_.fetch_add(1, std::memory_order_relaxed);
  if (phase_ == Phase::kMeasure) {
    tally_.latencies.add(static_cast<std::uint64_t>((now - slots_[index].sent_at).count()));
    if (!reply->found) ++tally_.not_found;
  }
  release(index);
  if (!leader_lost_ && now >= resume_at_ && send(index)) free_.pop_back();
}

void Worker::on_error(std::size_t slot, std::string_view frame) {
  const auto reply = client::Reply::parse(frame);
  const std::string code(reply ? reply->error_code() : "malformed");
  const bool retry = plan_.retry && may_be_repeated(code);
  if (retry) {
    send_again(slot);
  } else {
    count_error(code);
  }
  leader_lost_ |= !plan_.any_node && (code == "no_leader" || code == "unknown_outcome");
  if (plan_.fill) refused_keys_.push_back(slots_[slot].key);
  resume_at_ = Clock::now() + kRefusalPause;
  release(slot);
}

void Worker::release(std::size_t slot) {
  slots_[slot].id = 0;
  --waiting_;
  free_.push_back(slot);
}

void Worker::send_again(std::size_t slot) {
  slots_[slot].again = true;
  if (phase_ == Phase::kMeasure) ++tally_.retries;
}

void Worker::count_unanswered() {
  if (!plan_.retry) return;
  const Clock::time_point now = Clock::now();
  for (const Slot& slot : slots_) {
    const bool open = slot.id != 0 || slot.again;
    if (open && now - slot.sent_at > kAnswerTime) ++tally_.errors["no_answer"];
  }
}

void Worker::check_connections() {
  const Clock::time_point now = Clock::now();
  if (now < next_check_) return;
  next_check_ = now + kCheckPause;
  const bool silent = now - heard_ > kSilence;
  bool lost = silent || (leader_lost_ && waiting_ == 0);
  for (std::size_t slot = 0; slot < slots_.size() && waiting_ > 0 && !lost; ++slot) {
    // A connection that broke does not come back: see open_dealer.
    if (slot >= connections_.size()) break;
    lost = slots_[slot].id != 0 && !client::is_writable(connections_[slot]);
  }
  if (lost) connect();
}

void Worker::count_error(const std::string& code) {
  if (phase_ == Phase::kMeasure) ++tally_.errors[code];
}

}  // namespace bench
