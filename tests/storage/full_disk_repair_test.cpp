// A17 on a full disk: what a repair writes goes into the reserve, and nothing is cut that is not
// remembered.
#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/opening.h"
#include "storage/segment_format.h"
#include "storage/simulated_disk.h"
#include "storage/tally.h"

namespace storage {
namespace {

constexpr std::uint64_t kSegmentBytes = 2048;
constexpr raft::Index kLast = 12;
const std::string kSegment = "node/log/" + segment_name(1);

class Machine final : public StateMachineAtStart {
 public:
  [[nodiscard]] raft::Index applied_index() const override { return 0; }
  void clear() override {}
  [[nodiscard]] std::function<base::SharedBytes()> read_snapshot() override {
    return [] { return base::SharedBytes(); };
  }
};

struct Life {
  explicit Life(SimulatedDisk& disk)
      : directory(disk, "node", "demo", 1, 7),
        opened(open_stored(disk, directory, {1, kSegmentBytes, {1, 2, 3}}, machine)) {}

  Machine machine;
  DataDirectory directory;
  Opened opened;
};

// Damaged in the middle of its only segment, with a reserve of so many bytes.
void store_damaged(SimulatedDisk& disk, std::size_t reserve_bytes) {
  {
    const Life life(disk);
    for (raft::Index index = 1; index <= kLast; ++index) {
      raft::Persist order;
      order.hard_state = raft::HardState{1, 1};
      order.entries = next_entries(life.opened.persistence->log(), 1, 1, 60);
      REQUIRE(life.opened.persistence->persist({&order, 1}) == 1);
    }
    life.opened.persistence->close();
  }
  disk.flip_bit(kSegment, std::uint64_t{8} * 600);
  const std::vector<std::byte> zeros(reserve_bytes);
  const std::span<const std::byte> part(zeros);
  disk.open("node/reserve", FileSystem::OpenMode::kCreate)->write(0, {&part, 1});
}

struct Counts {
  std::size_t refused = 0, cut = 0, copied = 0;
};

void start_on_full_disk(std::size_t reserve_bytes, Counts& counts) {
  SimulatedDisk disk;
  store_damaged(disk, reserve_bytes);
  const auto damaged = disk.content(kSegment);
  disk.limit(disk.used());
  try {
    const Life life(disk);
    REQUIRE(life.opened.persistence->doubt());
    REQUIRE(life.opened.persistence->log().last_index() < kLast);
    const std::string copy = "node/damaged/" + segment_name(1);
    ++counts.cut;
    if (disk.exists(copy)) {
      REQUIRE(disk.content(copy) == damaged);
      ++counts.copied;
    } else {
      const auto& findings = life.opened.findings;
      REQUIRE(std::any_of(findings.begin(), findings.end(), [](const std::string& finding) {
        return finding.find("no room to keep a copy") != std::string::npos;
      }));
    }
  } catch (const DiskFull&) {
    REQUIRE(disk.content(kSegment) == damaged);
    ++counts.refused;
  }
  CHECK_FALSE(disk.exists("node/reserve"));
  disk.limit(std::nullopt);
  const Life life(disk);
  REQUIRE(life.opened.persistence->doubt());
  REQUIRE(life.opened.persistence->doubt()->from <= kLast);
}

TEST_CASE("full_disk_repair_takes_the_reserve_and_cuts_nothing_without_the_doubt", "[A17]") {
  Counts counts;
  for (std::size_t reserve = 0; reserve < 4000; reserve += 20) {
    INFO("a reserve of " << reserve << " bytes");
    start_on_full_disk(reserve, counts);
  }
  Tally tally("starts on a full disk", {"refused", "repaired"});
  tally.add("refused", counts.refused);
  tally.add("repaired", counts.cut);
  CHECK(counts.refused > 0);
  CHECK(counts.copied > 0);
  CHECK(counts.cut > counts.copied);
}

}  // namespace
}  // namespace storage
