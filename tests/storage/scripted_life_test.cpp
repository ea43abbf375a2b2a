// One life of a data directory, in which everything happens that is ever written: terms, entries,
// truncations, new segments and their zeros ahead of use, snapshots of its own and of a leader,
// trims, resets. Each change of
// the files in it fails once, in each way that it can; the node starts again, and has to have all
// that it had promised; then it lives on to the end (A16, A18, A19, A23).
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/catch.h"
#include "storage/data_directory.h"
#include "storage/entries.h"
#include "storage/persistence.h"
#include "storage/snapshots.h"
#include "storage/tally.h"

namespace storage {
namespace {

constexpr const char* kNode = "node";
constexpr const char* kSpare = "node/log/spare.segment";
constexpr std::uint64_t kSegmentBytes = 700;  // a few entries

// What is on disk, as far as it may not change by itself.
struct Stored {
  raft::HardState hard_state;
  raft::Index snapshot = 0;
  raft::LogPosition base;
  std::vector<raft::Entry> entries;  // behind the base

  [[nodiscard]] raft::LogPosition last() const {
    return entries.empty() ? base : raft::position_of(entries.back());
  }
  [[nodiscard]] const raft::Entry* at(raft::Index index) const {
    const bool inside = index > base.index && index <= last().index;
    return inside ? &entries[index - base.index - 1] : nullptr;
  }
};

class Node {
 public:
  explicit Node(SimulatedDisk& disk)
      : directory_(disk, kNode, "life", 1, 7),
        snapshots_(disk, directory_.snapshots_path(), directory_.id()),
        persistence_(kNode, std::make_unique<HardStateStore>(disk, kNode, directory_.fresh()),
                     std::make_unique<LogStore>(disk, directory_.log_path(), directory_.log_owner(),
                                                LogOptions{kSegmentBytes}),
                     snapshots_.newest(),
                     std::make_unique<DoubtFile>(disk, kNode, directory_.id())) {
    persistence_.allow_spare(true);
  }

  [[nodiscard]] Stored stored() const {
    Stored result{persistence_.hard_state(),
                  snapshots_.newest() ? snapshots_.newest()->last.index : 0,
                  log().base(),
                  {}};
    if (log().last_index() > log().base().index) {
      result.entries = log().read(log().first_index(), log().last_index(), SIZE_MAX);
    }
    return result;
  }

