#include "broadcast_model.h"

#include <algorithm>
#include <variant>

#include "base/checksum.h"

namespace sim {
namespace {

using database::BroadcastKind;

std::uint64_t checksum_of(std::string_view payload) {
  return base::checksum(std::as_bytes(std::span<const char>(payload)));
}

// The write in a command that is one, under a session or not.
std::optional<database::Write> write_in(const database::Command& command) {
  using Found = std::optional<database::Write>;
  if (const auto* set = std::get_if<database::SetCommand>(&command)) return Found(*set);
  if (const auto* deletion = std::get_if<database::DeleteCommand>(&command)) {
    return Found(*deletion);
  }
  if (const auto* publication = std::get_if<database::PublishCommand>(&command)) {
    return Found(*publication);
  }
  if (const auto* named = std::get_if<database::SessionCommand>(&command)) return named->write;
  return std::nullopt;
}

}  // namespace

void BroadcastModel::on_first_applied(const raft::Entry& entry, const AppliedEntry& applied) {
  require(entry.index == applied_to_ + 1, "entry {} is applied first after {}", entry.index,
          applied_to_);
  applied_to_ = entry.index;
  const auto expected = change_of(entry, applied);
  require(applied.broadcasts.size() == (expected ? 1 : 0),
          "a broadcast for each change: entry {} has {}", entry.index, applied.broadcasts.size());
  if (!expected) return;
  require_same(nullptr, applied.broadcasts.front(), *expected);
  changes_.push_back(*expected);
}

// None where the entry took no effect of its own: no write, a repeated one, or one of a session
// that is not open.
std::optional<BroadcastModel::Change> BroadcastModel::change_of(const raft::Entry& entry,
                                                                const AppliedEntry& applied) {
  const bool refused = std::holds_alternative<database::SessionExpired>(applied.outcome) ||
                       std::holds_alternative<database::SeqTooOld>(applied.outcome);
  if (write_of(entry) == 0 || refused || applied.effect_index != entry.index) return std::nullopt;
  const base::SharedBytes payload = entry.payload();
  const auto command = database::decode_command(command_in(payload));
  require(command.ok(), "entry {} holds no command", entry.index);
  const auto write = write_in(*command);
  if (!write) return std::nullopt;
  auto expected =
      std::visit([&](const auto& each) { return change(each, applied.outcome); }, *write);
  if (expected) {
    expected->index = entry.index;
    expected->term = entry.term;
  }
  return expected;
}

std::optional<BroadcastModel::Change> BroadcastModel::change(const database::SetCommand& set,
                                                             const database::Outcome& outcome) {
  const std::uint64_t version = ++versions_[std::string(set.key)];
  const auto* told = std::get_if<database::SetOutcome>(&outcome);
  require(told != nullptr && told->version == version, "a set makes version {}: {} was told",
          version, told == nullptr ? 0 : told->version);
  return Change{BroadcastKind::kSet,   0, 0, version, "kv/" + std::string(set.key),
                checksum_of(set.value)};
}

std::optional<BroadcastModel::Change> BroadcastModel::change(
    const database::DeleteCommand& deletion, const database::Outcome& outcome) {
  const auto found = versions_.find(std::string(deletion.key));
  const auto* told = std::get_if<database::DeleteOutcome>(&outcome);
  require(told != nullptr && told->found == (found != versions_.end()),
          "a delete tells whether the key was there");
  if (found == versions_.end()) return std::nullopt;
  const std::uint64_t version = found->second + 1;
  versions_.erase(found);
  return Change{BroadcastKind::kDelete, 0, 0, version, "kv/" + std::string(deletion.key),
                checksum_of({})};
}

std::optional<BroadcastModel::Change> BroadcastModel::change(
    const database::PublishCommand& publication, const database::Outcome& outcome) {
  const std::uint64_t seq = ++seqs_[std::string(publication.channel)];
  const auto* told = std::get_if<database::PublishOutcome>(&outcome);
  require(told != nullptr && told->seq == seq, "a publication gets seq {}: {} was told", seq,
          told == nullptr ? 0 : told->seq);
  return Change{BroadcastKind::kPublish,       0, 0, seq, "ch/" + std::string(publication.channel),
                checksum_of(publication.value)};
}

void BroadcastModel::require_same(const Node* node, const database::Broadcast& broadcast,
                                  const Change& expected) {
  require(broadcast.kind == expected.kind && broadcast.index == expected.index &&
              broadcast.term == expected.term && broadcast.number == expected.number &&
              broadcast.topic == expected.topic &&
              checksum_of(broadcast.payload.view()) == expected.payload,
          "broadcasts are gapless, in order, never retracted: {} has {} of {} at index {} where {} "
          "of {} at index {} is due",
          node == nullptr ? "an entry" : fmt::format("the replay of node {}", node->id()),
          broadcast.number, broadcast.topic, broadcast.index, expected.number, expected.topic,
          expected.index);
}

void BroadcastModel::check_replay(const Node& node) const {
  const raft::Index applied = node.machine().applied_index();
  raft::Index after = 0;
  const auto first = node.machine().replay(after);
  if (const auto* compacted = std::get_if<database::Compacted>(&first)) {
    require(compacted->first_index > 0 && compacted->first_index <= applied + 1,
            "node {} keeps broadcasts from {} on, and has applied {}", node.id(),
            compacted->first_index, applied);
    after = compacted->first_index - 1;
  }
  auto expected = std::partition_point(changes_.begin(), changes_.end(),
                                       [&](const Change& each) { return each.index <= after; });
  while (after < applied) {
    const auto answer = node.machine().replay(after);
    const auto* replay = std::get_if<database::Replay>(&answer);
    require(replay != nullptr && replay->complete_to > after && replay->complete_to <= applied,
            "node {}, which has applied {}, does not replay what is after {}", node.id(), applied,
            after);
    for (const database::Broadcast& broadcast : replay->broadcasts) {
      require(expected != changes_.end(), "node {} replays a change at {} that there never was",
              node.id(), broadcast.index);
      require_same(&node, broadcast, *expected++);
    }
    after = replay->complete_to;
    require(expected == changes_.end() || expected->index > after,
            "broadcasts are gapless: node {} does not replay the change at {}", node.id(),
            expected->index);
  }
}

}  // namespace sim
