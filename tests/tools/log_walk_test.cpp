// Two readings of docs/log-format.md against each other: what raft-log says of a log, and what a
// node does with it at its start, after random histories, crashes and changed bits.
#include "inspector/log_walk.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"

namespace inspector {
namespace {

constexpr storage::LogOwner kOwner{5, 1, 0};
constexpr std::uint64_t kSeeds = 2000;
constexpr int kSteps = 25;

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "raft-log-XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }

  // What `disk` has in its log, as files.
  void take(const storage::SimulatedDisk& disk) const {
    for (const auto& each : std::filesystem::directory_iterator(path_)) {
      std::filesystem::remove(each.path());
    }
    for (const std::string& name : disk.list("node/log")) {
      const auto bytes = disk.content(Path("node/log") / name);
      std::ofstream(path_ / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
  }
  [[nodiscard]] const Path& path() const { return path_; }

 private:
  Path path_;
};

void step(storage::LogStore& log, base::Random& random, raft::Term& term) {
  const auto choice = random.between(0, 99);
  if (choice < 55) {
    if (random.chance(1, 5)) ++term;
    log.append(storage::make_entries(log.last_index() + 1, random.between(1, 5), term,
                                     log.last().checksum, random.between(0, 200),
                                     log.last_time_ms() + random.between(0, 2)));
  } else if (choice < 85) {
    log.sync();
  } else if (choice < 93 && log.last_index() >= log.first_index()) {
    log.truncate_from(random.between(log.first_index(), log.last_index()));
    ++term;
  } else if (choice < 97) {
    log.trim_to(random.between(log.base().index, log.last_index()));
  } else if (choice < 98) {
    log.reset({log.last_index() + 3, ++term, random.next(), log.last_time_ms() + 5});
  }
}

// A history that ends in a stop or a power cut, and in up to two changed bits.
void make_log(storage::SimulatedDisk& disk, base::Random& random, std::string& damage) {
  {
    storage::LogStore log(disk, "node/log", kOwner, {random.between(600, 5000)});
    raft::Term term = 1;
    try {
      if (random.chance(1, 3)) {
        disk.fail_after(random.between(5, 60), storage::FaultKind::kPowerCut);
      }
      for (int i = 0; i < kSteps; ++i) step(log, random, term);
    } catch (const storage::DiskFault&) {
    }
  }
  disk.heal();
  if (random.chance(1, 2)) disk.crash("node", random);
  for (auto bits = random.chance(1, 3) ? 0 : random.between(1, 2); bits > 0; --bits) {
    damage += disk.flip_random_bit("node/log", random).string() + " ";
  }
}

struct Seen {
  LogSummary log;
  Findings findings;

  [[nodiscard]] bool has(Weight weight) const {
    return std::any_of(findings.begin(), findings.end(),
                       [&](const auto& each) { return each.weight == weight; });
  }
};

Seen look(const Path& path) {
  Seen seen;
  WalkOptions options;
  options.owner = {kOwner.directory, kOwner.node, kOwner.cluster};
  options.on_finding = [&](const Finding& finding) { seen.findings.push_back(finding); };
  seen.log = LogWalk(path, options).run();
  return seen;
}

TEST_CASE("log_walk_says_of_a_log_what_a_node_makes_of_it", "[A15][A17][A18]") {
  const Folder folder;
  int damaged = 0;
  int torn = 0;
  int clean = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    base::Random random(seed);
    storage::SimulatedDisk disk;
    std::string changed;
    make_log(disk, random, changed);
    folder.take(disk);
    const Seen seen = look(folder.path());
    std::string said;
    for (const Finding& each : seen.findings) {
      said += fmt::format("{} {} {} {}\n", weight_name(each.weight), each.file.filename().string(),
                          each.offset, each.what);
    }
    INFO("seed " << seed << ", changed " << changed << "\n" << said);
    std::optional<storage::LogStore> node;
    std::string refusal;
    try {
      node.emplace(disk, "node/log", kOwner, storage::LogOptions{});
    } catch (const storage::Damage& found) {
      refusal = found.what();
    }
    INFO("the node: " << refusal);
    REQUIRE(seen.has(Weight::kDamage) == !refusal.empty());
    ++(node ? (node->torn_bytes() > 0 ? torn : clean) : damaged);
    if (!node) continue;
    REQUIRE(seen.has(Weight::kTornTail) == (node->torn_bytes() > 0));
    REQUIRE(seen.log.last == node->last());
    REQUIRE(seen.log.base == node->base());
    REQUIRE(seen.log.ranges.size() <= 1);
  }
  // Each of the three came up.
  REQUIRE(damaged > 50);
  REQUIRE(torn > 50);
  REQUIRE(clean > 50);
}

}  // namespace
}  // namespace inspector
