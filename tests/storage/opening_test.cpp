// A17: a bit flips anywhere in what a node stores. At the next start it is repaired, or refused
// with file and offset, or it meant nothing; it is never accepted in silence.
#include "storage/opening.h"

#include <map>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/segment_format.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

const std::filesystem::path kDirectory = "node";
constexpr std::uint64_t kSegmentBytes = 1024;
constexpr raft::NodeId kNode = 1;
constexpr raft::Index kLast = 16;
constexpr raft::Index kSnapshot = 8;
constexpr std::size_t kContentBytes = 300;

raft::Configuration three_voters() {
  raft::Configuration configuration;
  for (const raft::NodeId id : {1, 2, 3}) {
    configuration.members.push_back({.id = id, .identity = 100 + id});
    configuration.voters.push_back(id);
  }
  return configuration;
}

// Of the state machine only how far it has applied counts here.
class Machine final : public StateMachineAtStart {
 public:
  explicit Machine(raft::Index applied) : applied_(applied) {}
  [[nodiscard]] raft::Index applied_index() const override { return applied_; }
  void clear() override { applied_ = 0; }
  [[nodiscard]] std::function<base::SharedBytes()> read_snapshot() override {
    return [slices = 2]() mutable {
      if (slices-- <= 0) return base::SharedBytes();
      return base::SharedBytes::take(std::string(kContentBytes / 2, 'c'));
    };
  }

 private:
  raft::Index applied_;
};

using Files = std::map<std::string, std::vector<std::byte>>;

void collect(const SimulatedDisk& disk, const std::filesystem::path& directory, Files& files) {
  for (const auto& name : disk.list(directory)) {
    const auto path = directory / name;
    try {
      files[path.string()] = disk.content(path);
    } catch (const DiskFault&) {
      collect(disk, path, files);
    }
  }
}

struct Stored {
  Files files;
  std::vector<raft::Entry> entries;
  raft::SnapshotHead snapshot;
  std::string content = std::string(kContentBytes, 'c');
  std::string transfer;  // of the snapshot: what a leader sends
  raft::HardState hard_state{3, 2};
  raft::Index applied = 0;
  bool in_doubt = false;
};

struct Life {
  Life(SimulatedDisk& disk, Machine& machine, std::vector<raft::NodeId> first_voters = {1, 2, 3})
      : directory(disk, kDirectory, "colours", kNode, 7),
        opened(open_stored(disk, directory, {kNode, kSegmentBytes, std::move(first_voters)},
                           machine)) {}
  [[nodiscard]] Persistence& persistence() const { return *opened.persistence; }
  [[nodiscard]] const LogStore& log() const { return opened.persistence->log(); }

  DataDirectory directory;
  Opened opened;
};

// The first entry is the configuration, as a leader makes it.
std::vector<raft::Entry> sample_entries() {
  raft::EntryBlockBuilder builder(0);
  builder.add(1, 1, raft::EntryKind::kConfiguration, raft::encode_configuration(three_voters()));
  for (raft::Index index = 2; index <= kLast; ++index) {
    builder.add(index, index < 6 ? 1 : 2, raft::EntryKind::kCommand,
                base::SharedBytes::take(payload_of(index, 1, 60)));
  }
  return builder.finish();
}

Stored store(bool trimmed, raft::Index applied, bool in_doubt = false) {
  Stored stored;
  stored.entries = sample_entries();
  stored.applied = applied;
  stored.in_doubt = in_doubt;
  SimulatedDisk disk;
  Machine machine(0);
  {
    Life life(disk, machine);
    for (std::size_t at = 0; at < stored.entries.size(); at += 2) {
      raft::Persist order;
      order.hard_state = stored.hard_state;
      order.entries = {stored.entries.begin() + static_cast<std::ptrdiff_t>(at),
                       stored.entries.begin() + static_cast<std::ptrdiff_t>(at + 2)};
      REQUIRE(life.persistence().persist({&order, 1}) == 1);
    }
    life.opened.snapshots->begin(
        {raft::position_of(stored.entries[kSnapshot - 1]), three_voters(), 0, 0});
    life.opened.snapshots->append(std::as_bytes(std::span(stored.content)));
    REQUIRE(life.opened.snapshots->finish());
    stored.snapshot = *life.opened.snapshots->newest();
    while (stored.transfer.size() < stored.snapshot.transfer_size()) {
      stored.transfer +=
          life.opened.snapshots->read_transfer(kSnapshot, stored.transfer.size(), SIZE_MAX)->view();
    }
    if (trimmed) life.persistence().trim_to(kSnapshot);
    REQUIRE((life.log().base().index > 0) == trimmed);
    if (in_doubt) life.persistence().mark_doubt({5, "the test says so"});
    life.persistence().close();
  }
  collect(disk, kDirectory, stored.files);
  return stored;
}

