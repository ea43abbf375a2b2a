#include "description.h"

#include <fmt/format.h>

#include "actors/database.h"

namespace directories {
namespace {

// Bytes that are no printable text stand as \xx.
std::string printable(std::string_view bytes) {
  std::string text;
  for (const char each : bytes) {
    const auto byte = static_cast<unsigned char>(each);
    if (byte >= ' ' && byte < 0x7f && byte != '\\') {
      text += each;
    } else {
      text += fmt::format("\\{:02x}", byte);
    }
  }
  return text;
}

std::string describe(const raft::LogPosition& position) {
  return fmt::format("entry {} of term {}, checksum {:016x}, time {}", position.index,
                     position.term, position.checksum, position.time_ms);
}

std::string describe(const raft::Configuration& configuration) {
  std::string text;
  for (const raft::Member& member : configuration.members) {
    text +=
        fmt::format("  member {}: directory {:016x}, priority {}, {} {} {}\n", member.id,
                    member.identity, member.priority, member.peer, member.client, member.publish);
  }
  text += "  voters";
  for (const raft::NodeId voter : configuration.voters) text += fmt::format(" {}", voter);
  return text + "\n";
}

std::string describe_log(const storage::LogStore& log) {
  std::string text = fmt::format("log behind {}\n", describe(log.base()));
  for (const raft::Entry& entry : log.read(log.first_index(), log.last_index(), SIZE_MAX)) {
    text += fmt::format("  {}, kind {}: {}\n", describe(raft::position_of(entry)),
                        static_cast<int>(entry.kind), printable(entry.payload().view()));
  }
  for (const auto& [index, configuration] : log.configurations()) {
    text += fmt::format("configuration of entry {}\n{}", index, describe(configuration));
  }
  return text;
}

std::string describe_database(const ::database::Database& database) {
  std::string text =
      fmt::format("database applied to {}, time {}, {} sessions\n", database.applied_index(),
                  database.log_time_ms(), database.session_count());
  for (int number = 0; number < 10; ++number) {
    const std::string key = fmt::format("key{}", number);
    const auto found = database.get(key);
    if (!found) continue;
    text += fmt::format("  {} version {} of entry {}: {}\n", key, found->version, found->index,
                        printable(found->value));
  }
  const auto answer = database.replay(0, {}, 1000, 1 << 20);
  if (const auto* compacted = std::get_if<::database::Compacted>(&answer)) {
    return text + fmt::format("  broadcasts from {} on\n", compacted->first_index);
  }
  for (const auto& each : std::get<::database::Replay>(answer).broadcasts) {
    text += fmt::format("  broadcast {} of term {}: kind {}, {} number {}: {}\n", each.index,
                        each.term, static_cast<int>(each.kind), each.topic, each.number,
                        printable(each.payload.view()));
  }
  return text;
}

// As the snapshot alone gives it.
std::unique_ptr<::database::Database> load_snapshot(const storage::SnapshotStore& snapshots) {
  ::database::Options options;
  options.in_memory = true;
  auto database = std::make_unique<::database::Database>("memory", options);
  const auto loader = database->load_snapshot();
  const auto content = snapshots.read(snapshots.newest()->last.index, 0, 1 << 20);
  if (const auto error = loader->add(content->view())) throw std::runtime_error(error->message);
  if (const auto applied = loader->finish(); !applied) throw std::runtime_error(applied.error());
  return database;
}

void apply_rest(::database::Database& database, const storage::LogStore& log) {
  std::vector<raft::Entry> entries =
      log.read(database.applied_index() + 1, log.last_index(), SIZE_MAX);
  std::vector<::database::Committed> committed;
  for (const raft::Entry& entry : entries) committed.push_back(actors::to_committed(entry));
  static_cast<void>(database.apply(committed));
}

}  // namespace

settings::Settings settings_of(const std::filesystem::path& directory) {
  settings::Settings settings = settings::parse(
      "[node]\nid = 1\ncluster = \"colours\"\ndata_directory = \"unused\"\n"
      "[storage]\nreserve_bytes = 0\n"
      "[[member]]\nid = 1\npeer = \"tcp://127.0.0.1:3101\"\n"
      "client = \"tcp://127.0.0.1:4101\"\npublish = \"tcp://127.0.0.1:5101\"\n"
      "[[member]]\nid = 2\npeer = \"tcp://127.0.0.1:3102\"\n"
      "client = \"tcp://127.0.0.1:4102\"\npublish = \"tcp://127.0.0.1:5102\"\n",
      "directory.toml");
  settings.node.data_directory = directory;
  settings.storage.segment_bytes = 2048;  // smaller than settings may be, to have several
  return settings;
}

std::string describe(actors::Disk& disk) {
  const raft::HardState hard_state = disk.persistence->hard_state();
  const raft::SnapshotHead& head = disk.snapshots->newest().value();
  const storage::LogStore& log = disk.persistence->log();
  std::string text = fmt::format("directory {:016x}\n", disk.directory.id());
  text +=
      fmt::format("term {}, vote {}\n", hard_state.current_term, hard_state.voted_for.value_or(0));
  text += describe_log(log);
  text += fmt::format("snapshot up to {}, {} bytes, checksum {:016x}\n{}", describe(head.last),
                      head.size, head.content_checksum, describe(head.configuration));
  const auto from_snapshot = load_snapshot(*disk.snapshots);
  text += "in the snapshot: " + describe_database(*from_snapshot);
  text += "as stored: " + describe_database(*disk.state_machine);
  apply_rest(*from_snapshot, log);
  apply_rest(*disk.state_machine, log);
  if (from_snapshot->state_hash() != disk.state_machine->state_hash()) {
    throw std::runtime_error("the snapshot and the database lead to different states");
  }
  return text + "with the rest of the log: " + describe_database(*disk.state_machine);
}

}  // namespace directories
