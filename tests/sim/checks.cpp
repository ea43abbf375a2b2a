#include "checks.h"

#include <algorithm>

#include "raft/reads.h"

namespace sim {

void Checks::on_stepped(const Node& node) {
  const raft::State& state = node.state();
  View& view = views_[node.id()];
  if (view.start != node.starts()) restart(node, view);
  check_log(state, view);
  if (state.role() == raft::Role::kLeader &&
      (view.role != raft::Role::kLeader || view.term != state.current_term())) {
    check_new_leader(node, view);
  }
  check_commit(state, view);
  check_matches(state, view);
  check_limits(state);
  check_configurations(state, view);
  const auto& waiting = state.waiting_writes;
  require(std::is_sorted(waiting.begin(), waiting.end(),
                         [](const auto& a, const auto& b) { return a.index < b.index; }),
          "node {}: the writes that wait are not in the order of their indices", node.id());
  view.role = state.role();
  view.term = state.current_term();
  view.commit_index = state.commit_index;
}

void Checks::restart(const Node& node, View& view) {
  view = {};
  view.start = node.starts();
  view.base = node.disk().base_index();
  // What comes from the disk was in the log of the core before, and was looked at then.
  const auto& records = node.disk().records();
  view.log.reserve(records.size());
  for (const Disk::Record& stored : records) {
    const raft::Index index = view.last() + 1;
    const Record* seen = seen_before(index, stored.term);
    require(seen != nullptr && seen->checksum == stored.checksum,
            "node {}: entry {} of term {} is on its disk, and was in no log", node.id(), index,
            stored.term);
    view.append(*seen);
  }
  // What others were promised is still there.
  for (const auto& other : nodes_) {
    if (other->runs() && other->id() != node.id())
      check_matches(other->state(), views_[other->id()]);
  }
}

// Brings the view of the log up to the core's, and checks what changed.
void Checks::check_log(const raft::State& state, View& view) {
  const raft::Log& log = state.log;
  const raft::LogPosition& base = log.base();
  raft::Index same = log.last_index();
  const auto is_known = [&](raft::Index index, std::uint64_t checksum) {
    const Record* record = view.at(index);
    return record != nullptr && record->checksum == checksum;
  };
  while (same > base.index && log.in_memory(same) && !is_known(same, log.at(same).checksum())) {
    --same;
  }
  const bool joins =
      same > base.index || same == view.base ||
      (base.checksum == 0 ? view.at(same) != nullptr : is_known(same, base.checksum));
  if (!joins) {
    // A snapshot has taken the place of the log.
    require(base.index <= committed_.size() && committed_[base.index - 1].checksum == base.checksum,
            "a snapshot holds what is committed: node {} begins anew after {}", state.id(),
            base.index);
    view.base = base.index;
    view.log.clear();
    view.configurations.clear();
    view.commit_index = std::max(view.commit_index, base.index);
  }
  require(same <= view.last(), "node {}: its log reaches {}, but nothing was appended after {}",
          state.id(), same, view.last());
  if (same < view.last()) {
    require(view.role != raft::Role::kLeader || view.term != state.current_term(),
            "Leader Append-Only: node {} leads term {} and truncates its log from {}", state.id(),
            state.current_term(), same + 1);
    require(same >= view.commit_index,
            "no truncation at or below commit: node {} truncates from {}, committed to {}",
            state.id(), same + 1, view.commit_index);
    view.truncate_behind(same);
  }
  for (raft::Index index = same + 1; index <= log.last_index(); ++index) {
    const raft::Entry& entry = log.at(index);
    check_appended(entry, view);
    view.append(*seen_before(index, entry.term));
  }
}

const Checks::Record* Checks::seen_before(raft::Index index, raft::Term term) const {
  if (index > seen_.size()) return nullptr;
  for (const Record& record : seen_[index - 1]) {
    if (record.term == term) return &record;
  }
  return nullptr;
}

// Log Matching: equal index and term, equal record; and as each record names the one before it,
// equal logs up to there.
void Checks::check_appended(const raft::Entry& entry, const View& view) {
  const raft::Index index = view.last() + 1;
  require(entry.index == index, "Log Matching: entry {} is stored at {}", entry.index, index);
  if (!view.log.empty()) {
    require(entry.previous_checksum() == view.log.back().checksum,
            "Log Matching: entry {} of term {} does not follow the record before it", index,
            entry.term);
    require(entry.term >= view.log.back().term,
            "terms in a log do not fall: entry {} of term {} after term {}", index, entry.term,
            view.log.back().term);
  } else if (index > 1) {
    require(entry.previous_checksum() == committed_[index - 2].checksum,
            "Log Matching: entry {} of term {} does not follow the snapshot before it", index,
            entry.term);
  }
  if (const Record* seen = seen_before(index, entry.term)) {
    require(seen->checksum == entry.checksum(),
            "Log Matching: two entries {} of term {}: checksums {:016x} and {:016x}", index,
            entry.term, seen->checksum, entry.checksum());
    return;
  }
  if (seen_.size() < index) seen_.resize(index);
  Record record{entry.term, entry.checksum(), write_of(entry), nullptr};
  if (entry.kind == raft::EntryKind::kConfiguration) {
    record.configuration = std::make_shared<const raft::Configuration>(
        *raft::decode_configuration(entry.payload().span()));
    check_transition(view, *record.configuration);
    const auto& voters = record.configuration->voters;
    if (voters.size() == 1) only_voters_.insert(voters.front());
  }
  seen_[index - 1].push_back(std::move(record));
}

void Checks::check_new_leader(const Node& node, const View& view) {
  ++report_.statistics.elections_won;
  const raft::Term term = node.state().current_term();
  const auto [leader, is_new] = leaders_.emplace(term, node.id());
  require(leader->second == node.id(), "Election Safety: nodes {} and {} lead term {}",
          leader->second, node.id(), term);
  const auto own_vote = votes_.find({node.disk().identity(), term});
  require(node.disk().hard_state() == raft::HardState{term, node.id()} && own_vote != votes_.end(),
          "vote durable before it counts: node {} leads term {}, its disk knows term {}", node.id(),
          term, node.disk().hard_state().current_term);
  const raft::Configuration& configuration = node.state().configuration();
  // Of a directory that was lost since, too: it was durable when it was spoken.
  std::set<raft::NodeId> granted;
  for (const raft::Member& member : configuration.members) {
    const auto vote = votes_.find({member.identity, term});
    if (vote != votes_.end() && vote->second == node.id()) granted.insert(member.id);
  }
  require(has_majorities(configuration, granted),
          "a majority elects, by the configuration of who stands: node {} leads term {} with {} "
          "votes",
          node.id(), term, granted.size());
  const bool voted_out = node.state().configurations.have_voter_since(
      node.state().commit_index, {node.id(), node.disk().identity()});
  require(configuration.is_voter(node.id()) || voted_out,
          "a learner never leads (A4): node {} leads term {}", node.id(), term);
  for (const auto& other : nodes_) {
    require(!other->runs() || other->state().current_term() >= term ||
                !raft::has_lease(other->state(), other->clock()),
            "nobody is elected while a leader has a lease: node {} leads term {}, node {} has one",
            node.id(), term, other->id());
  }
  raft::Index last = committed_.size();
  while (last > 0 && committed_[last - 1].by_term >= term) --last;
  require(last == 0 || has_committed(view, last),
          "Leader Completeness: node {} leads term {} without entry {}, committed in term {}",
          node.id(), term, last, last == 0 ? 0 : committed_[last - 1].by_term);
}

bool Checks::has_committed(const View& view, raft::Index index) const {
  if (index <= view.base) return true;  // a snapshot of it was looked at
  const Record* record = view.at(index);
  return record != nullptr && record->checksum == committed_[index - 1].checksum;
}

void Checks::check_commit(const raft::State& state, const View& view) {
  if (state.commit_index <= view.commit_index) return;
  const bool leads = state.role() == raft::Role::kLeader;
  require(state.commit_index <= view.last(), "node {} commits {}, its log ends at {}", state.id(),
          state.commit_index, view.last());
  const Record* newest = view.at(state.commit_index);
  require(!leads || (newest != nullptr && newest->term == state.current_term()),
          "only own-term entries commit by counting (A1): node {} of term {} commits {}",
          state.id(), state.current_term(), state.commit_index);
  const bool is_news = state.commit_index > committed_.size();
  for (raft::Index index = view.commit_index + 1; index <= state.commit_index; ++index) {
    if (index > committed_.size()) {
      commit(index, *view.at(index), state);
    } else {
      require(has_committed(view, index),
              "State Machine Safety: node {} commits another entry {} than was committed before "
              "(term {})",
              state.id(), index, committed_[index - 1].term);
    }
  }
  // By the configuration in force at the leader, which may be younger than the one committed last.
  require(!is_news || is_on_majority_of(*committed_.back().by, state.commit_index),
          "what is committed is on the disks of a majority: node {} of term {} commits {}",
          state.id(), state.current_term(), state.commit_index);
}

void Checks::commit(raft::Index index, const Record& record, const raft::State& by) {
  ++report_.statistics.committed;
  const raft::Term by_term = by.current_term();
  if (committing_ == nullptr || *committing_ != by.configuration()) {
    committing_ = std::make_shared<const raft::Configuration>(by.configuration());
  }
  committed_.push_back({record.term, record.checksum, record.write, by_term, committing_});
  for (const auto& other : nodes_) {
    const auto seen = views_.find(other->id());
    if (seen == views_.end() || !other->runs()) continue;
    const View& view = seen->second;
    const bool later_leader = view.role == raft::Role::kLeader && view.term > by_term;
    require(!later_leader || has_committed(view, index),
            "Leader Completeness: node {} leads term {} without entry {}, committed in term {}",
            other->id(), view.term, index, by_term);
  }
  if (record.configuration != nullptr) {
    ++report_.statistics.changes_committed;
    committed_configuration_ = record.configuration;
    committed_configurations_[index] = record.configuration;
  }
  if (record.write == 0) return;
  require(writes_committed_.insert(record.write).second,
          "each command is applied at most once (A32): write {} again at index {}", record.write,
          index);
  require(!writes_not_taken_.contains(record.write),
          "a write refused as not taken has no effect: write {} is committed at index {}",
          record.write, index);
  const auto floor = floors_.find(record.write);
  require(floor == floors_.end() || index > floor->second,
          "order of real time: write {} at index {} was asked after index {} was answered",
          record.write, index, floor == floors_.end() ? 0 : floor->second);
}

// A leader never believes more of a follower than that follower's disk holds.
void Checks::check_matches(const raft::State& state, const View& view) const {
  const auto* leader = state.as<raft::LeaderState>();
  if (leader == nullptr) return;
  for (const auto& [peer, progress] : leader->peers) {
    const raft::Index match = progress.match_index();
    const Disk& disk = nodes_[peer - 1]->disk();
    // A follower that has moved on to a later term owes this leader nothing more; nor does one
    // that lost the directory with which it promised.
    if (match == 0 || disk.hard_state().current_term > state.current_term()) continue;
    if (!is_intact(state.configuration(), peer)) continue;
    const Record* record = view.at(match);
    const bool compacted = match <= view.base;  // and so committed
    require(
        compacted ? disk.held(match, committed_[match - 1].checksum)
                  : record != nullptr && disk.held(match, record->checksum),
        "match_index is on the follower's disk, or was before it was damaged: node {} of term {} "
        "believes that node {} matches {}, its disk ends at {}",
        state.id(), state.current_term(), peer, match, disk.last_index());
  }
  const raft::Index durable = state.durability.durable_index();
  require(durable <= nodes_[state.id() - 1]->disk().last_index(),
          "node {} counts its own disk to {}, it ends at {}", state.id(), durable,
          nodes_[state.id() - 1]->disk().last_index());
}

// Queues and windows within their limits; a last message or entry may be as large as it is.
void Checks::check_limits(const raft::State& state) const {
  const raft::Options& limits = state.options;
  const std::size_t appending = limits.window_bytes + limits.max_append_bytes + kLargestEntryBytes;
  require(state.output.applying_bytes <= limits.max_applying_bytes + kLargestEntryBytes,
          "node {} has handed out {} B that are not applied, {} are allowed", state.id(),
          state.output.applying_bytes, limits.max_applying_bytes);
  const auto* leader = state.as<raft::LeaderState>();
  if (leader == nullptr) return;
  require(leader->pending_bytes <= limits.max_uncommitted_bytes,
          "node {} has taken commands of {} B, {} are allowed", state.id(), leader->pending_bytes,
          limits.max_uncommitted_bytes);
  // Those of before it led count too; what it writes by itself, few and small, does not.
  if (!leader->pending_commands.empty()) {
    const std::size_t unsettled =
        state.log.bytes_between(state.settled_index() + 1, state.log.last_index());
    require(unsettled + leader->pending_bytes <= limits.max_uncommitted_bytes + kLargestEntryBytes,
            "node {} has taken commands of {} B, {} B are not committed, {} are allowed in all",
            state.id(), leader->pending_bytes, unsettled, limits.max_uncommitted_bytes);
  }
  for (const auto& [peer, progress] : leader->peers) {
    require(progress.messages_in_flight() <= limits.window_messages &&
                progress.bytes_in_flight() <= appending,
            "node {} has {} messages of {} B under way to node {}, {} of {} are allowed",
            state.id(), progress.messages_in_flight(), progress.bytes_in_flight(), peer,
            limits.window_messages, limits.window_bytes);
  }
}

// What it lost is committed, or will not be: of the former it has everything again.
void Checks::on_vouching(const Node& node) {
  const Disk& disk = node.disk();
  for (const auto& [index, checksum] : disk.lost()) {
    const bool is_committed =
        index <= committed_.size() && committed_[index - 1].checksum == checksum;
    require(!is_committed || disk.holds(index, checksum),
            "a node vouches for its log once it has all that it acknowledged: node {} lacks entry "
            "{}, which is committed",
            node.id(), index);
  }
  const raft::Index last = std::min<raft::Index>(disk.lost_snapshot(), committed_.size());
  require(last == 0 || disk.holds(last, committed_[last - 1].checksum),
          "a node vouches for its log once it has all that it acknowledged: node {} lacks entry "
          "{} of a snapshot",
          node.id(), last);
}

void Checks::vote(const Node& voter, raft::Term term, raft::NodeId candidate) {
  const auto [seen, is_new] = votes_.emplace(std::pair(voter.disk().identity(), term), candidate);
  require(seen->second == candidate, "one vote a term (A7): node {} votes for {} and {} in term {}",
          voter.id(), seen->second, candidate, term);
}

void Checks::on_hard_state_durable(const Node& node) {
  const raft::HardState& durable = node.disk().hard_state();
  if (durable.voted_for) vote(node, durable.current_term, *durable.voted_for);
}

void Checks::on_sent(const Node& node, const raft::Send& send) {
  const raft::HardState& durable = node.disk().hard_state();
  const raft::Term term = raft::message_term(send.message);
  require(term <= durable.current_term,
          "a term is durable before it is spoken: node {} sends {} of term {}, its disk knows {}",
          node.id(), raft::message_name(send.message), term, durable.current_term);
  if (const auto* reply = std::get_if<raft::RequestVoteReply>(&send.message)) {
    if (!reply->vote_granted) return;
    require(!node.disk().in_doubt(),
            "a node in doubt does not vote (A17): node {} grants term {} to node {}", node.id(),
            term, send.to.id);
    require(durable.current_term > term || durable.voted_for == send.to.id,
            "a vote is durable before it is spoken (A7): node {} grants term {} to node {}",
            node.id(), term, send.to.id);
    vote(node, term, send.to.id);
  } else if (const auto* accepted = std::get_if<raft::AppendEntriesAccepted>(&send.message)) {
    require(durable.current_term > term || accepted->match_index <= node.disk().last_index(),
            "acknowledged after the sync (A15): node {} accepts {}, its disk ends at {}", node.id(),
            accepted->match_index, node.disk().last_index());
  }
}

void Checks::on_apply(const Node& node, const raft::Entry& entry) {
  require(entry.index == node.machine().applied_index() + 1, "node {} applies {} after {}",
          node.id(), entry.index, node.machine().applied_index());
  require(
      entry.index <= committed_.size() && committed_[entry.index - 1].checksum == entry.checksum(),
      "State Machine Safety: node {} applies an entry {} of term {} that was not committed",
      node.id(), entry.index, entry.term);
  require(node.disk().holds(entry.index, entry.checksum()),
          "applied <= durable: node {} applies {}, its disk ends at {}; flushed, the state machine "
          "would be ahead of the log after a crash",
          node.id(), entry.index, node.disk().last_index());
}

void Checks::on_applied(const Node& node, const raft::Entry& entry, const AppliedEntry& applied) {
  constexpr raft::Index kHashEvery = 64;
  if (effects_.size() < entry.index) effects_.resize(entry.index);
  std::optional<Effect>& effect = effects_[entry.index - 1];
  if (!effect) {
    effect = Effect{applied.digest, std::nullopt};
    broadcasts_.on_first_applied(entry, applied);
    sessions_.on_first_applied(entry, applied);
  }
  require(effect->digest == applied.digest,
          "equal outcome at equal applied index: node {} differs at {}", node.id(), entry.index);
  if (entry.index % kHashEvery == 0) check_state(node);
  const auto name = session_seq_of(entry);
  const bool is_first = applied.effect_index == entry.index;
  if (!name || std::holds_alternative<database::SessionExpired>(applied.outcome) ||
      std::holds_alternative<database::SeqTooOld>(applied.outcome)) {
    return;
  }
  const SessionEffect effect_now{applied.effect_index, applied.outcome_digest};
  const auto [seen, is_new] = session_effects_.emplace(*name, effect_now);
  require(seen->second.index == applied.effect_index && (!is_new || is_first),
          "each session request is applied at most once: seq {} of session {} takes effect at {} "
          "and {}",
          name->seq, name->session, seen->second.index, applied.effect_index);
  require(seen->second == effect_now,
          "a retry gets the first answer: seq {} of session {} is told another outcome", name->seq,
          name->session);
}

void Checks::on_restored(const Node& node) {
  if (node.machine().applied_index() > 0) check_state(node);
}

void Checks::check_state(const Node& node) {
  const raft::Index applied = node.machine().applied_index();
  if (effects_.size() < applied) effects_.resize(applied);
  std::optional<Effect>& effect = effects_[applied - 1];
  require(effect.has_value(), "node {} is restored to {}, which was never applied", node.id(),
          applied);
  const std::uint64_t hash = node.machine().state_hash();
  if (!effect->state_hash) effect->state_hash = hash;
  require(effect->state_hash == hash, "equal state at equal applied index: node {} differs at {}",
          node.id(), applied);
  require(node.machine().session_count() <= options_.client.max_sessions,
          "node {} keeps {} sessions, {} are allowed", node.id(), node.machine().session_count(),
          options_.client.max_sessions);
}

void Checks::require_same_state(const Node& node) {
  if (node.machine().applied_index() == 0) return;
  check_state(node);
  broadcasts_.check_replay(node);
}

void Checks::on_not_taken(std::uint64_t write) {
  require(!writes_committed_.contains(write),
          "a write refused as not taken has no effect: write {} was committed", write);
  writes_not_taken_.insert(write);
}

bool Checks::is_intact(const raft::Configuration& configuration, raft::NodeId node) const {
  const raft::Member* member = configuration.find(node);
  return member != nullptr && nodes_[node - 1]->disk().identity() == member->identity &&
         !nodes_[node - 1]->refused();
}

std::set<raft::NodeId> Checks::intact_nodes(const raft::Configuration& configuration,
                                            const std::function<bool(const Node&)>& holds) const {
  std::set<raft::NodeId> nodes;
  for (const auto& node : nodes_) {
    // What a damaged directory held counts: it refuses to take part, but for that it is there.
    const raft::Member* member = configuration.find(node->id());
    const bool counts = member != nullptr && node->disk().identity() == member->identity;
    if (counts && holds(*node)) nodes.insert(node->id());
  }
  return nodes;
}

bool Checks::is_on_majority_of(const raft::Configuration& configuration, raft::Index index) const {
  auto holders = intact_nodes(configuration, [&](const Node& node) {
    return node.disk().held(index, committed_[index - 1].checksum);
  });
  // A directory that was lost since held what it had acknowledged.
  for (const raft::Member& member : configuration.members) {
    const Disk& disk = nodes_[member.id - 1]->disk();
    if (disk.wiped_directory_held(member.identity, index, committed_[index - 1].checksum)) {
      holders.insert(member.id);
    }
  }
  return has_majorities(configuration, holders);
}

void Checks::require_on_majority(raft::Index index) const {
  require(index <= committed_.size(), "entry {} is not committed", index);
  const Committed& committed = committed_[index - 1];
  require(is_on_majority_of(*committed.by, index) ||
              (committed_configuration_ && is_on_majority_of(*committed_configuration_, index)),
          "what is committed is on the disks of a majority: entry {} of term {} is not", index,
          committed.term);
}

bool Checks::has_all_committed(const Node& node) const {
  if (!node.runs()) return false;
  const View& view = views_.at(node.id());
  const raft::Index last = committed_.size();
  return view.commit_index == last && node.machine().applied_index() == last &&
         view.last() == last && node.disk().last_index() == last && !node.disk().damaged() &&
         (last == 0 || node.disk().holds(last, committed_.back().checksum));
}

}  // namespace sim
