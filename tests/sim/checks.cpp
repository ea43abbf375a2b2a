#include "checks.h"

#include <algorithm>

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
  // What comes from the disk was in the log of the core before, and was looked at then.
  const auto& records = node.disk().records();
  view.log.reserve(records.size());
  for (raft::Index index = 1; index <= records.size(); ++index) {
    const Disk::Record& stored = records[index - 1];
    const Record* seen = seen_before(index, stored.term);
    require(seen != nullptr && seen->checksum == stored.checksum,
            "node {}: entry {} of term {} is on its disk, and was in no log", node.id(), index,
            stored.term);
    view.log.push_back(*seen);
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
  raft::Index same = log.last_index();
  while (same > 0 && log.in_memory(same) &&
         !(same <= view.log.size() && view.log[same - 1].checksum == log.at(same).checksum())) {
    --same;
  }
  require(same <= view.log.size(), "node {}: its log reaches {}, but nothing was appended after {}",
          state.id(), same, view.log.size());
  if (same < view.log.size()) {
    require(view.role != raft::Role::kLeader || view.term != state.current_term(),
            "Leader Append-Only: node {} leads term {} and truncates its log from {}", state.id(),
            state.current_term(), same + 1);
    require(same >= view.commit_index,
            "no truncation at or below commit: node {} truncates from {}, committed to {}",
            state.id(), same + 1, view.commit_index);
    view.log.resize(same);
  }
  for (raft::Index index = same + 1; index <= log.last_index(); ++index) {
    const raft::Entry& entry = log.at(index);
    check_appended(entry, view);
    view.log.push_back(*seen_before(index, entry.term));
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
  const raft::Index index = view.log.size() + 1;
  require(entry.index == index, "Log Matching: entry {} is stored at {}", entry.index, index);
  require(entry.previous_checksum() == (view.log.empty() ? 0 : view.log.back().checksum),
          "Log Matching: entry {} of term {} does not follow the record before it", index,
          entry.term);
  require(view.log.empty() || entry.term >= view.log.back().term,
          "terms in a log do not fall: entry {} of term {} after term {}", index, entry.term,
          view.log.empty() ? 0 : view.log.back().term);
  if (const Record* seen = seen_before(index, entry.term)) {
    require(seen->checksum == entry.checksum(),
            "Log Matching: two entries {} of term {}: checksums {:016x} and {:016x}", index,
            entry.term, seen->checksum, entry.checksum());
    return;
  }
  if (seen_.size() < index) seen_.resize(index);
  const auto command = Command::of(entry);
  seen_[index - 1].push_back({entry.term, entry.checksum(), command ? command->write : 0});
}

void Checks::check_new_leader(const Node& node, const View& view) {
  ++report_.statistics.elections_won;
  const raft::Term term = node.state().current_term();
  const auto [leader, is_new] = leaders_.emplace(term, node.id());
  require(leader->second == node.id(), "Election Safety: nodes {} and {} lead term {}",
          leader->second, node.id(), term);
  const auto own_vote = votes_.find({node.id(), term});
  require(node.disk().hard_state() == raft::HardState{term, node.id()} && own_vote != votes_.end(),
          "vote durable before it counts: node {} leads term {}, its disk knows term {}", node.id(),
          term, node.disk().hard_state().current_term);
  const auto granted =
      static_cast<std::size_t>(std::count_if(nodes_.begin(), nodes_.end(), [&](const auto& voter) {
        const auto vote = votes_.find({voter->id(), term});
        return vote != votes_.end() && vote->second == node.id();
      }));
  require(granted >= majority(), "a majority elects: node {} leads term {} with {} votes of {}",
          node.id(), term, granted, nodes_.size());
  raft::Index last = committed_.size();
  while (last > 0 && committed_[last - 1].by_term >= term) --last;
  require(last == 0 || (view.log.size() >= last &&
                        view.log[last - 1].checksum == committed_[last - 1].checksum),
          "Leader Completeness: node {} leads term {} without entry {}, committed in term {}",
          node.id(), term, last, last == 0 ? 0 : committed_[last - 1].by_term);
}

void Checks::check_commit(const raft::State& state, const View& view) {
  if (state.commit_index <= view.commit_index) return;
  const bool leads = state.role() == raft::Role::kLeader;
  require(state.commit_index <= view.log.size(), "node {} commits {}, its log ends at {}",
          state.id(), state.commit_index, view.log.size());
  require(!leads || view.log[state.commit_index - 1].term == state.current_term(),
          "only own-term entries commit by counting (A1): node {} of term {} commits {} of term {}",
          state.id(), state.current_term(), state.commit_index,
          view.log[state.commit_index - 1].term);
  for (raft::Index index = view.commit_index + 1; index <= state.commit_index; ++index) {
    const Record& record = view.log[index - 1];
    if (index > committed_.size()) {
      commit(index, record, state.current_term());
    } else {
      require(committed_[index - 1].checksum == record.checksum,
              "State Machine Safety: node {} commits another entry {} (term {}) than was "
              "committed before (term {})",
              state.id(), index, record.term, committed_[index - 1].term);
    }
  }
  require_on_majority(state.commit_index);
}

void Checks::commit(raft::Index index, const Record& record, raft::Term by_term) {
  ++report_.statistics.committed;
  committed_.push_back({record.term, record.checksum, record.write, by_term});
  for (const auto& other : nodes_) {
    const auto seen = views_.find(other->id());
    if (seen == views_.end() || !other->runs()) continue;
    const View& view = seen->second;
    const bool later_leader = view.role == raft::Role::kLeader && view.term > by_term;
    require(!later_leader ||
                (view.log.size() >= index && view.log[index - 1].checksum == record.checksum),
            "Leader Completeness: node {} leads term {} without entry {}, committed in term {}",
            other->id(), view.term, index, by_term);
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
    // A follower that has moved on to a later term owes this leader nothing more.
    if (match == 0 || disk.hard_state().current_term > state.current_term()) continue;
    require(match <= view.log.size() && disk.holds(match, view.log[match - 1].checksum),
            "match_index is on the follower's disk: node {} of term {} believes that node {} "
            "matches {}, its disk ends at {}",
            state.id(), state.current_term(), peer, match, disk.last_index());
  }
  const raft::Index durable = state.durability.durable_index();
  require(durable <= nodes_[state.id() - 1]->disk().last_index(),
          "node {} counts its own disk to {}, it ends at {}", state.id(), durable,
          nodes_[state.id() - 1]->disk().last_index());
}

void Checks::vote(raft::NodeId voter, raft::Term term, raft::NodeId candidate) {
  const auto [seen, is_new] = votes_.emplace(std::pair(voter, term), candidate);
  require(seen->second == candidate, "one vote a term (A7): node {} votes for {} and {} in term {}",
          voter, seen->second, candidate, term);
}

void Checks::on_hard_state_durable(const Node& node) {
  const raft::HardState& durable = node.disk().hard_state();
  if (durable.voted_for) vote(node.id(), durable.current_term, *durable.voted_for);
}

void Checks::on_sent(const Node& node, const raft::Send& send) {
  const raft::HardState& durable = node.disk().hard_state();
  const raft::Term term = raft::message_term(send.message);
  require(term <= durable.current_term,
          "a term is durable before it is spoken: node {} sends {} of term {}, its disk knows {}",
          node.id(), raft::message_name(send.message), term, durable.current_term);
  if (const auto* reply = std::get_if<raft::RequestVoteReply>(&send.message)) {
    if (!reply->vote_granted) return;
    require(durable.current_term > term || durable.voted_for == send.to,
            "a vote is durable before it is spoken (A7): node {} grants term {} to node {}",
            node.id(), term, send.to);
    vote(node.id(), term, send.to);
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

void Checks::on_applied(const Node& node) {
  const raft::Index applied = node.machine().applied_index();
  if (state_hashes_.size() < applied) state_hashes_.resize(applied);
  std::optional<std::uint64_t>& hash = state_hashes_[applied - 1];
  if (!hash) hash = node.machine().state_hash();
  require(hash == node.machine().state_hash(),
          "equal state at equal applied index: node {} differs at {}", node.id(), applied);
}

void Checks::on_not_taken(std::uint64_t write) {
  require(!writes_committed_.contains(write),
          "a write refused as not taken has no effect: write {} was committed", write);
  writes_not_taken_.insert(write);
}

std::size_t Checks::disks_with(raft::Index index, std::uint64_t checksum) const {
  return static_cast<std::size_t>(
      std::count_if(nodes_.begin(), nodes_.end(),
                    [&](const auto& node) { return node->disk().holds(index, checksum); }));
}

void Checks::require_on_majority(raft::Index index) const {
  require(index <= committed_.size(), "entry {} is not committed", index);
  const std::size_t disks = disks_with(index, committed_[index - 1].checksum);
  require(disks >= majority(),
          "what is committed is on the disks of a majority: entry {} of term {} is on {} of {}",
          index, committed_[index - 1].term, disks, nodes_.size());
}

bool Checks::has_all_committed(const Node& node) const {
  const View& view = views_.at(node.id());
  const raft::Index last = committed_.size();
  return node.runs() && view.commit_index == last && node.machine().applied_index() == last &&
         view.log.size() == last && node.disk().last_index() == last &&
         (last == 0 || node.disk().holds(last, committed_.back().checksum));
}

}  // namespace sim
