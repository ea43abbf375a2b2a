#include "actors/log_writer.h"

#include <atomic>
#include <filesystem>

#include "../storage/simulated_disk.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

constexpr std::uint64_t kSegmentBytes = 1 << 16;
constexpr const char* kSpare = "node/log/spare.segment";

// A disk whose syncs the test can hold back, or let fail.
class WatchedDisk final : public storage::SimulatedDisk {
 public:
  std::unique_ptr<storage::File> open(const Path& path, OpenMode mode) override {
    return std::make_unique<WatchedFile>(*this, SimulatedDisk::open(path, mode));
  }

  std::atomic<bool> held = false;     // a sync waits until this is false
  std::atomic<bool> failing = false;  // a sync throws
  std::atomic<int> syncs = 0;         // begun

 private:
  class WatchedFile final : public storage::File {
   public:
    WatchedFile(WatchedDisk& disk, std::unique_ptr<storage::File> file)
        : disk_(disk), file_(std::move(file)) {}
    void write(std::uint64_t offset, std::span<const std::span<const std::byte>> parts) override {
      file_->write(offset, parts);
    }
    std::size_t read(std::uint64_t offset, std::span<std::byte> into) const override {
      return file_->read(offset, into);
    }
    void sync() override {
      ++disk_.syncs;
      disk_.held.wait(true);
      if (disk_.failing) throw storage::DiskFault("the disk is gone");
      file_->sync();
    }
    void truncate(std::uint64_t size) override { file_->truncate(size); }
    std::uint64_t size() const override { return file_->size(); }

   private:
    WatchedDisk& disk_;
    std::unique_ptr<storage::File> file_;
  };
};

struct Bench {
  explicit Bench(std::uint64_t reserve_bytes = 0, std::uint64_t segment_bytes = kSegmentBytes)
      : orders(make_link<LogOrders, LogReport>(context, "event_handler/log_writer", kMustArrive)),
        promises(make_link<OutboundMessages>(context, "log_writer/outbound_dispatcher", 64)),
        ticks(context, "ticks"),
        logging(quiet_logging()) {
    disk.make_directory("node");
    writer = std::make_unique<LogWriter>(
        std::make_unique<storage::Persistence>(
            "node", std::make_unique<storage::HardStateStore>(disk, "node", true),
            std::make_unique<storage::LogStore>(disk, "node/log", storage::LogOwner{1, 1, 0},
                                                storage::LogOptions{segment_bytes}),
            std::nullopt, std::make_unique<storage::DoubtFile>(disk, "node", 1)),
        std::make_unique<storage::SpaceGuard>(disk, "node", reserve_bytes),
        LogWriter::Links{std::move(orders.far), std::move(promises.near), {context, "ticks"}},
        *logging, counters);
    disk.syncs = 0;
  }

  // Until it is heard: a tick may be missed, as the first ones are.
  void tick(raft::Milliseconds time_ms) {
    do {
      ticks.publish({time_ms});
    } while (!writer->inputs()[1].socket->readable());
    writer->turn();
  }
  void append(std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) {
      orders.near.send({order(number), {}});
      writer->turn();
    }
  }

  // An order for the entry that follows, with one promise.
  raft::Persist order(std::uint64_t number) {
    raft::EntryBlockBuilder builder(previous);
    builder.add(number, 1, raft::EntryKind::kCommand, base::SharedBytes::copy_of("command"));
    raft::Persist persist;
    persist.number = number;
    persist.entries = builder.finish();
    persist.promises.push_back({{2, 22}, raft::AppendEntriesAccepted{1, number}});
    previous = persist.entries.back().checksum();
    return persist;
  }

  zmq::context_t context{0};
  WatchedDisk disk;
  LinkEnds<LogOrders, LogReport> orders;
  LinkEnds<OutboundMessages> promises;
  BroadcastSource<Tick> ticks;
  std::unique_ptr<Logging> logging;
  Counters counters;
  std::unique_ptr<LogWriter> writer;
  std::uint64_t previous = 0;
};

}  // namespace

