// Random histories of a log, with faults and crashes at random moments, against a model.
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
    } else if (choice < 75) {
      log_->sync();
      guaranteed_ = written_.size();
    } else if (choice < 85) {
      truncate();
    } else if (choice < 93) {
      reopen();
    } else {
      log_.reset();
      crash();
      reopen();
    }
    check();
  }

  void append() {
    if (random_.chance(1, 5)) ++term_;
    const auto previous = written_.empty() ? 0 : written_.back().checksum();
    const auto size = random_.chance(1, 10) ? random_.between(0, 3000) : random_.between(0, 200);
    const auto entries =
        make_entries(written_.size() + 1, random_.between(1, 6), term_, previous, size);
    written_.insert(written_.end(), entries.begin(), entries.end());
    log_->append(entries);
  }

  void truncate() {
    if (written_.empty()) return;
    const raft::Index index = random_.between(1, written_.size());
    guaranteed_ = std::min<std::size_t>(guaranteed_, index - 1);
    log_->truncate_from(index);
    written_.resize(index - 1);
    guaranteed_ = written_.size();
    ++term_;
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
    log_ = std::make_unique<LogStore>(disk_, "node/log", 5, options_);
    REQUIRE(log_->last_index() >= guaranteed_);
    REQUIRE(is_prefix(*log_, written_));
    written_.resize(log_->last_index());
    guaranteed_ = written_.size();
    ++term_;
  }

  void check() {
    if (!log_) return;
    REQUIRE(log_->last_index() == written_.size());
    if (written_.empty()) return;
    const raft::Index first = random_.between(1, written_.size());
    const raft::Index last = random_.between(first, written_.size());
    const auto found = log_->read(first, last, SIZE_MAX);
    REQUIRE(same(found, {written_.begin() + static_cast<std::ptrdiff_t>(first - 1),
                         written_.begin() + static_cast<std::ptrdiff_t>(last)}));
  }

  base::Random random_;
  LogOptions options_;
  SimulatedDisk disk_;
  std::unique_ptr<LogStore> log_;
  std::vector<raft::Entry> written_;  // as the log must read
  std::size_t guaranteed_ = 0;        // so many of them survive everything
  raft::Term term_ = 1;
};

TEST_CASE("log_model_random_histories_with_crashes_keep_every_promise", "[A15][A16][A17][A18]") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    INFO("seed " << seed);
    History(seed).run(60);
  }
}

}  // namespace
}  // namespace storage
