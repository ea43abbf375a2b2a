#include "actors/snapshot_store.h"

#include "../storage/simulated_disk.h"
#include "actors/database.h"
#include "database/command.h"
#include "storage/block_table.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

const raft::Peer kLeader{2, 22};
const raft::Peer kOtherLeader{3, 33};

struct Bench {
  Bench()
      : handler(make_link<SnapshotOrders, SnapshotReport>(inside, "orders", kMustArrive)),
        content(make_link<ContentOrder, ContentReport>(inside, "content", kMustArrive)),
        parts(make_link<SnapshotReads, SnapshotReadAnswers>(inside, "parts", kMustArrive)),
        logging(quiet_logging()) {
    disk.make_directory("node");
    actor = std::make_unique<SnapshotStore>(
        std::make_unique<storage::SnapshotStore>(disk, "node/snapshots", 1),
        SnapshotStore::Links{std::move(handler.far), std::move(content.far), std::move(parts.far)},
        *logging);
  }

  // The next report of this kind, with what came before it left out.
  template <typename Event>
  Event next_event() {
    while (true) {
      for (; reported < report.events.size(); ++reported) {
        if (auto* event = std::get_if<Event>(&report.events[reported])) {
          ++reported;
          return *event;
        }
      }
      report = next(handler.near);
      reported = 0;
    }
  }

  // A snapshot of this node up to `index`.
  raft::SnapshotHead take(raft::Index index, const std::string& bytes) {
    content.near.send(SnapshotBegun{{index, 1, 5, 1000}, {}});
    content.near.send(SnapshotSlice{base::SharedBytes::copy_of(bytes)});
    content.near.send(SnapshotEnded{});
    return next_event<raft::SnapshotTaken>().head;
  }
  raft::SnapshotChunkStored store(const raft::Peer& from, const raft::SnapshotHead& head,
                                  std::uint64_t offset, std::string_view bytes) {
    handler.near.send({{}, {{from, head, offset, base::SharedBytes::copy_of(bytes)}}, {}});
    return next_event<raft::SnapshotChunkStored>();
  }

  zmq::context_t inside{0};
  storage::SimulatedDisk disk;
  LinkEnds<SnapshotOrders, SnapshotReport> handler;
  LinkEnds<ContentOrder, ContentReport> content;
  LinkEnds<SnapshotReads, SnapshotReadAnswers> parts;
  std::unique_ptr<Logging> logging;
  SnapshotReport report;
  std::size_t reported = 0;
  std::unique_ptr<SnapshotStore> actor;
};

// What a leader sends: taken by another node.
raft::SnapshotHead head_of(raft::Index index, const std::string& bytes) {
  Bench other;
  RunningActors running(other.inside, settings::RuntimeMode::kAsync, {other.actor.get()});
  return other.take(index, bytes);
}

// What travels of a content of one block, and so many bytes of it are the table.
std::string transfer_of(std::string_view content) {
  storage::BlockTable table;
  table.add(storage::block_of(std::as_bytes(std::span(content))));
  const auto bytes = table.encode();
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()).append(content);
}
constexpr std::uint64_t kTable = raft::SnapshotHead::kTableEntryBytes;

}  // namespace

TEST_CASE("snapshot_store_keeps_the_first_configuration") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  raft::Configuration configuration;
  configuration.members.push_back({.id = 1, .identity = 11});
  configuration.voters = {1};
  bench.handler.near.send({raft::StoreFirstConfiguration{configuration}, {}, {}});
  CHECK(bench.next_event<raft::FirstConfigurationStored>().configuration == configuration);
  running.stop();
  const storage::SnapshotStore found(bench.disk, "node/snapshots", 1);
  REQUIRE(found.newest());
  CHECK(found.newest()->configuration == configuration);
}

