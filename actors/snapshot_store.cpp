#include "actors/snapshot_store.h"

#include <utility>

#include "base/check.h"

namespace actors {
namespace {

constexpr std::size_t kOrdersPerTurn = 16;
// Database has a few on the way at most.
constexpr std::size_t kContentPerTurn = 16;
// To be installed, in one message.
constexpr std::size_t kContentBytes = 1 << 20;
// Of clients that make backups: the orders of the node come first.
constexpr std::size_t kClientBytesPerTurn = 4 << 20;
// Parts on the link to socket_server; beyond it, reads are refused as busy.
constexpr std::size_t kMaxAnsweringBytes = 16 << 20;

}  // namespace

SnapshotStore::SnapshotStore(std::unique_ptr<storage::SnapshotStore> store, Links links,
                             const Logging& logging)
    : store_(std::move(store)), links_(std::move(links)), log_(logging, "snapshot_store") {}

std::vector<Input> SnapshotStore::inputs() {
  return {links_.event_handler.input(), links_.state_machine.input(), links_.socket_server.input()};
}

void SnapshotStore::turn() {
  take_orders();
  take_content();
  if (!report_.events.empty()) links_.event_handler.send(std::exchange(report_, {}));
  serve_clients();
}

void SnapshotStore::stop() {
  while (links_.event_handler.readable() || links_.state_machine.readable()) turn();
}

void SnapshotStore::take_orders() {
  for (std::size_t taken = 0; taken < kOrdersPerTurn; ++taken) {
    auto orders = links_.event_handler.receive();
    if (!orders) return;
    if (auto& first = orders->first_configuration) {
      store_first_configuration(std::move(first->configuration));
    }
    for (const raft::StoreSnapshotChunk& part : orders->stores) store_part(part);
    for (const raft::FetchSnapshotChunk& fetch : orders->fetches) fetch_part(fetch);
  }
}

void SnapshotStore::take_content() {
  for (std::size_t taken = 0; taken < kContentPerTurn; ++taken) {
    auto order = links_.state_machine.receive();
    if (!order) return;
    std::visit([this](auto& each) { on_content(std::move(each)); }, *order);
  }
}

void SnapshotStore::store_first_configuration(raft::Configuration configuration) {
  store_->keep_first(configuration);
  report_.events.emplace_back(raft::FirstConfigurationStored{std::move(configuration)});
}

void SnapshotStore::store_part(const raft::StoreSnapshotChunk& part) {
  const raft::SnapshotHead& head = part.head;
  storage::Received received;
  try {
    received = receive(part);
  } catch (const storage::DiskFull& full) {
    log_.warning("gives up the snapshot up to entry {} of node {}: {}", head.last.index,
                 part.from.id, full.what());
    report_.events.emplace_back(raft::SnapshotChunkNotStored{});
    return;
  }
  raft::SnapshotChunkStored stored{part.from, head, received.demand, false};
  switch (received.receipt) {
    case storage::Receipt::kMore:
      break;
    case storage::Receipt::kComplete:
      log_.info(
          "has the whole snapshot up to entry {} of node {}: {} of {} bytes came from this node's "
          "own snapshot",
          head.last.index, part.from.id, received.copied, head.size);
      stored.complete = true;
      break;
    case storage::Receipt::kNotNewer:
      stored.complete = store_->newest() == head;
      break;
    case storage::Receipt::kRefused:
      log_.warning("refuses a part of the snapshot up to entry {} of node {}, {} bytes in all",
                   head.last.index, part.from.id, head.size);
      break;
    case storage::Receipt::kDamaged:
      log_.warning(
          "the snapshot up to entry {} of node {} is not what its checksum says: begins "
          "again",
          head.last.index, part.from.id);
      break;
  }
  report_.events.emplace_back(std::move(stored));
}

storage::Received SnapshotStore::receive(const raft::StoreSnapshotChunk& part) {
  storage::Received received = store_->receive(part.head, part.offset, part.bytes.span());
  const auto under_way = store_->receiving();
  if (received.receipt == storage::Receipt::kRefused && under_way) {
    // The core passes on what the leader of the moment sends. Where another one began what is
    // here, or the same one has other content now, nobody will finish it; only a late part of an
    // older snapshot of the same leader is of no use.
    const bool late = sender_ == part.from && part.head.last.index < under_way->last.index;
    if (late) return received;
    log_.info("gives up a snapshot up to entry {}, as node {} leads and sends one up to entry {}",
              under_way->last.index, part.from.id, part.head.last.index);
    store_->forget_receiving();
    received = store_->receive(part.head, part.offset, part.bytes.span());
  }
  if (received.receipt == storage::Receipt::kMore) sender_ = part.from;
  return received;
}

void SnapshotStore::fetch_part(const raft::FetchSnapshotChunk& fetch) {
  const auto bytes = store_->read_transfer(fetch.index, fetch.offset, fetch.max_bytes);
  raft::SnapshotChunkFetched fetched{fetch.peer, {}, fetch.offset, {}};
  if (bytes) {
    fetched.head = *store_->newest();
    fetched.bytes = *bytes;
  } else {
    // Gone: of a size that was not reached, so that nobody takes it for an empty end.
    fetched.head.last.index = fetch.index;
    fetched.head.size = fetch.offset + 1;
  }
  report_.events.emplace_back(std::move(fetched));
}

template <typename Step>
void SnapshotStore::write(Step step) {
  if (no_room_) return;
  try {
    step();
  } catch (const storage::DiskFull& full) {
    no_room_ = true;
    log_.warning("gives up the snapshot that is being taken: {}", full.what());
    links_.state_machine.send(NoRoomForSnapshot{});
  }
}

void SnapshotStore::on_content(SnapshotBegun begun) {
  log_.info("a snapshot up to entry {} is being taken", begun.last.index);
  no_room_ = false;
  write([&] { store_->begin({begun.last, std::move(begun.configuration), 0, 0}); });
}

void SnapshotStore::on_content(const SnapshotSlice& slice) {
  write([&] { store_->append(slice.bytes.span()); });
  links_.state_machine.send(SliceStored{});
}

void SnapshotStore::on_content(const SnapshotEnded&) {
  write([&] {
    // False: one of a leader that says as much has come meanwhile.
    if (!store_->finish()) return;
    log_.info("took a snapshot up to entry {}, {} bytes", store_->newest()->last.index,
              store_->newest()->size);
  });
  report_taken();
}

void SnapshotStore::on_content(const SnapshotGivenUp&) {
  store_->abandon();
  report_taken();
}

void SnapshotStore::on_content(const ContentWanted& wanted) {
  const auto bytes = store_->read(wanted.index, wanted.offset, kContentBytes);
  const bool last = bytes && wanted.offset + bytes->size() == store_->newest()->size;
  links_.state_machine.send(ContentRead{wanted.index, bytes, last});
}

// Whatever became of it, the core waits for the answer: what is the newest now.
void SnapshotStore::report_taken() {
  if (no_room_) {
    report_.events.emplace_back(raft::SnapshotNotTaken{});
    return;
  }
  CHECK(store_->newest().has_value(), "a snapshot was taken, and there is none");
  report_.events.emplace_back(raft::SnapshotTaken{*store_->newest()});
}

void SnapshotStore::serve_clients() {
  SnapshotReadAnswers answers;
  while (answers.bytes < kClientBytesPerTurn) {
    const auto asked = links_.socket_server.receive();
    if (!asked) break;
    answering_bytes_ -= asked->answers_taken_bytes;
    for (const SnapshotRead& read : asked->reads) {
      if (answering_bytes_ + answers.bytes >= kMaxAnsweringBytes) {
        answers.refused_busy.push_back(read.request);
        continue;
      }
      answers.outcomes.push_back(serve(read));
      const auto* part = std::get_if<SnapshotPart>(&answers.outcomes.back().result);
      if (part != nullptr) answers.bytes += part->bytes.size();
    }
  }
  if (answers.outcomes.empty() && answers.refused_busy.empty()) return;
  answering_bytes_ += answers.bytes;
  links_.socket_server.send(std::move(answers));
}

SnapshotReadOutcome SnapshotStore::serve(const SnapshotRead& read) {
  const auto& newest = store_->newest();
  if (!newest) return {read.request, SnapshotGone{}};
  const raft::Index index = read.read.index.value_or(newest->last.index);
  try {
    auto bytes = store_->read_transfer(index, read.read.offset, read.read.max_bytes);
    if (!bytes) return {read.request, SnapshotGone{newest->last.index}};
    return {read.request,
            SnapshotPart{index, newest->transfer_size(), store_->head(), std::move(*bytes)}};
  } catch (const storage::Damage& damage) {
    // Nobody is to end this node by a question; what needs this snapshot finds the same.
    log_.error("{}", damage.what());
    return {read.request, SnapshotDamaged{}};
  }
}

}  // namespace actors
