#include "storage/opening_progress.h"

#include <vector>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"
#include "storage/snapshot_file.h"

namespace storage {
namespace {

constexpr LogOwner kOwner{7, 1, 0};

struct Heard {
  OpeningObserver observer = [this](const OpeningProgress& told) { all.push_back(told); };
  std::vector<OpeningProgress> all;
};

}  // namespace

TEST_CASE("opening_tells_how_far_it_has_read_the_log") {
  constexpr std::uint64_t kSegmentBytes = 2 << 20;
  SimulatedDisk disk;
  std::uint64_t stored = 0;
  {
    LogStore log(disk, "log", kOwner, {kSegmentBytes});
    for (int writes = 0; writes < 60; ++writes) {
      const auto entries = next_entries(log, 1, 1, 100'000);
      REQUIRE(log.make_room(entries));
      log.append(entries);
    }
    log.close();
    for (const auto& name : disk.list("log")) stored += disk.content("log/" + name).size();
  }
  Heard heard;
  const LogStore log(disk, "log", kOwner, {kSegmentBytes}, heard.observer);
  REQUIRE(heard.all.size() >= 5);
  CHECK(heard.all.front().done_bytes == 0);
  for (std::size_t at = 1; at < heard.all.size(); ++at) {
    CHECK(heard.all[at].work == OpeningProgress::Work::kReadLog);
    CHECK(heard.all[at].all_bytes == stored);
    CHECK(heard.all[at].done_bytes >= heard.all[at - 1].done_bytes + (1 << 20));
    CHECK(heard.all[at].entries > heard.all[at - 1].entries);
  }
  CHECK(heard.all.back().done_bytes <= stored);
  CHECK(heard.all.back().entries <= 60);
}

TEST_CASE("opening_tells_how_far_it_has_verified_a_snapshot") {
  constexpr std::uint64_t kSize = (4 << 20) + 1000;
  SimulatedDisk disk;
  SnapshotWriter writer(disk, "snapshot", {{5, 1, 0, 0}, {}}, kOwner.directory, BlockSizes{});
  writer.append(std::vector<std::byte>(kSize, std::byte{7}));
  writer.seal();
  Heard heard;
  SnapshotReader(disk, "snapshot", kOwner.directory).verify(heard.observer);
  REQUIRE(heard.all.size() == 6);
  for (const OpeningProgress& told : heard.all) {
    CHECK(told.work == OpeningProgress::Work::kVerifySnapshot);
    CHECK(told.all_bytes == kSize);
  }
  CHECK(heard.all.front().done_bytes == 0);
  CHECK(heard.all[1].done_bytes == 1 << 20);
  CHECK(heard.all.back().done_bytes == kSize);
}

}  // namespace storage