TEST_CASE("snapshot_store_keeps_a_snapshot_and_reads_it_in_parts") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto head = bench.take(7, "content");
  CHECK(std::holds_alternative<SliceStored>(next(bench.content.near)));
  CHECK(head.last.index == 7);
  CHECK(head.size == 7);
  bench.handler.near.send({{}, {}, {{2, 7, kTable + 3, 2}}});
  const auto part = bench.next_event<raft::SnapshotChunkFetched>();
  CHECK(part.peer == 2);
  CHECK(part.head == head);
  CHECK(part.bytes.view() == "te");
  bench.content.near.send(ContentWanted{7, 4});
  const auto rest = std::get<ContentRead>(next(bench.content.near));
  CHECK(rest.bytes->view() == "ent");
  CHECK(rest.last);

  // A part of what is gone has no bytes, and is not its end.
  static_cast<void>(bench.take(9, "newer"));
  bench.handler.near.send({{}, {}, {{2, 7, kTable + 3, 2}}});
  const auto gone = bench.next_event<raft::SnapshotChunkFetched>();
  CHECK(gone.head.last.index == 7);
  CHECK(gone.bytes.empty());
  CHECK(gone.offset < gone.head.transfer_size());
  bench.content.near.send(ContentWanted{7, 0});
  auto answer = next(bench.content.near);
  while (std::holds_alternative<SliceStored>(answer)) answer = next(bench.content.near);
  CHECK_FALSE(std::get<ContentRead>(answer).bytes);
}

TEST_CASE("snapshot_store_gives_clients_parts_of_the_newest_alone") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto ask = [&](std::optional<std::uint64_t> index, std::uint64_t offset,
                       std::uint64_t max_bytes) {
    bench.parts.near.send({{{1, {index, offset, max_bytes}}}, 0});
    return next(bench.parts.near).outcomes.at(0).result;
  };
  CHECK_FALSE(std::get<SnapshotGone>(ask({}, 0, 1)).newest);
  const auto head = bench.take(7, "content");
  const auto part = std::get<SnapshotPart>(ask({}, kTable + 3, 2));
  CHECK(part.index == 7);
  CHECK(part.size == kTable + 7);
  CHECK(part.bytes.view() == "te");
  const auto decoded = storage::decode_snapshot_head(part.head, 1);
  REQUIRE(decoded);
  CHECK(decoded->meta == head);
  CHECK(std::get<SnapshotPart>(ask(7, kTable + 7, 100)).bytes.empty());
  CHECK(std::get<SnapshotGone>(ask(6, 0, 100)).newest == 7U);
  static_cast<void>(bench.take(9, "newer"));
  CHECK(std::get<SnapshotGone>(ask(7, kTable + 3, 2)).newest == 9U);

  // What does not check is told, and ends nothing.
  bench.disk.flip_bit("node/snapshots/00000000000000000009.snapshot", (88 + 8 + 2) * 8);
  CHECK(std::holds_alternative<SnapshotDamaged>(ask(9, kTable, 100)));
  CHECK(std::holds_alternative<SnapshotDamaged>(ask(9, kTable, 100)));
}

TEST_CASE("snapshot_store_refuses_clients_beyond_what_may_wait") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  constexpr std::uint64_t kPart = codec::kMaxSnapshotPartBytes;
  static_cast<void>(bench.take(7, std::string(kPart, 'x')));
  SnapshotReads asked;
  for (raft::RequestNumber request = 1; request <= 40; ++request) {
    asked.reads.push_back({request, {7, 4 * kTable, kPart}});  // behind a table of four blocks
  }
  bench.parts.near.send(asked);
  const SnapshotReadAnswers first = next(bench.parts.near);
  CHECK(first.outcomes.size() == 16);
  CHECK(first.refused_busy.size() == 24);
  CHECK(first.bytes == 16 * kPart);
  bench.parts.near.send({{{50, {7, 0, 1}}}, 0});
  CHECK(next(bench.parts.near).refused_busy.size() == 1);
  bench.parts.near.send({{{51, {7, 0, 1}}}, first.bytes});
  CHECK(next(bench.parts.near).outcomes.size() == 1);
}

