// A file of another release, newer or older, is refused by its name and version, and nothing in
// its directory is changed: it is whole, and a program that knows it may still come.
#include <algorithm>
#include <map>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/opening.h"
#include "storage/simulated_disk.h"

namespace storage {
namespace {

using Catch::Matchers::Contains;

constexpr std::size_t kVersionOffset = 16;

class Machine final : public StateMachineAtStart {
 public:
  [[nodiscard]] raft::Index applied_index() const override { return 0; }
  void clear() override {}
  [[nodiscard]] std::function<base::SharedBytes()> read_snapshot() override { return {}; }
};

void open(SimulatedDisk& disk) {
  Machine machine;
  const DataDirectory directory(disk, "node", "colours", 1, 7);
  static_cast<void>(open_stored(disk, directory, {1, 4096, {1, 2, 3}}, machine));
}

std::string refusal(SimulatedDisk& disk) {
  try {
    open(disk);
  } catch (const Refused& refused) {
    return refused.what();
  }
  return "";
}

// One that holds a file of each kind.
void write_directory(SimulatedDisk& disk) {
  Machine machine;
  const DataDirectory directory(disk, "node", "colours", 1, 7);
  const Opened opened = open_stored(disk, directory, {1, 4096, {1, 2, 3}}, machine);
  raft::Persist order;
  order.hard_state = raft::HardState{1, 2};
  order.entries = make_entries(1, 10, 1, 0);
  REQUIRE(opened.persistence->persist({&order, 1}) == 1);
  opened.snapshots->begin({raft::position_of(order.entries[4]), {}, 0, 0});
  REQUIRE(opened.snapshots->finish());
  opened.persistence->close();
}

std::vector<std::byte> with_version(std::vector<std::byte> bytes, std::size_t checked,
                                    std::uint32_t version) {
  base::store_little_endian(bytes.data() + kVersionOffset, version);
  base::store_little_endian(bytes.data(), base::checksum(std::span(bytes).subspan(8, checked - 8)));
  return bytes;
}

}  // namespace

TEST_CASE("format_version_of_each_file_is_refused_where_it_is_not_known") {
  SimulatedDisk disk;
  write_directory(disk);
  const std::string log = "node/log/" + segment_name(1);
  const std::string snapshot = "node/snapshots/" + snapshot_name(5, SnapshotState::kComplete);
  const auto size_of = [&](const std::string& name) { return disk.content(name).size(); };
  // How many of its bytes, from the first, the checksum is of.
  const std::map<std::string, std::size_t> checked = {
      {"node/identity", size_of("node/identity")},
      {"node/hard_state.0", size_of("node/hard_state.0")},
      {"node/hard_state.1", size_of("node/hard_state.1")},
      {log, kSegmentHeaderSize},
      {snapshot, size_of(snapshot)}};
  for (const auto& [name, size] : checked) {
    INFO(name);
    const auto whole = disk.content(name);
    const auto known = base::load_little_endian<std::uint32_t>(whole.data() + kVersionOffset);
    for (const std::uint32_t version : {known - 1, known + 1}) {
      const auto other = with_version(whole, size, version);
      disk.set_content(name, other);
      const std::string said = refusal(disk);
      CHECK_THAT(said, Contains(name));
      CHECK_THAT(said,
                 Contains(fmt::format("has format version {}, this program knows version {}: "
                                      "run {} program",
                                      version, known, version > known ? "a newer" : "an older")));
      CHECK(std::count(said.begin(), said.end(), '\n') == 0);
      CHECK(disk.content(name) == other);
    }
    disk.set_content(name, whole);
    CHECK(refusal(disk).empty());
  }
}

}  // namespace storage