  void enter_term(raft::Term term, std::optional<raft::NodeId> vote) {
    raft::Persist order;
    order.hard_state = raft::HardState{term, vote};
    carry_out(std::move(order));
  }
  void append(std::size_t count) {
    raft::Persist order;
    order.entries = next_entries(log(), count, persistence_.hard_state().current_term, 60);
    carry_out(std::move(order));
  }
  // As where a new leader's log differs in the last `removed` entries.
  void replace(std::size_t removed, std::size_t count) {
    const raft::Index last = log().last_index();
    const raft::Index kept = std::max(last - std::min<raft::Index>(last, removed), floor());
    raft::Persist order;
    if (kept < last) order.truncate_from = kept + 1;
    const raft::LogPosition before = position(kept);
    order.entries = make_entries(kept + 1, count, persistence_.hard_state().current_term,
                                 before.checksum, 60, before.time_ms);
    carry_out(std::move(order));
  }
  void take_snapshot() {
    if (log().last_index() <= floor()) return;
    raft::SnapshotHead head = meta_of(0);
    head.last = log().last();
    const auto content = content_of(3000, head.last.checksum);
    until_there_is_room([&] { write(snapshots_, head, content); });
  }
  void compact() {
    raft::Persist order;
    order.compact_to = floor();
    carry_out(std::move(order));
  }
  // A leader's snapshot of what is to come, in parts; then the log begins anew behind it.
  void install(raft::Index ahead) {
    const raft::Term term = persistence_.hard_state().current_term;
    const raft::Index index = log().last_index() + ahead;
    Sent sent = make_sent(index, content_of(70'000, index), {});
    sent.meta.last = {index, term, index * 31, log().last_time_ms() + 5};
    snapshots_.forget_receiving();
    until_there_is_room([&] { send_rest(snapshots_, sent, 30'000); });
    raft::Persist order;
    order.reset_to = sent.meta.last;
    carry_out(std::move(order));
  }
  // Zeros for the next segment, in parts.
  void prepare(int parts) {
    for (int part = 0; part < parts; ++part) persistence_.prepare_ahead(kSegmentBytes / 4);
  }
  // So often it found no room, and went on when there was some.
  [[nodiscard]] std::uint64_t waits() const { return waits_; }

 private:
  [[nodiscard]] const LogStore& log() const { return persistence_.log(); }
  [[nodiscard]] raft::Index floor() const {
    return snapshots_.newest() ? snapshots_.newest()->last.index : 0;
  }
  [[nodiscard]] raft::LogPosition position(raft::Index index) const {
    return index == log().base().index ? log().base()
                                       : raft::position_of(log().read(index, index, 1).front());
  }
  // A full disk is no fault, and there is room at the next attempt.
  template <typename Write>
  void until_there_is_room(Write write) {
    try {
      write();
    } catch (const DiskFull&) {
      ++waits_;
      write();
    }
  }
  void carry_out(raft::Persist order) {
    order.number = ++orders_;
    if (persistence_.persist({&order, 1}) == 0) {
      ++waits_;
      REQUIRE(persistence_.persist({&order, 1}) == 1);
    }
    if (const auto index = Persistence::compact_to({&order, 1}); index > 0) {
      persistence_.trim_to(index);
    }
  }

  DataDirectory directory_;
  SnapshotStore snapshots_;
  Persistence persistence_;
  std::uint64_t orders_ = 0;
  std::uint64_t waits_ = 0;
};

struct Step {
  std::function<void(Node&)> act;
  std::size_t removes = 0;  // entries at the end of the log that it may take away
};

const std::vector<Step>& life() {
  static const std::vector<Step> steps = {
      {[](Node& node) { node.enter_term(1, 1); }},
      {[](Node& node) { node.append(1); }},
      {[](Node& node) { node.append(3); }},
      {[](Node& node) { node.append(9); }},  // and a new segment
      {[](Node& node) { node.prepare(4); }},
      {[](Node& node) { node.append(6); }},  // into the one that was prepared
      {[](Node& node) { node.prepare(2); }},
      {[](Node& node) { node.enter_term(2, std::nullopt); }},
      {[](Node& node) { node.replace(2, 1); }, 2},
      {[](Node& node) { node.append(7); }},
      {[](Node& node) { node.replace(12, 2); }, 12},  // across segments
      {[](Node& node) { node.prepare(3); }},          // over one of them
      {[](Node& node) { node.enter_term(2, 3); }},
      {[](Node& node) { node.take_snapshot(); }},
      {[](Node& node) { node.append(8); }},
      {[](Node& node) { node.compact(); }},
      {[](Node& node) { node.prepare(4); }},
      {[](Node& node) { node.append(2); }},
      {[](Node& node) { node.append(9); }},
      {[](Node& node) { node.take_snapshot(); }},
      {[](Node& node) { node.compact(); }},
      {[](Node& node) { node.prepare(1); }},
      {[](Node& node) { node.enter_term(5, std::nullopt); }},
      {[](Node& node) { node.install(20); }, SIZE_MAX},  // the log that it replaces may go
      {[](Node& node) { node.append(4); }},
      {[](Node& node) { node.take_snapshot(); }},
      {[](Node& node) { node.append(5); }},
      {[](Node& node) { node.compact(); }},
      {[](Node& node) { node.prepare(4); }},
      {[](Node& node) { node.append(3); }},
  };
  return steps;
}

// Whatever the step that was cut short left undone, all that was there before it is there.
void require_kept(const Stored& before, const Stored& now, std::size_t removes) {
  REQUIRE(now.hard_state.current_term >= before.hard_state.current_term);
  if (now.hard_state.current_term == before.hard_state.current_term &&
      before.hard_state.voted_for) {
    REQUIRE(now.hard_state.voted_for == before.hard_state.voted_for);
  }
  REQUIRE(now.snapshot >= before.snapshot);
  REQUIRE(now.base.index <= now.snapshot);
  const raft::Index last = before.last().index;
  const raft::Index kept = last - std::min<raft::Index>(last, removes);
  REQUIRE(now.last().index >= kept);
  for (const raft::Entry& entry : before.entries) {
    if (entry.index > kept || entry.index <= now.base.index) continue;
    const raft::Entry* found = now.at(entry.index);
    REQUIRE(found != nullptr);
    REQUIRE(found->record == entry.record);
  }
}

struct Outcome {
  std::uint64_t changes = 0;  // of files, in all
  std::string failed;         // which one the fault met, where that ended a node
  std::uint64_t waits = 0;    // for room
  int spares_used = 0;
  int spares_recycled = 0;
};

// Lives one life, with a fault at the change behind `passing` others.
class Trial {
 public:
  Trial(std::uint64_t passing, FaultKind kind, bool loses_cache, std::uint64_t seed)
      : random_(seed), loses_cache_(loses_cache) {
    disk_.fail_after(passing, kind);
  }

  Outcome run() {
    start();
    for (const Step& step : life()) {
      const Stored before = node_->stored();
      const bool had_spare = disk_.exists(kSpare);
      while (!attempt(step)) {
        start();
        require_kept(before, node_->stored(), step.removes);
      }
      certain_ = node_->stored();
      note_spare(had_spare);
    }
    const std::uint64_t waits = node_->waits();
    REQUIRE(waits <= 1);
    reach_the_end();
    return {disk_.operations(), failed_, waits, spares_used_, spares_recycled_};
  }

 private:
  bool attempt(const Step& step) {
    try {
      step.act(*node_);
      return true;
    } catch (const DiskFault& fault) {
      end(fault);
      return false;
    }
  }

  void start() {
    for (;;) {
      try {
        node_ = std::make_unique<Node>(disk_);
        return;
      } catch (const DiskFault& fault) {
        end(fault);
      }
    }
  }

  void end(const DiskFault& fault) {
    REQUIRE(failed_.empty());  // one fault, one end
    failed_ = fault.what();
    node_.reset();
    disk_.heal();
    if (loses_cache_) disk_.crash(kNode, random_);
  }

  void note_spare(bool had) {
    const bool has = disk_.exists(kSpare);
    spares_used_ += had && !has ? 1 : 0;
    if (had || !has) return;
    const auto bytes = disk_.content(kSpare);
    const auto is_zero = [](std::byte each) { return each == std::byte{}; };
    spares_recycled_ += std::all_of(bytes.begin(), bytes.end(), is_zero) ? 0 : 1;
  }

  // What was promised is still there when the power fails once more.
  void reach_the_end() {
    node_.reset();
    disk_.crash(kNode, random_);
    start();
    const Stored now = node_->stored();
    require_kept(certain_, now, 0);
    REQUIRE(now.last().index == certain_.last().index);
    REQUIRE(now.hard_state == certain_.hard_state);
  }

  SimulatedDisk disk_;
  base::Random random_;
  bool loses_cache_;
  std::string failed_;
  int spares_used_ = 0;
  int spares_recycled_ = 0;
  Stored certain_;
  std::unique_ptr<Node> node_;
};

struct Way {
  const char* name;
  FaultKind kind;
  bool loses_cache;
  std::uint64_t seeds;  // where chance decides what is left
};

constexpr Way kWays[] = {
    {"fails with EIO", FaultKind::kInputOutput, false, 1},
    {"fails with EIO, and the power fails", FaultKind::kInputOutput, true, 2},
    {"fails with ENOSPC", FaultKind::kNoSpace, false, 1},
    {"fails with ENOSPC, and the power fails", FaultKind::kNoSpace, true, 2},
    {"is the last of a killed process", FaultKind::kPowerCut, false, 1},
    {"is the last before the power fails", FaultKind::kPowerCut, true, 4},
};

// "cannot write node/log/…: cause" is a write.
std::string verb_of(const std::string& fault) {
  const std::string text = fault.substr(std::string("cannot ").size());
  return text.substr(0, text.find(' '));
}

TEST_CASE("scripted_life_each_change_of_a_file_may_fail_in_each_way", "[A16][A18][A19][A23]") {
  const Outcome undisturbed = Trial(SIZE_MAX / 2, FaultKind::kPowerCut, true, 1).run();
  CHECK(undisturbed.spares_used >= 3);
  CHECK(undisturbed.spares_recycled >= 2);
  const std::uint64_t changes = undisturbed.changes;
  std::map<std::string, std::uint64_t> counts;
  Tally tally("lives with one change of a file that fails",
              {"kept every promise", "waited for room"});
  std::uint64_t waits = 0;
  for (const Way& way : kWays) {
    for (std::uint64_t passing = 0; passing < changes; ++passing) {
      for (std::uint64_t seed = 1; seed <= way.seeds; ++seed) {
        INFO("change " << passing << " " << way.name << ", seed " << seed);
        const Outcome outcome = Trial(passing, way.kind, way.loses_cache, seed).run();
        tally.add(outcome.waits == 0 ? "kept every promise" : "waited for room");
        waits += outcome.waits;
        REQUIRE(
            (outcome.waits == 0 || (way.kind == FaultKind::kNoSpace && outcome.failed.empty())));
        if (way.kind != FaultKind::kInputOutput || way.loses_cache) continue;
        if (!outcome.failed.empty()) ++counts[verb_of(outcome.failed)];
      }
    }
  }
  Tally failed("changes of files fail in one life",
               {"write", "sync", "truncate", "rename", "remove", "create"});
  for (const auto& [verb, count] : counts) failed.add(verb, count);
  CHECK(waits > 0);
  for (const char* verb : {"write", "sync", "truncate", "rename", "remove", "create"}) {
    INFO(verb);
    CHECK(counts[verb] > 0);
  }
}

}  // namespace
}  // namespace storage