TEST_CASE("log_writer_promises_only_after_the_sync") {  // A15
  const auto mode = each_runtime();
  Bench bench;
  bench.disk.held = true;
  RunningActors running(bench.context, mode, {bench.writer.get()});
  bench.orders.near.send({bench.order(1), {}});
  eventually([&] { return bench.disk.syncs > 0; });
  CHECK_FALSE(bench.promises.far.receive());
  CHECK_FALSE(bench.orders.near.receive());

  bench.disk.held = false;
  bench.disk.held.notify_all();
  CHECK(next(bench.promises.far).sends.size() == 1);
  const LogReport report = next(bench.orders.near);
  REQUIRE(report.persisted);
  CHECK(report.persisted->number == 1);
}

TEST_CASE("log_writer_syncs_once_for_all_orders_that_wait") {
  const auto mode = each_runtime();
  Bench bench;
  for (std::uint64_t number = 1; number <= 20; ++number) {
    bench.orders.near.send({bench.order(number), {}});
  }
  RunningActors running(bench.context, mode, {bench.writer.get()});
  CHECK(next(bench.promises.far).sends.size() == 20);
  CHECK(next(bench.orders.near).persisted->number == 20);
  CHECK(bench.disk.syncs == 1);
}

TEST_CASE("log_writer_sends_nothing_more_after_a_failed_sync") {  // A16
  const auto mode = each_runtime();
  Bench bench;
  bench.disk.failing = true;
  RunningActors running(bench.context, mode, {bench.writer.get()});
  bench.orders.near.send({bench.order(1), {}});
  const ActorEnded ended = running.wait_for_end();
  CHECK(ended.actor == bench.writer.get());
  REQUIRE(ended.fault);
  CHECK_THAT(*ended.fault, Catch::Contains("the disk is gone"));

  bench.disk.failing = false;
  bench.orders.near.send({bench.order(2), {}});
  running.stop();
  CHECK_FALSE(bench.promises.far.receive());
  CHECK_FALSE(bench.orders.near.receive());
}

TEST_CASE("log_writer_reads_back_what_the_core_asks_for") {
  const auto mode = each_runtime();
  Bench bench;
  bench.orders.near.send({bench.order(1), {}});
  bench.orders.near.send({bench.order(2), {raft::FetchEntries{3, 1, 2, 1 << 20}}});
  RunningActors running(bench.context, mode, {bench.writer.get()});
  CHECK(next(bench.orders.near).persisted->number == 2);
  const LogReport report = next(bench.orders.near);
  REQUIRE(report.fetched.size() == 1);
  CHECK(report.fetched[0].peer == 3);
  CHECK(report.fetched[0].entries.size() == 2);
}

TEST_CASE("log_writer_finishes_its_orders_when_it_stops") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.context, mode, {bench.writer.get()});
  for (std::uint64_t number = 1; number <= 3000; ++number) {
    bench.orders.near.send({bench.order(number), {}});
  }
  running.stop();
  std::uint64_t last = 0;
  while (const auto report = bench.orders.near.receive()) last = report->persisted->number;
  CHECK(last == 3000);
}

TEST_CASE("log_writer_ends_the_node_where_a_committed_entry_is_missing") {
  const auto mode = each_runtime();
  Bench bench;
  bench.orders.near.send({bench.order(1), {raft::FetchEntries{std::nullopt, 5, 6, 1 << 20}}});
  RunningActors running(bench.context, mode, {bench.writer.get()});
  const ActorEnded ended = running.wait_for_end();
  REQUIRE(ended.fault);
  CHECK_THAT(*ended.fault, Catch::Contains("entry 5 is committed"));
}

