// Writes a small data directory with something of all that a node stores, and its description
// beside it: FOLDER and FOLDER.txt. The same bytes each time, but for those of RocksDB. For a new
// release: README.md.
#include <fmt/format.h>
#include <spdlog/sinks/null_sink.h>

#include <fstream>

#include "actors/database.h"
#include "database/command.h"
#include "description.h"

namespace {

constexpr std::uint64_t kRandom = 2024;  // the identity of the directory comes from it
constexpr raft::Index kSnapshot = 24;
constexpr raft::Index kTrimmed = 16;
constexpr raft::Index kApplied = 36;
constexpr raft::Index kLast = 40;
constexpr std::uint64_t kSession = 3;  // a session is named by the entry that opened it

raft::Configuration two_voters() {
  raft::Configuration configuration;
  for (const raft::NodeId id : {1, 2}) {
    configuration.members.push_back({.id = id,
                                     .identity = 0x1000 + id,
                                     .priority = static_cast<std::uint32_t>(id),
                                     .peer = fmt::format("tcp://127.0.0.1:310{}", id),
                                     .client = fmt::format("tcp://127.0.0.1:410{}", id),
                                     .publish = fmt::format("tcp://127.0.0.1:510{}", id)});
    configuration.voters.push_back(id);
  }
  return configuration;
}

::database::Command command_of(raft::Index index, const std::string& key,
                               const std::string& value) {
  using namespace ::database;
  switch (index % 6) {
    case 0:
      return DeleteCommand{key};
    case 1:
      return PublishCommand{"news", value};
    case 2:
      return SessionCommand{kSession, index, SetCommand{key, value}};
    default:
      return SetCommand{key, value};
  }
}

void add_entry(raft::EntryBlockBuilder& builder, raft::Index index, raft::Term term) {
  if (index == 1 || index == 30) {
    builder.add(index, term, raft::EntryKind::kConfiguration,
                raft::encode_configuration(two_voters()));
  } else if (index == 2 || index == 21) {
    builder.add(index, term, raft::EntryKind::kNoOperation, {});
  } else if (index == kSession) {
    builder.add(index, term, raft::EntryKind::kCommand,
                ::database::encode_command(::database::OpenSessionCommand{3'600'000, 100}));
  } else {
    const std::string key = fmt::format("key{}", index % 7);
    const std::string value = fmt::format("value {}, and some more to fill a segment", index);
    builder.add(index, term, raft::EntryKind::kCommand,
                ::database::encode_command(command_of(index, key, value)));
  }
}

// Two a write, as of a leader under little load.
void append(actors::Disk& disk, raft::Index last) {
  const storage::LogStore& log = disk.persistence->log();
  while (log.last_index() < last) {
    const raft::Index first = log.last_index() + 1;
    const raft::Term term = first < 21 ? 1 : 2;
    raft::EntryBlockBuilder builder(log.last().checksum, 1000 + 10 * first);
    add_entry(builder, first, term);
    add_entry(builder, first + 1, term);
    raft::Persist order;
    order.hard_state = raft::HardState{term, 1};
    order.entries = builder.finish();
    if (disk.persistence->persist({&order, 1}) != 1) throw std::runtime_error("the disk is full");
  }
}

void apply(actors::Disk& disk, raft::Index last) {
  std::vector<::database::Committed> committed;
  const auto entries =
      disk.persistence->log().read(disk.state_machine->applied_index() + 1, last, SIZE_MAX);
  for (const raft::Entry& entry : entries) committed.push_back(actors::to_committed(entry));
  static_cast<void>(disk.state_machine->apply(committed));
}

void take_snapshot(actors::Disk& disk) {
  const storage::LogStore& log = disk.persistence->log();
  const raft::Entry last = log.read(kSnapshot, kSnapshot, 1).front();
  disk.snapshots->begin({raft::position_of(last), two_voters(), 0, 0});
  const auto reader = disk.state_machine->read_snapshot();
  for (auto slice = reader->next(1 << 20); !slice.empty(); slice = reader->next(1 << 20)) {
    disk.snapshots->append(slice.span());
  }
  if (!disk.snapshots->finish()) throw std::runtime_error("there is a newer snapshot");
}

void write(storage::FileSystem& files, const std::filesystem::path& folder,
           const actors::ActorLog& log) {
  {
    // Its identity is drawn from this, as Disk opens what is there.
    const storage::DataDirectory made(files, folder, "colours", 1, kRandom);
    static_cast<void>(storage::HardStateStore(files, folder, true));
  }
  actors::Disk disk(files, directories::settings_of(folder), log);
  append(disk, kSnapshot);
  apply(disk, kSnapshot);
  take_snapshot(disk);
  append(disk, kLast);
  apply(disk, kApplied);
  static_cast<void>(disk.persistence->trim_to(kTrimmed));
  raft::Persist vote;
  vote.hard_state = raft::HardState{4, 2};
  if (disk.persistence->persist({&vote, 1}) != 1) throw std::runtime_error("the disk is full");
  disk.state_machine->flush();
  disk.persistence->close();
  std::ofstream(folder.string() + ".txt") << directories::describe(disk);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    fmt::print(stderr, "usage: write-directory FOLDER\n");
    return 2;
  }
  try {
    const actors::Logging logging(1, settings::LogLevel::kError,
                                  std::make_shared<spdlog::sinks::null_sink_mt>(), false);
    write(*storage::posix_file_system(), argv[1], actors::ActorLog(logging, "node"));
  } catch (const std::exception& error) {
    fmt::print(stderr, "write-directory: {}\n", error.what());
    return 1;
  }
  return 0;
}
