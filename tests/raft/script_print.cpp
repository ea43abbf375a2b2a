#include "script_print.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace raft {
namespace {

template <std::size_t... Kinds>
auto message_names(std::index_sequence<Kinds...>) {
  return std::array{message_name(Message(std::variant_alternative_t<Kinds, Message>{}))...};
}

std::string_view yes_or_no(bool granted) { return granted ? "granted" : "denied"; }

std::string places(const std::vector<Entry>& entries) {
  if (entries.empty()) return ", no entries";
  std::string text = ", entries";
  for (const Entry& entry : entries) text += fmt::format(" {}/{}", entry.index, entry.term);
  return text;
}

template <typename Numbers>
std::string list(std::string_view name, const Numbers& numbers) {
  if (numbers.empty()) return "";
  std::string text(name);
  for (const auto& number : numbers) text += fmt::format(" {}", number);
  return text;
}

std::vector<NodeId> ids_of(const std::vector<Member>& members) {
  std::vector<NodeId> ids;
  for (const Member& member : members) ids.push_back(member.id);
  return ids;
}

// Those that say something, with commas between.
std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) {
    if (!part.empty()) text += (text.empty() ? "" : ", ") + part;
  }
  return text;
}

std::string describe_change(const MembershipChange& change) {
  return joined({list("add", ids_of(change.add_voters)),
                 list("learner", ids_of(change.add_learners)), list("promote", change.promote),
                 list("remove", change.remove)});
}

// What a message says beyond its term.
struct Content {
  std::string operator()(const PreVoteRequest& m) const {
    return fmt::format(", for term {}, log ends at {}/{}", m.proposed_term, m.last_log_index,
                       m.last_log_term);
  }
  std::string operator()(const PreVoteReply& m) const {
    return fmt::format(", for term {}: {}", m.proposed_term, yes_or_no(m.vote_granted));
  }
  std::string operator()(const RequestVote& m) const {
    return fmt::format(", log ends at {}/{}{}", m.last_log_index, m.last_log_term,
                       m.transfer ? ", wanted by the leader" : "");
  }
  std::string operator()(const RequestVoteReply& m) const {
    return fmt::format(": {}", yes_or_no(m.vote_granted));
  }
  std::string operator()(const AppendEntries& m) const {
    return fmt::format(", after {}/{}, commit {}{}", m.prev_log_index, m.prev_log_term,
                       m.leader_commit, places(m.entries));
  }
  std::string operator()(const AppendEntriesAccepted& m) const {
    return fmt::format(", matches to {}", m.match_index);
  }
  std::string operator()(const AppendEntriesRejected& m) const {
    return fmt::format(", no match at {}, at best {}/{}", m.prev_log_index, m.hint_index,
                       m.hint_term);
  }
  std::string operator()(const Heartbeat& m) const {
    return fmt::format(", commit {}, read round {}", m.commit_index, m.read_round);
  }
  std::string operator()(const CommitAdvanced& m) const {
    return fmt::format(", commit {}", m.commit_index);
  }
  std::string operator()(const HeartbeatReply& m) const {
    return fmt::format(", read round {}, log ends at {}", m.read_round, m.last_log_index);
  }
  std::string operator()(const ForwardCommands& m) const {
    std::string text = ", commands";
    for (const auto& each : m.commands) text += fmt::format(" {}", each.command.view());
    return text;
  }
  std::string operator()(const ForwardCommandsReply& m) const {
    std::string text =
        fmt::format(", {} taken, {} refused", m.accepted.size(), m.refused_busy.size());
    if (!m.passed_back.empty()) text += fmt::format(", {} passed back", m.passed_back.size());
    return text;
  }
  std::string operator()(const ReadIndexRequest& m) const {
    return fmt::format(", round {}", m.round);
  }
  std::string operator()(const ReadIndexReply& m) const {
    return fmt::format(", round {}, {}", m.round,
                       m.read_index ? fmt::format("index {}", *m.read_index) : "not led here");
  }
  std::string operator()(const TimeoutNow&) const { return ""; }
  std::string operator()(const InstallSnapshot& m) const {
    return fmt::format(", up to {}/{}, {}, bytes {} to {} of {}", m.head.last.index,
                       m.head.last.term, describe(m.head.configuration), m.offset,
                       m.offset + m.bytes.size(), m.head.size);
  }
  std::string operator()(const InstallSnapshotReply& m) const {
    return fmt::format(", up to {}, next byte {}", m.snapshot_index, m.demand.next_offset);
  }
  std::string operator()(const ForwardChange& m) const {
    return fmt::format(", {}", describe_change(m.change));
  }
  std::string operator()(const ForwardChangeReply& m) const {
    if (m.index) return fmt::format(", taken at {}", *m.index);
    return fmt::format(", {} ({})", refusal_name(m.reason), m.detail);
  }
  std::string operator()(const ForwardTransfer& m) const {
    return m.target ? fmt::format(", to {}", *m.target) : "";
  }
  std::string operator()(const ForwardTransferReply& m) const {
    return fmt::format(", {} ({})", refusal_name(m.reason), m.detail);
  }
  std::string operator()(const Hello& m) const {
    return fmt::format(", node {} with directory {}{}", m.self.id, m.self.identity,
                       m.asks ? ", who are you?" : "");
  }
  std::string operator()(const RepairRequest& m) const {
    return fmt::format(", log to {}", m.last_index);
  }
  std::string operator()(const RepairReply& m) const {
    return fmt::format(", log to {}", m.last_index);
  }
  std::string operator()(const DiskSpaceReport& m) const {
    static constexpr std::array<std::string_view, 3> kWords = {"enough", "little", "no"};
    return fmt::format(", {} room", kWords[static_cast<std::size_t>(m.space)]);
  }
  std::string operator()(const ForwardCommandsRefused& m) const {
    return fmt::format(", {} refused, {} ({})", m.requests.size(), refusal_name(m.reason),
                       m.detail);
  }
};