void put(SimulatedDisk& disk, const Files& files) {
  disk.make_directory(kDirectory / "database");
  for (const auto& [name, bytes] : files) {
    disk.make_directory(std::filesystem::path(name).parent_path());
    static_cast<void>(disk.open(name, FileSystem::OpenMode::kCreate));
    disk.set_content(name, bytes);
  }
  for (const char* part : {"", "log", "snapshots"}) disk.sync_directory(kDirectory / part);
  disk.sync_directory(kDirectory);
  disk.sync_directory("");
}

void require_original(const LogStore& log, const Stored& stored) {
  if (log.last_index() <= log.base().index) return;
  for (const raft::Entry& entry : log.read(log.first_index(), log.last_index(), SIZE_MAX)) {
    REQUIRE(entry.record == stored.entries[entry.index - 1].record);
  }
}

// Whole: everything that was there is there, or can be had from what is.
void require_whole(const Life& life, const Stored& stored, const Machine& machine) {
  REQUIRE(life.log().last_index() == kLast);
  REQUIRE(life.log().last().checksum == stored.entries.back().checksum());
  const auto& newest = life.opened.snapshots->newest();
  const raft::Index base = life.log().base().index;
  REQUIRE((base == 0 || (newest && newest->last.index >= base)));
  REQUIRE((machine.applied_index() >= base || newest->last.index >= base));
  if (!newest || newest->last.index == 0) return;
  std::string content;
  while (content.size() < newest->size) {
    content += life.opened.snapshots->read(newest->last.index, content.size(), SIZE_MAX)->view();
  }
  REQUIRE(content == stored.content);
}

// A leader sends what is missing, and the doubt is settled.
void heal(Life& life, const Stored& stored) {
  raft::Persist order;
  raft::Index last = life.log().last_index();
  if (last < kSnapshot && life.log().base().index < kSnapshot) {
    const auto received = life.opened.snapshots->receive(stored.snapshot, 0,
                                                         std::as_bytes(std::span(stored.transfer)));
    REQUIRE((received.receipt == Receipt::kComplete || received.receipt == Receipt::kNotNewer));
    order.reset_to = stored.snapshot.last;
    last = kSnapshot;
  }
  order.entries = {stored.entries.begin() + static_cast<std::ptrdiff_t>(last),
                   stored.entries.end()};
  order.settles_doubt = true;
  REQUIRE(life.persistence().persist({&order, 1}) == 1);
}

struct Counts {
  std::size_t refused = 0;
  std::size_t healed = 0;  // cut, in doubt, and whole again with what peers have
  std::size_t whole = 0;   // repaired from what is here, or without meaning
};

// One start of a directory in which `file` is damaged.
void start(SimulatedDisk& disk, const Stored& stored, const std::string& file, Counts& counts) {
  Machine machine(stored.applied);
  try {
    Life life(disk, machine);
    REQUIRE(life.persistence().hard_state() == stored.hard_state);
    require_original(life.log(), stored);
    if (!life.persistence().doubt()) {
      REQUIRE_FALSE(stored.in_doubt);
      require_whole(life, stored, machine);
      ++counts.whole;
      return;
    }
    REQUIRE(machine.applied_index() <= life.log().last_index());
    heal(life, stored);
    ++counts.healed;
  } catch (const Damage& damage) {
    REQUIRE_THAT(damage.what(),
                 Catch::Matchers::Contains(file) && Catch::Matchers::Contains("offset"));
    ++counts.refused;
    return;
  }
  const Life life(disk, machine);
  REQUIRE_FALSE(life.persistence().doubt());
  require_whole(life, stored, machine);
  REQUIRE_FALSE(disk.exists(kDirectory / "doubt"));
  REQUIRE_FALSE(disk.exists(kDirectory / "damaged"));
}

bool can_be_repaired(const std::string& file) { return file.find("identity") == std::string::npos; }

}  // namespace

