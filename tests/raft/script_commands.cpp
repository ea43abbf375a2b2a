#include "script_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "script_print.h"

namespace raft {
namespace {

// How many of what, for all nodes; `priority` for one, `hellos` for none in particular.
struct NodeOptions {
  std::map<std::string, std::uint64_t> numbers;
  std::map<NodeId, std::uint32_t> priorities;
  bool hellos = false;
};

template <typename Option>
void adjust_one(const NodeOptions& given, const char* name, Option& option) {
  const auto number = given.numbers.find(name);
  if (number != given.numbers.end()) option = static_cast<Option>(number->second);
}

void adjust(const NodeOptions& given, Options& options) {
  adjust_one(given, "max_append_bytes", options.max_append_bytes);
  adjust_one(given, "window_messages", options.window_messages);
  adjust_one(given, "log_memory_bytes", options.log_memory_bytes);
  adjust_one(given, "snapshot_log_bytes", options.snapshot_log_bytes);
  adjust_one(given, "trailing_entries", options.trailing_entries);
  adjust_one(given, "snapshot_bytes_per_second", options.snapshot_bytes_per_second);
  adjust_one(given, "max_disk_wait_ms", options.max_disk_wait_ms);
  adjust_one(given, "read_lease_drift_percent", options.read_lease_drift_percent);
  const auto with_priority = [&](Member& member) {
    const auto priority = given.priorities.find(member.id);
    if (priority != given.priorities.end()) member.priority = priority->second;
  };
  with_priority(options.self);
  for (Member& member : options.first_members) {
    with_priority(member);
    // Whose data directory is whose has to be found out.
    if (given.hellos) member.identity = 0;
  }
}

void nodes(Stage& stage, Words& words) {
  constexpr std::array<std::string_view, 8> kNumbers = {
      "max_append_bytes",   "window_messages",         "log_memory_bytes",
      "snapshot_log_bytes", "trailing_entries",        "snapshot_bytes_per_second",
      "max_disk_wait_ms",   "read_lease_drift_percent"};
  const std::size_t count = words.number("count");
  NodeOptions given;
  while (!words.empty()) {
    const std::string option = words.word("an option");
    if (option == "hellos") {
      given.hellos = true;
    } else if (option == "priority") {
      const NodeId id = words.number("node");
      given.priorities[id] = static_cast<std::uint32_t>(words.number("priority"));
    } else if (std::find(kNumbers.begin(), kNumbers.end(), option) != kNumbers.end()) {
      given.numbers[option] = words.number("number");
    } else {
      throw ScriptError(fmt::format("there is no option \"{}\"", option));
    }
  }
  stage.create(
      count, [=](Options& options) { adjust(given, options); }, given.hellos);
}

void join(Stage& stage, Words& words) { stage.join(words.number("node")); }

// What is not named stays as it is on its disk; a new term comes without a vote.
void start(Stage& stage, Words& words) {
  const NodeId id = words.node();
  Disk disk = stage.cluster().node(id).disk;
  if (words.take("term")) disk.hard_state = {words.number("term"), std::nullopt};
  if (words.take("vote")) disk.hard_state.voted_for = words.node();
  if (words.take("log")) {
    std::vector<Term> terms;
    while (!words.empty()) terms.push_back(words.number("term"));
    if (!std::is_sorted(terms.begin(), terms.end())) throw ScriptError("the terms of a log fall");
    disk.log = log_of(terms);
  }
  const Term last_term = disk.log.empty() ? 0 : disk.log.back().term;
  if (last_term > disk.hard_state.current_term) {
    throw ScriptError(fmt::format("the log is of term {}, the node of term {}", last_term,
                                  disk.hard_state.current_term));
  }
  stage.start(id, std::move(disk));
}

void elect(Stage& stage, Words& words) { stage.elect(words.node()); }
void stand(Stage& stage, Words& words) { stage.stand(words.node()); }

void tick(Stage& stage, Words& words) {
  const auto ids = words.nodes();
  stage.pass(ids, words.number("number of milliseconds"), false);
}

void pass(Stage& stage, Words& words) {
  const auto ids = words.nodes();
  stage.pass(ids, words.number("number of milliseconds"), true);
}

void propose(Stage& stage, Words& words) {
  const NodeId id = words.node();
  stage.propose(id, words.word("the command"));
}

void read(Stage& stage, Words& words) {
  const NodeId id = words.node();
  stage.read(id, words.word("the name of the read"));
}

std::vector<Member> members_named(Stage& stage, Words& words, bool with_directory) {
  std::vector<Member> members;
  for (const NodeId id : words.named_nodes()) {
    members.push_back(member_of(id, stage.cluster().node(id).life));
    if (!with_directory) members.back().identity = 0;
  }
  return members;
}

void change(Stage& stage, Words& words) {
  const NodeId id = words.node();
  const std::string name = words.rest();
  MembershipChange change;
  const bool with_directories = !words.take("unseen");
  while (!words.empty()) {
    const std::string what = words.word("kind of change");
    if (what == "add") {
      change.add_voters = members_named(stage, words, with_directories);
    } else if (what == "learner") {
      change.add_learners = members_named(stage, words, with_directories);
    } else if (what == "promote" || what == "remove") {
      const auto named = words.named_nodes();
      (what == "promote" ? change.promote : change.remove).assign(named.begin(), named.end());
    } else {
      throw ScriptError(fmt::format("\"{}\" changes no members", what));
    }
  }
  stage.change(id, name, std::move(change));
}

void transfer(Stage& stage, Words& words) {
  const NodeId id = words.node();
  std::optional<NodeId> target;
  if (words.take("to")) target = words.node();
  stage.transfer(id, target);
}

void snapshot(Stage& stage, Words& words) { stage.snapshot(words.node()); }

void hold_disk(Stage& stage, Words& words) { stage.hold_disk(words.node()); }
void release_disk(Stage& stage, Words& words) { stage.release_disk(words.node()); }
void sync(Stage& stage, Words& words) { stage.sync_one(words.node()); }

void disk(Stage& stage, Words& words) {
  const NodeId id = words.node();
  const std::string space = words.word("the room on its disk");
  if (space == "full") {
    stage.cluster().step(id, DiskSpaceChanged{DiskSpace::kFull});
  } else if (space == "low") {
    stage.cluster().step(id, DiskSpaceChanged{DiskSpace::kLow});
  } else if (space == "enough") {
    stage.cluster().step(id, DiskSpaceChanged{DiskSpace::kEnough});
  } else {
    throw ScriptError(fmt::format("a disk is not \"{}\"", space));
  }
}

void crash(Stage& stage, Words& words) {
  const NodeId id = words.node();
  const bool keep = words.take("keep-unsynced");
  if (!keep) words.take("lose-unsynced");
  stage.crash(id, keep);
}

void restart(Stage& stage, Words& words) { stage.restart(words.node()); }
void damage(Stage& stage, Words& words) {
  const NodeId id = words.node();
  stage.damage(id, words.number("a number of entries"));
}
void wipe(Stage& stage, Words& words) { stage.wipe(words.node()); }

// A command that finds nothing to work on is a mistake of the script.
void require_some(std::size_t count) {
  if (count == 0) throw ScriptError("no such message waits in the network");
}

void deliver(Stage& stage, Words& words) {
  const Selection selection = words.selection();
  if (selection.everything()) {
    stage.deliver_all();
  } else {
    require_some(stage.deliver(selection));
  }
}

void drop(Stage& stage, Words& words) { require_some(stage.drop(words.selection())); }
void duplicate(Stage& stage, Words& words) { require_some(stage.duplicate(words.selection())); }
void delay(Stage& stage, Words& words) { require_some(stage.delay(words.selection())); }
void resume(Stage& stage, Words&) { stage.resume(); }

void cut(Stage& stage, Words& words) {
  const Selection selection = words.selection();
  if (selection.links.empty()) throw ScriptError("a link is missing");
  if (selection.count) throw ScriptError("a cut has no count");
  stage.cut(selection);
}

void isolate(Stage& stage, Words& words) {
  const NodeId id = words.node();
  stage.cut({{Link{{id}, stage.nodes()}, Link{stage.nodes(), {id}}}, {}, {}});
}

void heal(Stage& stage, Words& words) { stage.heal(words.selection()); }

// The sender's own records where it has them; others chain to what comes before, as they should.
std::vector<Entry> forged_entries(const Log& sender, const Log& receiver, Index prev,
                                  Words& words) {
  std::vector<Entry> entries;
  std::uint64_t previous = receiver.in_memory(prev) ? receiver.at(prev).checksum() : 0;
  while (!words.empty()) {
    const auto [index, term] = words.place("entry");
    if (sender.matches(index, term) && sender.in_memory(index)) {
      entries.push_back(sender.at(index));
    } else {
      EntryBlockBuilder block(previous);
      block.add(index, term, EntryKind::kCommand, bytes("forged"));
      entries.push_back(block.finish().front());
    }
    previous = entries.back().checksum();
  }
  return entries;
}

Message forged(Stage& stage, Words& words, NodeId from, NodeId to) {
  const std::string kind = words.word("kind of message");
  if (!words.take("term")) throw ScriptError("\"term\" is missing");
  const Term term = words.number("term");
  std::pair<Index, Term> after{0, 0};
  if (words.take("after")) after = words.place("place");
  const Index commit = words.take("commit") ? words.number("index") : 0;
  if (kind == "request_vote") {
    return RequestVote{term, after.first, after.second, words.take("transfer")};
  }
  if (kind == "request_vote_reply") return RequestVoteReply{term, true};
  if (kind == "timeout_now") return TimeoutNow{term};
  if (kind == "heartbeat") return Heartbeat{term, commit, 0};
  if (kind != "append_entries") throw ScriptError(fmt::format("no \"{}\" can be forged", kind));
  AppendEntries message{term, after.first, after.second, commit, {}};
  if (words.take("entries")) {
    message.entries =
        forged_entries(stage.state(from).log, stage.state(to).log, after.first, words);
  }
  return message;
}

void forge(Stage& stage, Words& words) {
  const NodeId from = words.node();
  if (!words.take("to")) throw ScriptError("\"to\" is missing");
  const NodeId to = words.node();
  if (from == to) throw ScriptError("no node sends to itself");
  Cluster& cluster = stage.cluster();
  cluster.network.push_back(
      {from, to, forged(stage, words, from, to), cluster.identity(from), cluster.identity(to)});
}

void show(Stage& stage, Words& words) {
  stage.tell(table_header());
  for (const NodeId id : words.nodes()) {
    stage.tell(stage.down(id) ? fmt::format("{:<4}  down", id) : table_row(stage.state(id)));
  }
}

void log(Stage& stage, Words& words) {
  const NodeId id = words.node();
  stage.require_up(id);
  const Log& entries = stage.state(id).log;
  for (Index index = entries.first_index(); index <= entries.last_index(); ++index) {
    stage.tell(entries.in_memory(index)
                   ? describe(entries.at(index))
                   : fmt::format("{}/{} on disk", index, *entries.term_at(index)));
  }
}

void applied(Stage& stage, Words& words) {
  for (const NodeId id : words.nodes()) {
    std::string line = fmt::format("{} has applied:", id);
    for (const std::string& command : stage.cluster().node(id).content) line += " " + command;
    stage.tell(line);
  }
}

void members(Stage& stage, Words& words) {
  for (const NodeId id : words.nodes()) {
    const State& state = stage.state(id);
    stage.tell(fmt::format("{} at {}: {}", id, state.configurations.index(),
                           describe(state.configuration())));
  }
}

void messages(Stage& stage, Words& words) {
  const Selection selection = words.selection();
  std::size_t told = 0;
  for (const Envelope& each : stage.cluster().network) {
    if (!selection.matches(each.from, each.to, message_name(each.message))) continue;
    if (selection.count && told == *selection.count) break;
    stage.tell(fmt::format("{}->{} {}", each.from, each.to, describe(each.message)));
    ++told;
  }
  if (told == 0) stage.tell("no messages");
}

struct Command {
  std::string_view name;
  std::string_view words;
  std::string_view purpose;
  void (*run)(Stage&, Words&);
};

// MESSAGES: any of a link (1->2, 1<->2, 1,2->3, *->2), a count and a kind; none: all.
constexpr std::array kCommands = {
    Command{"nodes", "COUNT [hellos] [priority NODE NUMBER]... [OPTION NUMBER]...",
            "creates nodes 1 to COUNT, with empty disks; hellos: they do not know each other yet",
            nodes},
    Command{"join", "NODE", "creates one more, which is of no cluster yet", join},
    Command{"start", "NODE [term TERM] [vote NODE] [log TERM...]",
            "starts it, with its disk changed so", start},
    Command{"elect", "NODE", "lets it stand, and delivers what an election needs", elect},
    Command{"stand", "NODE", "moves its clock until it asks for votes", stand},
    Command{"tick", "NODES|all MS", "moves their clocks, and delivers nothing", tick},
    Command{"pass", "NODES|all MS", "moves their clocks, and delivers all after each tick", pass},
    Command{"propose", "NODE TEXT", "a client of the node wants TEXT in the log", propose},
    Command{"read", "NODE NAME", "a client of the node wants a linearizable read", read},
    Command{"change", "NODE [unseen] [add|learner|promote|remove NODES]...",
            "a client of the node wants other members; unseen: by unknown directories", change},
    Command{"transfer", "NODE [to NODE]", "a client of the node wants another leader", transfer},
    Command{"snapshot", "NODE", "a client of the node wants a snapshot there", snapshot},
    Command{"hold-disk", "NODE", "its writes wait", hold_disk},
    Command{"release-disk", "NODE", "they are carried out, and no longer wait", release_disk},
    Command{"sync", "NODE", "carries out the oldest write of a disk that is held", sync},
    Command{"disk", "NODE full|low|enough", "the node is told of the room on its disk", disk},
    Command{"crash", "NODE [lose-unsynced|keep-unsynced]", "stops it, with what waits or without",
            crash},
    Command{"restart", "NODE", "starts it from what its disk has", restart},
    Command{"damage", "NODE ENTRIES", "of the log of a node that is down, so many are left",
            damage},
    Command{"wipe", "NODE", "starts it with a new, empty data directory", wipe},
    Command{"deliver", "[MESSAGES]", "these; without words all, and what they cause", deliver},
    Command{"drop", "MESSAGES", "loses them", drop},
    Command{"duplicate", "MESSAGES", "copies them to the end of what waits", duplicate},
    Command{"delay", "MESSAGES", "puts them aside", delay},
    Command{"resume", "", "what was put aside comes before all that waits", resume},
    Command{"cut", "LINK [KIND]", "loses what is delivered over it from now on", cut},
    Command{"isolate", "NODE", "cuts it from all others, both ways", isolate},
    Command{"heal", "[LINK] [KIND]", "ends cuts", heal},
    Command{
        "forge",
        "NODE to NODE KIND term TERM [after PLACE] [commit INDEX] [transfer] [entries PLACE...]",
        "puts a message into the network", forge},
    Command{"show", "[NODES]", "role, term, vote, commit, durable index and terms of the log",
            show},
    Command{"log", "NODE", "each entry", log},
    Command{"applied", "[NODES]", "the commands that the state machine holds", applied},
    Command{"members", "[NODES]", "the configuration in force, and the index of its entry",
            members},
    Command{"messages", "[MESSAGES]", "what waits in the network", messages},
};

}  // namespace

void run_command(Stage& stage, std::string_view line) {
  Words words(line, stage.nodes());
  const std::string name = words.word("a command");
  const auto* command = std::find_if(kCommands.begin(), kCommands.end(),
                                     [&](const Command& each) { return each.name == name; });
  if (command == kCommands.end()) {
    throw ScriptError(fmt::format("there is no command \"{}\"", name));
  }
  try {
    if (name != "nodes") (void)stage.cluster();
    command->run(stage, words);
    words.finish();
  } catch (const ScriptError& error) {
    throw ScriptError(fmt::format("{} (usage: {} {})", error.what(), name, command->words));
  }
}

std::string describe_commands() {
  std::string text;
  for (const Command& each : kCommands) {
    text += fmt::format("  {} {}\n      {}\n", each.name, each.words, each.purpose);
  }
  return text;
}

}  // namespace raft