TEST_CASE("log_writer_begins_anew_behind_a_snapshot") {
  const auto mode = each_runtime();
  Bench bench;
  bench.orders.near.send({bench.order(1), {}});
  raft::Persist order;
  order.number = 2;
  order.reset_to = raft::LogPosition{100, 1, 77, 0};
  // Behind the snapshot by now: whoever asked is told so, and asks for something else.
  bench.orders.near.send({order, {raft::FetchEntries{std::nullopt, 1, 1, 1 << 20}}});
  raft::EntryBlockBuilder builder(77);
  builder.add(101, 1, raft::EntryKind::kCommand, base::SharedBytes::copy_of("command"));
  raft::Persist next_order;
  next_order.number = 3;
  next_order.entries = builder.finish();
  bench.orders.near.send({next_order, {raft::FetchEntries{3, 101, 101, 1 << 20}}});
  RunningActors running(bench.context, mode, {bench.writer.get()});
  CHECK(next(bench.orders.near).persisted->number == 3);
  const LogReport report = next(bench.orders.near);
  REQUIRE(report.fetched.size() == 2);
  CHECK(report.fetched[0].entries.empty());
  CHECK(report.fetched[1].entries.at(0).index == 101);
}

TEST_CASE("log_writer_trims_a_few_segments_at_a_time") {
  Bench bench;
  const auto segments = [&bench] { return bench.disk.list("node/log").size(); };
  const auto obey = [&bench](raft::Persist order) {
    bench.orders.near.send({std::move(order), {}});
    bench.writer->turn();
  };
  std::uint64_t number = 0;
  while (segments() < 8) obey(bench.order(++number));
  raft::Persist order = bench.order(++number);
  order.compact_to = number;
  obey(std::move(order));
  const std::size_t left = segments();
  CHECK(left >= 6);
  obey(bench.order(++number));
  CHECK(segments() == left - 2);
  for (int i = 0; i < 3; ++i) obey(bench.order(++number));
  CHECK(segments() <= 2);
}

TEST_CASE("log_writer_trims_after_its_promises_and_what_was_asked_for") {
  const auto mode = each_runtime();
  Bench bench;
  for (std::uint64_t number = 1; number <= 2000; ++number) {
    bench.orders.near.send({bench.order(number), {}});
  }
  raft::Persist order = bench.order(2001);
  order.compact_to = 1900;
  bench.orders.near.send({order, {raft::FetchEntries{3, 1, 1, 1 << 20}}});
  RunningActors running(bench.context, mode, {bench.writer.get()});
  while (next(bench.orders.near).persisted->number != 2001) {
  }
  CHECK(next(bench.orders.near).fetched.size() == 1);  // asked for before it went
  bench.orders.near.send(
      {std::nullopt,
       {raft::FetchEntries{3, 1, 1, 1 << 20}, raft::FetchEntries{3, 2001, 2001, 1 << 20}}});
  const LogReport report = next(bench.orders.near);
  REQUIRE(report.fetched.size() == 2);
  CHECK((report.fetched[0].peer == 3 && report.fetched[0].entries.empty()));
  CHECK(report.fetched[1].entries.at(0).index == 2001);
}

TEST_CASE("log_writer_prepares_a_slice_of_the_next_segment_at_each_quiet_tick") {
  Bench bench;
  bench.tick(1);
  bench.append(1, 200);
  CHECK_FALSE(bench.disk.exists(kSpare));  // without a tick
  bench.disk.syncs = 0;
  bench.orders.near.send({bench.order(201), {}});
  bench.tick(2);
  CHECK(bench.disk.syncs == 1);  // of the order
  bench.tick(3);
  CHECK(bench.disk.syncs == 2);  // and of a slice
  REQUIRE(bench.disk.content(kSpare).size() == kSegmentBytes);

  // The next segment is that one.
  std::uint64_t number = 201;
  while (bench.disk.exists(kSpare)) {
    ++number;
    bench.append(number, number);
  }
  CHECK(bench.disk.list("node/log").size() == 2);
}

TEST_CASE("log_writer_prepares_nothing_while_the_log_grows") {
  Bench bench(0, 16 * kSegmentBytes);
  std::uint64_t number = 0;
  for (raft::Milliseconds now = 1; now <= 100; ++now) {
    bench.append(number + 1, number + 50);
    number += 50;
    bench.tick(now);
    REQUIRE_FALSE(bench.disk.exists(kSpare));
  }
  bench.tick(101);
  CHECK(bench.disk.exists(kSpare));
}