TEST_CASE("opening_each_byte_that_flips_is_repaired_refused_or_meaningless", "[A17]") {
  const std::pair<const char*, Stored> all[] = {
      {"the whole log, applied", store(false, kLast)},
      {"the whole log, nothing applied", store(false, 0)},
      {"a trimmed log, applied", store(true, kLast)},
      {"a trimmed log, applied in part", store(true, kSnapshot + 2)},
      {"a trimmed log, nothing applied", store(true, 0)},
      {"a directory in doubt already", store(false, 6, true)}};
  for (const auto& [what, stored] : all) {
    Tally tally(std::string("bits flipped in ") + what,
                {"repaired or without meaning", "healed by peers", "refused", "accepted"});
    for (const auto& [file, bytes] : stored.files) {
      if (file == "node/lock") continue;
      for (std::size_t at = 0; at < bytes.size(); ++at) {
        CAPTURE(what, file, at);
        SimulatedDisk disk;
        put(disk, stored.files);
        disk.flip_bit(file, at * 8 + at % 8);
        Counts counts;
        start(disk, stored, file, counts);
        REQUIRE((counts.refused == 0 || !can_be_repaired(file)));
        tally.add("repaired or without meaning", counts.whole);
        tally.add("healed by peers", counts.healed);
        tally.add("refused", counts.refused);
      }
    }
  }
}

// The doubt comes first, so that a repair which a crash cut short is done again, and remembered.
TEST_CASE("opening_may_be_cut_short_at_any_moment_of_a_repair", "[A17]") {
  Tally tally("repairs with a power cut", {"done again", "came too late"});
  for (const Stored& stored : {store(false, kLast), store(true, 0), store(true, kLast)}) {
    std::size_t number = 0;
    for (const auto& [file, bytes] : stored.files) {
      if (file == "node/lock" || !can_be_repaired(file)) continue;
      for (std::size_t at = 0; at < bytes.size(); at += 97) {
        for (std::uint64_t passing = 0;; ++passing) {
          CAPTURE(file, at, passing);
          SimulatedDisk disk;
          base::Random random(++number);
          put(disk, stored.files);
          disk.flip_bit(file, at * 8 + at % 8);
          disk.fail_after(passing, FaultKind::kPowerCut);
          bool finished = false;
          Machine machine(stored.applied);
          try {
            const Life life(disk, machine);
            finished = true;
          } catch (const DiskFault&) {
          }
          disk.heal();
          disk.crash(kDirectory, random);
          Counts counts;
          start(disk, stored, file, counts);
          REQUIRE(counts.refused == 0);
          tally.add(finished ? "came too late" : "done again");
          if (finished) break;
        }
      }
    }
  }
  CHECK(tally.all() > 1000);
}

// A killed process leaves names to the page cache. The next start goes on from them, so it has to
// make them last: files that were set aside would come back to where they were.
TEST_CASE("opening_a_repair_that_a_kill_cut_short_lasts", "[A17]") {
  std::size_t cut_short = 0;
  Tally tally("repairs that a kill cut short", {"last"});
  for (const Stored& stored : {store(false, kLast), store(true, kLast)}) {
    for (const auto& [file, bytes] : stored.files) {
      if (file == "node/lock" || !can_be_repaired(file)) continue;
      constexpr std::uint64_t kDraws = 8;  // of what the power cut loses
      for (std::uint64_t draw = 0;; ++draw) {
        const std::uint64_t passing = draw / kDraws;
        CAPTURE(file, passing);
        SimulatedDisk disk;
        base::Random random(++cut_short);
        put(disk, stored.files);
        disk.flip_bit(file, bytes.size() / 2 * 8);
        disk.fail_after(passing, FaultKind::kPowerCut);
        Machine machine(stored.applied);
        bool finished = false;
        try {
          const Life life(disk, machine);
          finished = true;
        } catch (const DiskFault&) {
          disk.heal();
        }
        if (finished) break;
        Counts counts;
        start(disk, stored, file, counts);
        disk.crash(kDirectory, random);
        const Life life(disk, machine);
        REQUIRE(life.opened.findings.empty());
        REQUIRE_FALSE(life.persistence().doubt());
        tally.add("last");
      }
    }
  }
  CHECK(cut_short > 50);
}