std::string_view kind_name(EntryKind kind) {
  switch (kind) {
    case EntryKind::kNoOperation:
      return "no-op";
    case EntryKind::kCommand:
      return "command";
    case EntryKind::kConfiguration:
      return "configuration";
  }
  return "unknown";
}

std::string log_terms(const Log& log) {
  std::string text;
  if (log.first_index() > 1) text = fmt::format("({}...)", log.first_index());
  for (Index index = log.first_index(); index <= log.last_index(); ++index) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", *log.term_at(index));
  }
  return text;
}

}  // namespace

bool is_message_name(std::string_view name) {
  static const auto names = message_names(std::make_index_sequence<std::variant_size_v<Message>>{});
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view refusal_name(RefusalReason reason) {
  switch (reason) {
    case RefusalReason::kNoLeader:
      return "no leader";
    case RefusalReason::kBusy:
      return "busy";
    case RefusalReason::kUnknownOutcome:
      return "unknown outcome";
    case RefusalReason::kConflict:
      return "conflict";
    case RefusalReason::kDiskFull:
      return "disk full";
  }
  return "unknown";
}

std::string describe(const Message& message) {
  return fmt::format("{}: term {}{}", message_name(message), message_term(message),
                     std::visit(Content{}, message));
}

std::string describe(const Entry& entry) {
  std::string text = fmt::format("{}/{} {}", entry.index, entry.term, kind_name(entry.kind));
  if (entry.kind == EntryKind::kCommand) text += fmt::format(" {}", entry.payload().view());
  if (entry.kind == EntryKind::kConfiguration) {
    text += ": " + describe(*decode_configuration(entry.payload().span()));
  }
  return text;
}

std::string describe(const Configuration& configuration) {
  std::vector<NodeId> learners;
  for (const Member& member : configuration.members) {
    if (!configuration.is_voter(member.id)) learners.push_back(member.id);
  }
  return joined({list("voters", configuration.voters), list("old voters", configuration.old_voters),
                 list("goal", configuration.goal), list("learners", learners)});
}

std::string table_header() { return "node  role           term  vote  commit  disk  log"; }

std::string table_row(const State& state) {
  const auto& vote = state.hard_state.voted_for;
  std::string row = fmt::format("{:<4}  {:<13}  {:>4}  {:>4}  {:>6}  {:>4}  {}", state.id(),
                                role_name(state.standing_role()), state.current_term(),
                                vote ? fmt::to_string(*vote) : "-", state.commit_index,
                                state.durability.durable_index(), log_terms(state.log));
  row.erase(row.find_last_not_of(' ') + 1);
  return row;
}

}  // namespace raft
