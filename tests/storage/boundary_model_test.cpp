// Snapshots and log of one node through random histories, with faults and crashes at any moment:
// whatever is left, the two fit together and nothing between them is missing (A19).
#include <memory>
#include <optional>

#include "storage/catch.h"
#include "storage/entries.h"
#include "storage/log_boundary.h"
#include "storage/snapshots.h"

namespace storage {
namespace {

class Node {
 public:
  explicit Node(std::uint64_t seed) : random_(seed), options_{random_.between(600, 3000)} {
    start();
    write(*snapshots_, meta(raft::LogPosition{}), content(raft::LogPosition{}));
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      if (random_.chance(1, 10)) arm();
      try {
        step();
      } catch (const DiskFault&) {
        recover();
      }
    }
    REQUIRE(snapshots_->newest().has_value());
  }

 private:
  void arm() {
    disk_.fail_after(random_.between(0, 15), static_cast<FaultKind>(random_.between(0, 3)));
  }

  void step() {
    const auto choice = random_.between(0, 99);
    if (choice < 40) {
      append();
    } else if (choice < 60) {
      take_snapshot();
    } else if (choice < 80) {
      receive();
    } else if (choice < 90) {
      log_->trim_to(random_.between(0, snapshots_->newest()->last.index));
    } else {
      if (choice < 95) crash();
      start();
    }
    check();
  }

  // What a snapshot of this entry holds follows from the entry.
  [[nodiscard]] std::vector<std::byte> content(const raft::LogPosition& point) const {
    return content_of(point.checksum % (point.checksum % 3 == 0 ? 150000 : 3000), point.checksum);
  }
  [[nodiscard]] static raft::SnapshotHead meta(const raft::LogPosition& point) {
    raft::SnapshotHead meta = meta_of(0);
    meta.last = point;
    return meta;
  }

  void write_content(const raft::SnapshotHead& meta) {
    const auto bytes = content(meta.last);
    snapshots_->begin(meta);
    snapshots_->append(std::span(bytes).first(bytes.size() / 2));
    if (random_.chance(1, 4)) return;  // goes on with another
    snapshots_->append(std::span(bytes).subspan(bytes.size() / 2));
    if (snapshots_->finish()) durable_snapshot_ = meta.last.index;
  }

  void append() {
    const auto size = random_.between(0, 300);
    log_->append(next_entries(*log_, random_.between(1, 4), log_->last().term + 1, size));
    log_->sync();
    durable_last_ = log_->last_index();
  }

  void take_snapshot() {
    if (log_->first_index() > log_->last_index()) return;
    const auto index = random_.between(log_->first_index(), log_->last_index());
    const raft::LogPosition point = raft::position_of(log_->read(index, index, 1).front());
    if (index <= snapshots_->newest()->last.index) return;
    write_content(meta(point));
    if (random_.chance(1, 2)) log_->trim_to(durable_snapshot_);
  }

  // A leader's, far ahead; or the one that is on its way already.
  void receive() {
    if (!sent_ || random_.chance(1, 5)) {
      raft::LogPosition point{log_->last_index() + random_.between(1, 30), log_->last().term + 1,
                              random_.next(), log_->last_time_ms()};
      point.index = std::max(point.index, snapshots_->newest()->last.index + 1);
      sent_ = sent_of(point);
    }
    // It tells another history than the log, which goes where the snapshot is complete.
    durable_last_ = std::min(durable_last_, sent_->meta.last.index);
    const auto& bytes = sent_->transfer;
    std::uint64_t offset = random_.between(0, bytes.size());
    for (int part = 0; part < 3; ++part) {
      const auto length = std::min<std::uint64_t>(bytes.size() - offset, 60000);
      const Received received =
          snapshots_->receive(sent_->meta, offset, std::span(bytes).subspan(offset, length));
      REQUIRE(received.receipt != Receipt::kDamaged);
      if (received.receipt == Receipt::kComplete) {
        durable_snapshot_ = sent_->meta.last.index;
        sent_.reset();
        join();
        return;
      }
      if (received.receipt == Receipt::kNotNewer) sent_.reset();
      if (received.receipt == Receipt::kRefused) snapshots_->forget_receiving();
      if (received.receipt != Receipt::kMore) return;
      offset = received.demand.next_offset;
    }
  }

  [[nodiscard]] Sent sent_of(const raft::LogPosition& point) const {
    Sent sent = make_sent(1, content(point), {});
    sent.meta.last = point;
    return sent;
  }

  void join() {
    if (join_log_to_snapshot(*log_, snapshots_->newest())) durable_last_ = log_->last_index();
  }

  void crash() {
    close();
    disk_.crash("node", random_);
  }
  void close() {
    log_.reset();
    snapshots_.reset();
  }

  void recover() {
    for (;;) {
      close();
      if (random_.chance(1, 2)) disk_.crash("node", random_);
      if (random_.chance(1, 2)) disk_.heal();
      try {
        start();
        return;
      } catch (const DiskFault&) {
      }
      disk_.heal();
      if (random_.chance(1, 2)) arm();
    }
  }

  void start() {
    close();
    snapshots_ = std::make_unique<SnapshotStore>(disk_, kSnapshots, kSnapshotOwner);
    log_ = std::make_unique<LogStore>(disk_, "node/log", LogOwner{kSnapshotOwner, 1, 0}, options_);
    if (snapshots_->newest()) REQUIRE(snapshots_->newest()->last.index >= durable_snapshot_);
    join();
    check();
  }

  void check() {
    if (!log_) return;
    const raft::LogPosition last =
        snapshots_->newest() ? snapshots_->newest()->last : raft::LogPosition{};
    REQUIRE(last.index >= durable_snapshot_);
    REQUIRE(log_->base().index <= last.index);
    REQUIRE(log_->last_index() >= last.index);
    REQUIRE(std::max(log_->last_index(), last.index) >= durable_last_);
    if (snapshots_->newest()) REQUIRE(read_all(*snapshots_) == content(last));
    durable_snapshot_ = last.index;
  }

  base::Random random_;
  LogOptions options_;
  SimulatedDisk disk_;
  std::unique_ptr<SnapshotStore> snapshots_;
  std::unique_ptr<LogStore> log_;
  std::optional<Sent> sent_;          // by the leader
  raft::Index durable_snapshot_ = 0;  // the newest is of this index at least
  raft::Index durable_last_ = 0;      // log or snapshot reach this entry
};

TEST_CASE("boundary_model_random_histories_leave_log_and_snapshot_together", "[A16][A19][A23]") {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    INFO("seed " << seed);
    Node(seed).run(60);
  }
}

}  // namespace
}  // namespace storage
