// Random histories of a log, with faults and crashes at random moments, against a model.
#include <memory>
#include <optional>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_store.h"
#include "storage/simulated_disk.h"

namespace storage {
namespace {

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed), options_{random_.between(600, 5000)} {
    reopen();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (random_.chance(1, 12)) arm();
      try {
        step();
      } catch (const DiskFault&) {
        recover();
      }
    }
  }

 private:
  void arm() {
    const auto kind = static_cast<FaultKind>(random_.between(0, 2));
    disk_.fail_after(random_.between(0, 12), kind);
  }

  void step() {
    const auto choice = random_.between(0, 99);
    if (choice < 45) {
      append();
    } else if (choice < 70) {
      log_->sync();
      guaranteed_ = last();
    } else if (choice < 79) {
      truncate();
    } else if (choice < 84) {
      trim();
    } else if (choice < 86) {
      replace();
    } else if (choice < 93) {
      reopen();
    } else {
      log_.reset();
      crash();
      reopen();
    }
    check();
  }

  [[nodiscard]] raft::Index last() const { return base_.index + written_.size(); }
  [[nodiscard]] raft::LogPosition last_point() const {
    return written_.empty() ? base_ : raft::position_of(written_.back());
  }

  void append() {
    if (random_.chance(1, 5)) ++term_;
    const auto size = random_.chance(1, 10) ? random_.between(0, 3000) : random_.between(0, 200);
    const auto before = last_point();
    const auto entries = make_entries(last() + 1, random_.between(1, 6), term_, before.checksum,
                                      size, before.time_ms + random_.between(0, 2));
    written_.insert(written_.end(), entries.begin(), entries.end());
    log_->append(entries);
  }

  void truncate() {
    if (written_.empty()) return;
    const raft::Index index = random_.between(base_.index + 1, last());
    guaranteed_ = std::min(guaranteed_, index - 1);
    log_->truncate_from(index);
    written_.resize(index - 1 - base_.index);
    guaranteed_ = last();
    ++term_;
  }

  void trim() {
    trimmed_ = random_.between(base_.index, last());
    log_->trim_to(trimmed_);
    follow_trim();
  }

  // The log may have forgotten what it was told to forget, and nothing else.
  void follow_trim() {
    const raft::Index before = log_->base().index;
    REQUIRE(before >= base_.index);
    REQUIRE((before == base_.index || before <= trimmed_));
    const auto forgotten = before - base_.index;
    if (forgotten == 0) return;
    base_ = raft::position_of(written_[forgotten - 1]);
    written_.erase(written_.begin(), written_.begin() + static_cast<std::ptrdiff_t>(forgotten));
  }

  void replace() {
    replacement_ = {last() + random_.between(1, 20), ++term_, random_.next(),
                    last_point().time_ms + 5};
    log_->reset(*replacement_);
    follow_replacement();
  }

  void follow_replacement() {
    base_ = *replacement_;
    replacement_.reset();
    written_.clear();
    guaranteed_ = base_.index;
  }

  void crash() { disk_.crash("node", random_); }

  // After a fault the process ends; sometimes the machine with it.
  void recover() {
    for (;;) {
      log_.reset();
      if (random_.chance(1, 2)) crash();
      if (random_.chance(1, 2)) disk_.heal();
      try {
        reopen();
        return;
      } catch (const DiskFault&) {
      }
      disk_.heal();
      if (random_.chance(1, 2)) arm();
    }
  }

  void reopen() {
    log_.reset();
    log_ = std::make_unique<LogStore>(disk_, "node/log", LogOwner{5, 1, 0}, options_);
    if (replacement_ && log_->last() == *replacement_) follow_replacement();
    replacement_.reset();
    follow_trim();
    REQUIRE(log_->last_index() >= guaranteed_);
    REQUIRE(log_->last_index() <= last());
    written_.resize(log_->last_index() - base_.index);
    guaranteed_ = last();
    ++term_;
    check();
  }

  void check() {
    if (!log_) return;
    REQUIRE(log_->base() == base_);
    REQUIRE(log_->last() == last_point());
    if (written_.empty()) return;
    REQUIRE(same(log_->read(base_.index + 1, last(), SIZE_MAX), written_));
    const std::size_t first = random_.between(0, written_.size() - 1);
    const std::size_t end = random_.between(first, written_.size() - 1);
    const auto found = log_->read(base_.index + 1 + first, base_.index + 1 + end, SIZE_MAX);
    REQUIRE(same(found, {written_.begin() + static_cast<std::ptrdiff_t>(first),
                         written_.begin() + static_cast<std::ptrdiff_t>(end + 1)}));
  }

  base::Random random_;
  LogOptions options_;
  SimulatedDisk disk_;
  std::unique_ptr<LogStore> log_;
  raft::LogPosition base_;                        // of the log
  std::vector<raft::Entry> written_;              // as the log must read behind it
  raft::Index guaranteed_ = 0;                    // entries up to it survive everything
  raft::Index trimmed_ = 0;                       // entries up to it may be forgotten
  std::optional<raft::LogPosition> replacement_;  // whose fate a fault left open
  raft::Term term_ = 1;
};

TEST_CASE("log_model_random_histories_with_crashes_keep_every_promise",
          "[A15][A16][A17][A18][A19]") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    History(seed).run(60);
  }
}

}  // namespace
}  // namespace storage
