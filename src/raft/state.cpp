#include "raft/state.h"

#include <algorithm>

#include "base/check.h"

namespace raft {
namespace {

// All voters, as the settings of a new cluster say.
Configuration first_configuration(const std::vector<Member>& members) {
  Configuration configuration;
  configuration.members = members;
  std::sort(configuration.members.begin(), configuration.members.end(),
            [](const Member& a, const Member& b) { return a.id < b.id; });
  for (const Member& member : configuration.members) configuration.voters.push_back(member.id);
  return configuration;
}

}  // namespace

void CommandsByRequest::add(RequestNumber request, base::SharedBytes command) {
  bytes_ += record_bytes(command);
  const bool is_new = commands_.try_emplace(request, std::move(command)).second;
  CHECK(is_new, "request {} is held a second time", request);
}

State::State(Options given, const Restored& restored)
    : options(std::move(given)),
      configurations(restored, first_configuration(options.first_members)),
      quorum({}),
      random(options.seed),
      hard_state(restored.hard_state),
      log(restored),
      durability(log.last_index()),
      role_state(FollowerState{}),
      commit_index(restored.applied_index),
      applied_index(restored.applied_index),
      snapshots({options.snapshot_bytes_per_second, options.heartbeat_interval_ms}) {
  CHECK(applied_index >= log.base().index && applied_index <= log.last_index(),
        "applied to {}, but the log goes from {} to {}", applied_index, log.first_index(),
        log.last_index());
  CHECK(!restored.snapshot ||
            log.term_at(restored.snapshot->last.index) == restored.snapshot->last.term,
        "the snapshot ends at {}, where a log from {} to {} does not agree with it",
        restored.snapshot->last.index, log.first_index(), log.last_index());
  CHECK(log.last_term() <= current_term(), "the log is of term {}, the vote of term {}",
        log.last_term(), current_term());
  follow_configuration();
  if (restored.doubt) {
    doubt = Doubt{.from = *restored.doubt, .proven = *restored.doubt - 1, .nonce = random.next()};
  }
  snapshots.newest = restored.snapshot;
  snapshots.log_bytes_since = restored.log_bytes;
  output.persisted_to = log.last_index();
  output.applied_to = applied_index;
  if (applied_index == log.base().index) output.applied_position = log.base();
  if (log.in_memory(applied_index)) output.applied_position = position_of(log.at(applied_index));
}

void State::append_to_log(std::vector<Entry> entries) {
  bool changed = false;
  for (const Entry& entry : entries) {
    if (entry.kind != EntryKind::kConfiguration) continue;
    // It decodes: decode_entry made sure, or this node encoded it.
    configurations.append(entry.index, *decode_configuration(entry.payload().span()));
    changed = true;
  }
  log.append(std::move(entries));
  if (changed) follow_configuration();
}

void State::truncate_log_from(Index index) {
  log.truncate_from(index);
  configurations.truncate_from(index);
  follow_configuration();
}

void State::follow_configuration() {
  quorum = Quorum(configuration().voters, configuration().old_voters);
}

bool State::is_voter() const {
  return quorum.is_voter(id()) && is_member({id(), options.self.identity});
}

bool State::may_stand() const {
  if (doubt) return false;
  if (is_voter()) return true;
  return configurations.index() > commit_index &&
         configurations.have_voter_since(commit_index, {id(), options.self.identity});
}

bool State::has_left() const {
  const bool known = configurations.index() > 0 && configurations.index() <= commit_index;
  return known && !is_member({id(), options.self.identity});
}

bool State::awaits_admission() const {
  const Member* self = configuration().find(id());
  return configurations.index() == 0 && self != nullptr && self->identity == 0;
}

bool State::is_member(const Peer& peer) const {
  const Member* member = configuration().find(peer.id);
  return member != nullptr && member->identity != 0 && member->identity == peer.identity;
}

Peer State::peer(NodeId node) const {
  const auto* follower = as<FollowerState>();
  if (follower != nullptr && follower->leader && follower->leader->id == node) {
    return *follower->leader;
  }
  if (const Member* member = configuration().find(node)) return {node, member->identity};
  if (const auto* leading = as<LeaderState>()) {
    const auto departure = leading->departures.find(node);
    if (departure != leading->departures.end()) return {node, departure->second.identity};
  }
  return {node, 0};
}

std::optional<NodeId> State::leader() const {
  if (role() == Role::kLeader) return id();
  const auto* follower = as<FollowerState>();
  if (follower == nullptr || !follower->leader) return std::nullopt;
  return follower->leader->id;
}

void State::send(const Peer& to, Message message) {
  CHECK(to.id != id(), "node {} sends {} to itself", id(), message_name(message));
  output.effects.sends.push_back({to, std::move(message)});
}

void State::send_to_voters(const Message& message) {
  for (const NodeId voter : quorum.voters()) {
    if (voter != id()) send(voter, message);
  }
}

void State::promise(const Peer& to, Message message) {
  CHECK(to.id != id(), "node {} promises {} to itself", id(), message_name(message));
  output.promises.push_back({to, std::move(message)});
}

void State::refuse(RequestNumber request, RefusalReason reason, std::string detail) {
  output.effects.refusals.push_back({request, reason, std::move(detail)});
}

void State::complete(RequestNumber request, std::uint64_t number) {
  output.effects.completions.push_back({request, number});
}

void State::trace(TraceLevel level, std::string text) {
  output.effects.traces.push_back({level, std::move(text)});
}

}  // namespace raft
