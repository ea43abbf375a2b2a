#include "actors/joiner.h"

#include <algorithm>
#include <utility>

#include "actors/socket_options.h"
#include "base/check.h"

namespace actors {
namespace {

constexpr raft::Milliseconds kPatienceMs = 2000;   // with one member
constexpr raft::Milliseconds kRetryPauseMs = 200;  // where the next may do what this one could not
constexpr raft::Milliseconds kConflictPauseMs = 5000;  // where people have to do something first
constexpr raft::Milliseconds kCheckPauseMs = 1000;     // while this node waits to be let in
constexpr raft::Milliseconds kSayAgainMs = 30'000;
constexpr std::size_t kRepliesPerTurn = 16;

codec::NewMember description(const settings::Settings& settings, raft::Identity identity) {
  const settings::Member& self = settings.self();
  return {.id = self.id,
          .identity = identity,
          .priority = static_cast<std::uint32_t>(settings.raft.priority),
          .peer = self.peer,
          .client = self.client,
          .publish = self.publish,
          .voter = true};
}

bool passes_by_itself(const std::string& code) {
  return code == "busy" || code == "no_leader" || code == "disk_full" || code == "unknown_outcome";
}

bool is_due(std::optional<raft::Milliseconds>& said_at, raft::Milliseconds now) {
  if (said_at && now - *said_at < kSayAgainMs) return false;
  said_at = now;
  return true;
}

}  // namespace

Joiner::Joiner(zmq::context_t& context, const settings::Settings& settings, raft::Identity identity,
               Links links, const Logging& logging)
    : context_(context),
      settings_(settings),
      self_(description(settings, identity)),
      links_(std::move(links)),
      log_(logging, "joiner") {
  CHECK(!settings.join.empty(), "node {} has nobody to ask to be let in", settings.node.id);
}

std::vector<Input> Joiner::inputs() {
  return {links_.event_handler.input(), Input::of_time(links_.ticks.input())};
}

void Joiner::turn() {
  take_news_of_members();
  const auto tick = links_.ticks.latest();
  if (!tick || !asks_) return;
  now_ = tick->now;
  take_replies();
  if (!unsent_.empty()) send_question();
  if (now_ < due_) return;
  if (step_ == Step::kPause) {
    begin_round();
  } else {
    on_silence();
  }
}

void Joiner::stop() {
  asks_ = false;
  socket_.reset();
}

void Joiner::take_news_of_members() {
  while (const auto news = links_.event_handler.receive()) {
    const raft::Member* const self = news->configuration.find(self_.id);
    if (!asks_ || self == nullptr || self->identity != self_.identity) continue;
    log_.info("this node is a member of cluster {} now", settings_.node.cluster);
    stop();
  }
}

void Joiner::take_replies() {
  std::vector<zmq::message_t> frames;
  for (std::size_t taken = 0; taken < kRepliesPerTurn && socket_; ++taken) {
    const Received received = receive_message(*socket_, {1, max_join_reply_bytes()}, frames);
    if (received == Received::kNothing) return;
    if (received == Received::kOverLimits) continue;
    const auto reply = codec::parse_member_reply(frames.front().to_string_view());
    if (!reply) {
      log_.debug("{} sent what is no reply", endpoint());
    } else if (step_ != Step::kPause && reply->id == question_) {
      on_reply(*reply);
    }
  }
}

void Joiner::on_reply(const codec::MemberReply& reply) {
  if (!reply.ok) {
    on_refusal(reply);
  } else if (step_ == Step::kJoin) {
    log_.info("{} lets this node in with entry {}", endpoint(), reply.index);
    let_in_ = true;
    newest_index_ = std::max(newest_index_, reply.index);
    ask(Step::kMembers);
  } else {
    on_members(reply);
  }
}

void Joiner::on_refusal(const codec::MemberReply& reply) {
  if (passes_by_itself(reply.code)) {
    log_.debug("{} cannot help now ({}): the next is asked", endpoint(), reply.code);
    return end_round(kRetryPauseMs);
  }
  if (is_due(refusal_said_at_, now_)) {
    log_.warning("{} does not let this node in ({}): {} It is asked again every {} s", endpoint(),
                 reply.code, reply.message, kConflictPauseMs / 1000);
  }
  end_round(kConflictPauseMs);
}

void Joiner::on_members(const codec::MemberReply& reply) {
  // One that is a little late, was removed or is cut off knows older members than another.
  if (reply.index < newest_index_) {
    log_.debug("{} knows older members: the next is asked", endpoint());
    return end_round(kRetryPauseMs);
  }
  newest_index_ = reply.index;
  hand_on(reply);
  const auto self = std::ranges::find(reply.members, self_.id, &codec::KnownMember::id);
  if (self != reply.members.end() && self->identity == self_.identity) {
    let_in_ = true;
    end_round(kCheckPauseMs);
  } else if (let_in_) {
    // Somebody wants it out: asking on would be a quarrel.
    log_.warning("this node was let in and removed again: it asks no more until its next start");
    stop();
  } else {
    // Who was let in by hand as a learner, before it was there, stays one.
    self_.voter = self == reply.members.end() || self->voter || self->promoting;
    ask(Step::kJoin);
  }
}

void Joiner::hand_on(const codec::MemberReply& reply) {
  PeersLearned learned;
  for (const codec::KnownMember& member : reply.members) {
    if (member.id == self_.id) continue;
    learned.members.push_back({.id = member.id,
                               .identity = member.identity,
                               .priority = member.priority,
                               .peer = member.peer,
                               .client = member.client,
                               .publish = member.publish});
  }
  // Dropped where outbound_dispatcher does not keep up: the next round says the same.
  static_cast<void>(links_.outbound_dispatcher.offer(std::move(learned)));
}

void Joiner::begin_round() {
  socket_.emplace(context_, zmq::socket_type::dealer);
  set_joiner_options(*socket_);
  socket_->connect(endpoint());
  ask(Step::kMembers);
}

void Joiner::ask(Step step) {
  step_ = step;
  due_ = now_ + kPatienceMs;
  ++question_;
  unsent_ = step == Step::kJoin ? codec::encode_join_request(question_, self_)
                                : codec::encode_members_request(question_);
  send_question();
}

void Joiner::send_question() {
  zmq::message_t frame(unsent_.data(), unsent_.size());
  if (send_frame(*socket_, frame, false) == SendResult::kSent) unsent_.clear();
}

void Joiner::end_round(raft::Milliseconds pause_ms) {
  step_ = Step::kPause;
  due_ = now_ + pause_ms;
  unsent_.clear();
  socket_.reset();
  endpoint_ = (endpoint_ + 1) % settings_.join.size();
}

void Joiner::on_silence() {
  if (is_due(silence_said_at_, now_)) {
    log_.warning("{} does not answer (key `join` of [node]): the next is asked", endpoint());
  }
  end_round(0);
}

}  // namespace actors
