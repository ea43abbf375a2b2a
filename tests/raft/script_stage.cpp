#include "script_stage.h"

#include <fmt/format.h>

#include <algorithm>

#include "script_print.h"

namespace raft {
namespace {

constexpr Milliseconds kTick = 10;
constexpr int kMostDeliveries = 100'000;

bool belongs_to_election(const Envelope& envelope) {
  const Message& message = envelope.message;
  return std::holds_alternative<PreVoteRequest>(message) ||
         std::holds_alternative<PreVoteReply>(message) ||
         std::holds_alternative<RequestVote>(message) ||
         std::holds_alternative<RequestVoteReply>(message);
}

}  // namespace

void Stage::create(std::size_t size, std::function<void(Options&)> adjust, bool with_hellos) {
  if (cluster_) throw ScriptError("the nodes are there already");
  if (size == 0 || size > 9) throw ScriptError("a script has 1 to 9 nodes");
  for (NodeId id = 1; id <= size; ++id) nodes_.insert(id);
  cluster_ = std::make_unique<Cluster>(std::vector<NodeId>(nodes_.begin(), nodes_.end()),
                                       std::move(adjust), with_hellos);
  cluster_->observe = [this](NodeId id, const Effects& effects) { note(id, effects); };
}

void Stage::join(NodeId id) {
  if (id == 0 || id > 9) throw ScriptError("a script has nodes 1 to 9");
  if (!nodes_.insert(id).second) throw ScriptError(fmt::format("node {} is there already", id));
  cluster().add(id);
}

Cluster& Stage::cluster() {
  if (!cluster_) throw ScriptError("no nodes yet: a script begins with \"nodes COUNT\"");
  return *cluster_;
}

void Stage::require_up(NodeId id) const {
  if (down(id)) throw ScriptError(fmt::format("node {} is down", id));
}

void Stage::stand(NodeId id) {
  require_up(id);
  cluster().tick_now(id);
  const State& stands = state(id);
  const Milliseconds deadline = std::visit(
      [](const auto& role) -> Milliseconds {
        if constexpr (requires { role.election_deadline; }) return role.election_deadline;
        return 0;
      },
      stands.role_state);
  if (deadline == 0) throw ScriptError(fmt::format("node {} leads already", id));
  cluster().advance(id, deadline - std::min(stands.now, deadline));
}

void Stage::forget_leader(NodeId id) {
  const State& listener = state(id);
  const auto* follower = listener.as<FollowerState>();
  if (follower == nullptr || !follower->leader || !follower->heard_at) return;
  const Milliseconds forgotten_at = *follower->heard_at + listener.options.election_timeout_ms;
  if (forgotten_at > listener.now) cluster().advance(id, forgotten_at - listener.now);
}

void Stage::elect(NodeId id) {
  require_up(id);
  for (const NodeId other : nodes_) {
    if (other != id && !down(other)) forget_leader(other);
  }
  stand(id);
  deliver_while(belongs_to_election);
  if (!cluster().leads(id)) {
    tell(fmt::format("{} is not elected: {} of term {}", id, role_name(state(id).role()),
                     state(id).current_term()));
  }
}

void Stage::pass(const std::set<NodeId>& ids, Milliseconds duration, bool deliver) {
  for (Milliseconds elapsed = 0; elapsed < duration; elapsed += kTick) {
    for (const NodeId id : ids) {
      if (!down(id)) cluster().advance(id, kTick);
    }
    if (deliver) deliver_all();
  }
}

RequestNumber Stage::new_request(NodeId id, const std::string& name) {
  require_up(id);
  const RequestNumber request = requests_.size() + 1;
  requests_[request] = name;
  return request;
}

void Stage::propose(NodeId id, const std::string& text) {
  cluster().step(id, CommandSubmitted{new_request(id, text), bytes(text)});
}

void Stage::read(NodeId id, const std::string& name) {
  cluster().step(id, ReadRequested{new_request(id, name)});
}

void Stage::change(NodeId id, const std::string& name, MembershipChange change) {
  cluster().step(id, ChangeSubmitted{new_request(id, name), std::move(change)});
}

void Stage::transfer(NodeId id, std::optional<NodeId> target) {
  const std::string name = target ? fmt::format("transfer to {}", *target) : "transfer";
  cluster().step(id, TransferRequested{new_request(id, name), target});
}

void Stage::snapshot(NodeId id) {
  cluster().step(id, SnapshotRequested{new_request(id, "snapshot")});
}

void Stage::hold_disk(NodeId id) {
  require_up(id);
  cluster().node(id).disk_held = true;
}

void Stage::release_disk(NodeId id) {
  require_up(id);
  cluster().release_disk(id);
}

void Stage::sync_one(NodeId id) {
  require_up(id);
  if (cluster().node(id).orders.empty()) {
    throw ScriptError(fmt::format("nothing waits for the disk of node {}", id));
  }
  cluster().sync_one(id);
}

void Stage::crash(NodeId id, bool keep_unsynced) {
  require_up(id);
  TestNode& node = cluster().node(id);
  if (keep_unsynced) {
    for (const Persist& order : node.orders) write(node.disk, order);
  }
  node.orders.clear();
  leading_.erase(id);
  down_.insert(id);
}

void Stage::restart(NodeId id) {
  if (!down(id)) throw ScriptError(fmt::format("node {} is not down", id));
  start(id, cluster().node(id).disk);
}

void Stage::damage(NodeId id, std::size_t kept) {
  if (!down(id)) throw ScriptError(fmt::format("node {} is not down", id));
  TestNode& node = cluster().node(id);
  if (kept >= node.disk.log.size()) throw ScriptError("the log has no more than that");
  node.disk.log.erase(node.disk.log.begin() + static_cast<std::ptrdiff_t>(kept),
                      node.disk.log.end());
  node.disk.doubt = node.disk.base.index + kept + 1;
  node.flushed_index = 0;  // the state machine is made anew
}

void Stage::wipe(NodeId id) {
  leading_.erase(id);
  down_.erase(id);
  cluster().wipe(id);
}

void Stage::start(NodeId id, Disk disk) {
  leading_.erase(id);
  down_.erase(id);
  cluster().start(id, std::move(disk));
}

void Stage::arrive(Envelope envelope) {
  const NodeId from = envelope.from;
  const NodeId to = envelope.to;
  if (down(to) || cuts_.contains({from, to, ""}) ||
      cuts_.contains({from, to, std::string(message_name(envelope.message))})) {
    return;
  }
  cluster().deliver(std::move(envelope));
}

void Stage::deliver_while(const std::function<bool(const Envelope&)>& wanted) {
  auto& network = cluster().network;
  for (int delivered = 0;; ++delivered) {
    const auto next = std::find_if(network.begin(), network.end(), wanted);
    if (next == network.end()) return;
    if (delivered == kMostDeliveries) throw ScriptError("the network never falls silent");
    Envelope envelope = std::move(*next);
    network.erase(next);
    arrive(std::move(envelope));
  }
}

void Stage::deliver_all() {
  deliver_while([](const Envelope&) { return true; });
}

std::deque<Envelope> Stage::take(const Selection& selection) {
  std::deque<Envelope> taken;
  std::deque<Envelope> left;
  for (Envelope& each : cluster().network) {
    const bool wanted = selection.matches(each.from, each.to, message_name(each.message)) &&
                        (!selection.count || taken.size() < *selection.count);
    (wanted ? taken : left).push_back(std::move(each));
  }
  cluster().network = std::move(left);
  return taken;
}

std::size_t Stage::deliver(const Selection& selection) {
  const auto taken = take(selection);
  for (const Envelope& each : taken) arrive(each);
  return taken.size();
}

std::size_t Stage::drop(const Selection& selection) { return take(selection).size(); }

std::size_t Stage::duplicate(const Selection& selection) {
  std::deque<Envelope> before = cluster().network;
  const auto copies = take(selection);
  before.insert(before.end(), copies.begin(), copies.end());
  cluster().network = std::move(before);
  return copies.size();
}

std::size_t Stage::delay(const Selection& selection) {
  const auto taken = take(selection);
  delayed_.insert(delayed_.end(), taken.begin(), taken.end());
  return taken.size();
}

void Stage::resume() {
  if (delayed_.empty()) throw ScriptError("nothing is delayed");
  auto& network = cluster().network;
  network.insert(network.begin(), delayed_.begin(), delayed_.end());
  delayed_.clear();
}

std::vector<Stage::Cut> Stage::cuts_of(const Selection& selection) const {
  std::vector<Cut> cuts;
  for (const NodeId from : nodes_) {
    for (const NodeId to : nodes_) {
      const std::string kind = selection.kind.value_or("");
      if (from != to && selection.matches(from, to, kind)) cuts.emplace_back(from, to, kind);
    }
  }
  return cuts;
}

void Stage::cut(const Selection& selection) {
  for (const Cut& each : cuts_of(selection)) cuts_.insert(each);
}

void Stage::heal(const Selection& selection) {
  std::erase_if(cuts_, [&](const Cut& cut) {
    const auto& [from, to, kind] = cut;
    return selection.matches(from, to, kind);
  });
}

void Stage::note_standing(NodeId id, const Standing& standing) {
  const auto led = leading_.find(id);
  if (led != leading_.end() && (standing.role != Role::kLeader || standing.term != led->second)) {
    tell(fmt::format("{} no longer leads term {}", id, led->second));
    leading_.erase(led);
  }
  if (standing.role == Role::kLeader && leading_.emplace(id, standing.term).second) {
    tell(fmt::format("{} leads term {}", id, standing.term));
  }
}

void Stage::note(NodeId id, const Effects& effects) {
  if (effects.standing) note_standing(id, *effects.standing);
  const Index applied = state(id).output.applied_to;
  if (effects.apply) {
    for (const CommittedEntry& each : effects.apply->entries) {
      if (!each.request) continue;
      tell(fmt::format("{} answers {}: done at {}/{}", id, requests_.at(*each.request),
                       each.entry.index, each.entry.term));
    }
  }
  for (const RequestNumber request : effects.serve_reads) {
    tell(fmt::format("{} answers {}: read at {}", id, requests_.at(request), applied));
  }
  note_answers(id, effects);
}

void Stage::note_answers(NodeId id, const Effects& effects) {
  for (const Complete& done : effects.completions) {
    tell(fmt::format("{} answers {}: done, {}", id, requests_.at(done.request), done.number));
  }
  for (const Refuse& refusal : effects.refusals) {
    tell(fmt::format("{} answers {}: {}{}", id, requests_.at(refusal.request),
                     refusal_name(refusal.reason),
                     refusal.detail.empty() ? "" : fmt::format(" ({})", refusal.detail)));
  }
}

}  // namespace raft