TEST_CASE("snapshot_store_takes_what_a_leader_sends") {  // A23
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto head = head_of(7, "content");
  const std::string bytes = transfer_of("content");
  const auto part = [&](std::size_t offset, std::size_t size) {
    return bench.store(kLeader, head, offset, std::string_view(bytes).substr(offset, size));
  };
  const raft::SnapshotDemand demand{kTable + 3, 4, 0};
  CHECK(part(0, kTable + 3).demand == demand);
  CHECK(part(0, kTable + 3).demand == demand);
  CHECK(part(kTable + 5, 2).demand == demand);
  const auto stored = part(kTable + 3, 4);
  CHECK(stored.complete);
  CHECK(stored.demand.next_offset == kTable + 7);
  // Once more, as the answer may be lost: it is there. An older one is not it.
  CHECK(part(kTable + 3, 4).complete);
  CHECK_FALSE(bench.store(kLeader, head_of(5, "older"), 0, transfer_of("older")).complete);
}

TEST_CASE("snapshot_store_begins_again_where_the_table_does_not_check") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto head = head_of(7, "content");
  const auto damaged = bench.store(kLeader, head, 0, transfer_of("c0ntent"));
  CHECK_FALSE(damaged.complete);
  CHECK(damaged.demand == raft::SnapshotDemand{});
  CHECK(bench.store(kLeader, head, 0, transfer_of("content")).complete);
}

TEST_CASE("snapshot_store_copies_what_the_own_snapshot_has") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  static_cast<void>(bench.take(5, "content"));
  const auto head = head_of(7, "content");
  CHECK(bench.store(kLeader, head, 0, transfer_of("content").substr(0, kTable)).complete);
}

TEST_CASE("snapshot_store_gives_up_what_a_leader_before_began") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  const auto later = head_of(9, "later content");
  const auto earlier = head_of(7, "content");
  const std::string of_later = transfer_of("later content");
  const std::string of_earlier = transfer_of("content");
  CHECK(bench.store(kLeader, later, 0, of_later.substr(0, 5)).demand.next_offset == 5);
  // A late part of an older one of the same leader changes nothing.
  CHECK(bench.store(kLeader, earlier, 0, of_earlier.substr(0, 3)).demand.next_offset == 0);
  CHECK(bench.store(kLeader, later, 5, of_later.substr(5, 4)).demand.next_offset == 9);
  // Another leader has only an earlier one: it must not wait for ever for the one before.
  CHECK(bench.store(kOtherLeader, earlier, 0, of_earlier.substr(0, 3)).demand.next_offset == 3);
  CHECK(bench.store(kOtherLeader, earlier, 3, of_earlier.substr(3)).complete);
}

TEST_CASE("snapshot_store_answers_for_a_snapshot_that_came_too_late") {
  const auto mode = each_runtime();
  Bench bench;
  RunningActors running(bench.inside, mode, {bench.actor.get()});
  bench.content.near.send(SnapshotBegun{{7, 1, 5, 1000}, {}});
  bench.content.near.send(SnapshotSlice{base::SharedBytes::copy_of("content")});
  const auto head = head_of(9, "from the leader");
  CHECK(bench.store(kLeader, head, 0, transfer_of("from the leader")).complete);
  SECTION("it was finished") { bench.content.near.send(SnapshotEnded{}); }
  SECTION("it was given up") { bench.content.near.send(SnapshotGivenUp{}); }
  CHECK(bench.next_event<raft::SnapshotTaken>().head == head);
}