TEST_CASE("opening_an_only_voter_is_refused_and_nothing_changes", "[A17]") {
  SimulatedDisk disk;
  Machine machine(0);
  {
    Life life(disk, machine, {1});
    raft::Persist order;
    order.hard_state = raft::HardState{1, 1};
    order.entries = make_entries(1, 6, 1, 0, 100);
    REQUIRE(life.persistence().persist({&order, 1}) == 1);
    life.persistence().close();
  }
  const std::string file = "node/log/" + segment_name(1);
  disk.flip_bit(file, 200 * 8);
  Files before;
  collect(disk, kDirectory / "log", before);
  try {
    const Life life(disk, machine, {1});
    FAIL("it started");
  } catch (const Damage& damage) {
    CHECK_THAT(damage.what(), Catch::Matchers::Contains(file));
  }
  Files after;
  collect(disk, kDirectory / "log", after);
  CHECK(before == after);
  CHECK_FALSE(disk.exists("node/doubt"));
}

TEST_CASE("opening_a_missing_log_is_lost_and_in_doubt", "[A17]") {
  const Stored stored = store(true, kLast);
  SimulatedDisk disk;
  put(disk, stored.files);
  for (const auto& name : disk.list("node/log")) disk.remove(kDirectory / "log" / name);
  Machine machine(stored.applied);
  const Life life(disk, machine);
  REQUIRE(life.persistence().doubt());
  CHECK(life.persistence().doubt()->from == kSnapshot + 1);
  CHECK(life.log().base() == stored.snapshot.last);
  CHECK(machine.applied_index() == 0);
}

// What was decided between the end of the log and the damaged snapshot is not known.
TEST_CASE("opening_a_damaged_snapshot_ahead_of_the_log_does_not_lend_it_its_members",
          "[A17][A24]") {
  const Stored stored = store(true, kSnapshot);
  SimulatedDisk disk;
  put(disk, stored.files);
  raft::Configuration later = three_voters();
  later.members.push_back({.id = 4, .identity = 104});
  later.voters.push_back(4);
  const raft::SnapshotHead of_leader{{kLast + 20, 3, 4711, 0}, later, 0, 0};
  {
    Machine machine(kSnapshot);
    const Life life(disk, machine);
    const std::string content(kContentBytes, 'd');
    life.opened.snapshots->begin(of_leader);
    life.opened.snapshots->append(std::as_bytes(std::span(content)));
    REQUIRE(life.opened.snapshots->finish());
  }
  const auto name = snapshot_name(of_leader.last.index, SnapshotState::kComplete);
  disk.flip_bit(kDirectory / "snapshots" / name, std::uint64_t{8} * 350);  // in its content
  Machine machine(kSnapshot);
  const Life life(disk, machine);
  REQUIRE(life.persistence().doubt());
  const auto& newest = life.opened.snapshots->newest();
  CHECK((!newest || newest->last.index == 0));
  CHECK(life.log().last_index() == 0);
}

// The database applies what is on this disk alone: it shows that the end of the log was lost.
// A leader's snapshot is durable and installed before the log that it replaces is.
TEST_CASE("opening_a_log_of_another_history_does_not_stand_for_a_damaged_snapshot", "[A17][A19]") {
  for (const std::uint64_t offset : {30u, 300u}) {  // in the head; in the content
    INFO("offset " << offset);
    SimulatedDisk disk;
    put(disk, store(false, 0).files);
    const raft::SnapshotHead of_leader{{kLast - 2, 3, 4711, 0}, three_voters(), 0, 0};
    {
      Machine machine(0);
      const Life life(disk, machine);
      life.opened.snapshots->begin(of_leader);
      const std::string content(kContentBytes, 'd');
      life.opened.snapshots->append(std::as_bytes(std::span(content)));
      REQUIRE(life.opened.snapshots->finish());
    }
    const auto path =
        kDirectory / "snapshots" / snapshot_name(of_leader.last.index, SnapshotState::kComplete);
    disk.flip_bit(path, 8 * offset);
    Machine machine(of_leader.last.index);
    const Life life(disk, machine);
    CHECK(life.persistence().doubt().has_value());
    CHECK(machine.applied_index() == 0);
  }
}

TEST_CASE("opening_a_database_ahead_of_the_log_shows_what_is_lost", "[A17]") {
  const Stored stored = store(false, kLast);
  SimulatedDisk disk;
  put(disk, stored.files);
  disk.remove(kDirectory / "log" / disk.list("node/log").back());
  Machine machine(stored.applied);
  const Life life(disk, machine);
  REQUIRE(life.persistence().doubt());
  CHECK(life.persistence().doubt()->from == life.log().last_index() + 1);
  CHECK(machine.applied_index() == 0);
}

}  // namespace storage