TEST_CASE("log_writer_gives_the_spare_segment_back_before_the_disk_is_low_on_room") {
  constexpr std::uint64_t kReserve = 2 * kSegmentBytes;  // made by the first look
  Bench bench(kReserve);
  bench.tick(1);
  bench.append(1, 200);
  bench.tick(2);
  bench.tick(3);
  REQUIRE(bench.disk.content(kSpare).size() == kSegmentBytes);
  while (bench.orders.near.receive()) {
  }
  bench.disk.limit(bench.disk.used() + kReserve + kReserve / 8);
  bench.tick(1000);
  CHECK_FALSE(bench.disk.exists(kSpare));
  CHECK_FALSE(bench.orders.near.receive());  // nothing to tell the core
  bench.tick(2000);
  CHECK_FALSE(bench.disk.exists(kSpare));
}

TEST_CASE("log_writer_keeps_orders_for_which_there_is_no_room_and_goes_on_when_there_is") {
  Bench bench;
  bench.disk.limit(bench.disk.used());
  raft::Persist first = bench.order(1);
  first.hard_state = raft::HardState{1, 1};
  bench.orders.near.send({std::move(first), {}});
  bench.orders.near.send({bench.order(2), {}});
  bench.writer->turn();
  bench.ticks.publish({100});
  bench.writer->turn();
  const auto full = bench.orders.near.receive();
  REQUIRE(full);
  REQUIRE(full->space);
  CHECK(full->space->space == raft::DiskSpace::kFull);
  CHECK_FALSE(full->persisted);
  CHECK_FALSE(bench.promises.far.receive());

  // What comes meanwhile waits behind; it is tried again now and then.
  bench.orders.near.send({bench.order(3), {}});
  bench.ticks.publish({150});
  bench.writer->turn();
  bench.ticks.publish({250});
  bench.writer->turn();
  CHECK_FALSE(bench.orders.near.receive());

  bench.disk.limit(std::nullopt);
  bench.ticks.publish({400});
  bench.writer->turn();
  const auto promises = bench.promises.far.receive();
  REQUIRE(promises);
  REQUIRE(promises->sends.size() == 3);
  for (std::size_t place = 0; place < 3; ++place) {
    const auto& accepted = std::get<raft::AppendEntriesAccepted>(promises->sends[place].message);
    CHECK(accepted.match_index == place + 1);
  }
  const auto persisted = bench.orders.near.receive();
  REQUIRE(persisted);
  CHECK(persisted->persisted->number == 3);
  const auto room = bench.orders.near.receive();
  REQUIRE(room);
  CHECK(room->space->space == raft::DiskSpace::kEnough);
}

TEST_CASE("log_writer_promises_nothing_of_the_orders_of_a_group_that_found_no_room") {
  Bench bench;
  bench.disk.limit(bench.disk.used());
  raft::Persist vote;  // needs no room
  vote.number = 1;
  vote.hard_state = raft::HardState{1, 2};
  vote.promises.push_back({raft::Peer{2, 2}, raft::RequestVoteReply{1, true}});
  bench.orders.near.send({std::move(vote), {}});
  raft::Persist entries = bench.order(1);
  entries.number = 2;
  bench.orders.near.send({std::move(entries), {}});
  bench.writer->turn();
  const auto promises = bench.promises.far.receive();
  REQUIRE(promises);
  REQUIRE(promises->sends.size() == 1);
  CHECK(std::holds_alternative<raft::RequestVoteReply>(promises->sends[0].message));
  const auto report = bench.orders.near.receive();
  REQUIRE(report);
  REQUIRE(report->persisted);
  CHECK(report->persisted->number == 1);
  CHECK_FALSE(bench.promises.far.receive());
}

TEST_CASE("log_writer_stops_in_order_while_there_is_no_room") {
  Bench bench;
  bench.disk.limit(bench.disk.used());
  bench.orders.near.send({bench.order(1), {}});
  bench.writer->stop();
  bench.orders.near.send({bench.order(2), {}});
  bench.writer->stop();
  CHECK_FALSE(bench.promises.far.receive());
}