namespace {

// Database and snapshot_store together, under writes all the time.
struct Pair {
  Pair()
      : orders(make_link<DatabaseOrders, DatabaseReport>(inside, "orders", kMustArrive)),
        queries(make_link<LocalQueries, DatabaseAnswers>(inside, "queries", kMustArrive)),
        changes(make_link<AppliedBroadcasts, BroadcastsPublished>(inside, "changes", kMustArrive)),
        snapshots(make_link<SnapshotOrders, SnapshotReport>(inside, "snapshots", kMustArrive)),
        logging(quiet_logging()) {
    auto content = make_link<ContentOrder, ContentReport>(inside, "content", kMustArrive);
    auto parts = make_link<SnapshotReads, SnapshotReadAnswers>(inside, "parts", kMustArrive);
    disk.make_directory("node");
    ::database::Options options;
    options.in_memory = true;
    store = std::make_unique<SnapshotStore>(
        std::make_unique<storage::SnapshotStore>(disk, "node/snapshots", 1),
        SnapshotStore::Links{std::move(snapshots.far), std::move(content.far),
                             std::move(parts.far)},
        *logging);
    state_machine =
        std::make_unique<Database>(std::make_unique<::database::Database>("memory", options), 0,
                                   Database::Limits{1 << 20, 1 << 20},
                                   Database::Links{std::move(orders.far),
                                                   std::move(queries.far),
                                                   std::move(changes.near),
                                                   std::move(content.near),
                                                   {inside, "ticks"}},
                                   *logging, counters);
  }

  void write(raft::Index index) {
    const std::string key = "key" + std::to_string(index % 500);
    raft::EntryBlockBuilder builder(0, index);
    builder.add(index, 1, raft::EntryKind::kCommand,
                ::database::encode_command(
                    ::database::SetCommand{key, std::string(2000, 'a') + std::to_string(index)}));
    orders.near.send({.apply = raft::Apply{{{builder.finish().front(), std::nullopt}}}});
  }

  zmq::context_t inside{0};
  BroadcastSource<Tick> ticks{inside, "ticks"};
  storage::SimulatedDisk disk;
  LinkEnds<DatabaseOrders, DatabaseReport> orders;
  LinkEnds<LocalQueries, DatabaseAnswers> queries;
  LinkEnds<AppliedBroadcasts, BroadcastsPublished> changes;
  LinkEnds<SnapshotOrders, SnapshotReport> snapshots;
  std::unique_ptr<Logging> logging;
  Counters counters;
  std::unique_ptr<SnapshotStore> store;
  std::unique_ptr<Database> state_machine;
};

}  // namespace

TEST_CASE("snapshot_store_holds_what_database_was_at_one_moment_under_load") {
  const auto mode = each_runtime();
  Pair node;
  raft::Index index = 0;
  raft::Index applied = 0;
  std::optional<raft::SnapshotHead> taken;
  {
    RunningActors running(node.inside, mode, {node.state_machine.get(), node.store.get()});
    while (index < 1000) node.write(++index);
    node.orders.near.send({.take_snapshot = raft::TakeSnapshot{{index, 1, 5, index}, {}}});
    eventually([&] {
      node.write(++index);
      if (auto report = node.snapshots.near.receive()) {
        taken = std::get<raft::SnapshotTaken>(report->events.at(0)).head;
      }
      while (auto report = node.orders.near.receive()) {
        applied = std::get<raft::EntriesApplied>(*report).index;
      }
      return taken.has_value() && applied > 1000;  // the writes went on meanwhile
    });
  }
  REQUIRE(taken->last.index == 1000);

  // Another node installs it, and goes on from there.
  Pair other;
  const storage::SnapshotStore source(node.disk, "node/snapshots", 1);
  RunningActors running(other.inside, mode, {other.state_machine.get(), other.store.get()});
  for (std::uint64_t offset = 0; offset < taken->transfer_size();) {
    const auto bytes = source.read_transfer(1000, offset, 100'000);
    other.snapshots.near.send({{}, {{kLeader, *taken, offset, *bytes}}, {}});
    const auto report = next(other.snapshots.near);
    offset = std::get<raft::SnapshotChunkStored>(report.events.at(0)).demand.next_offset;
  }
  other.orders.near.send({.install = raft::InstallSnapshotContent{1000}});
  other.write(1001);
  CHECK(std::get<raft::SnapshotInstalled>(next(other.orders.near)).index == 1000);
  CHECK(std::get<raft::EntriesApplied>(next(other.orders.near)).index == 1001);
  other.queries.near.send({{{1, "key0"}, {2, "key1"}}, {}});
  const DatabaseAnswers answers = next(other.queries.near);
  CHECK(answers.reads.at(0).found->index == 1000);
  CHECK(answers.reads.at(1).found->index == 1001);
}
