// database, its second half: snapshots out of the state machine, and into it.
#include <fmt/format.h>

#include <iterator>
#include <stdexcept>
#include <utility>

#include "actors/database.h"
#include "base/check.h"

namespace actors {
namespace {

// Of a snapshot that is being taken. Each that is stored makes room for the next, so that at most
// so many bytes are read in a turn, and wait.
constexpr std::size_t kSliceBytes = 256 << 10;
constexpr std::size_t kMaxSlicesUnderWay = 4;

}  // namespace

void Database::take_content() {
  while (const auto report = links_.snapshot_store.receive()) {
    if (const auto* content = std::get_if<ContentRead>(&*report)) {
      on_content_read(*content);
    } else if (std::holds_alternative<NoRoomForSnapshot>(*report)) {
      give_up_taking();
    } else {
      --slices_under_way_;
    }
  }
}

void Database::begin_taking(raft::TakeSnapshot order) {
  CHECK(!taking_, "a snapshot up to {} is ordered while one up to {} is taken", order.last.index,
        taking_->index);
  CHECK(state_machine_->applied_index() == order.last.index,
        "a snapshot up to {} is ordered, applied is {}", order.last.index,
        state_machine_->applied_index());
  taking_ = Taking{order.last.index, state_machine_->read_snapshot()};
  links_.snapshot_store.send(SnapshotBegun{order.last, std::move(order.configuration)});
}

void Database::continue_taking() {
  while (taking_ && slices_under_way_ < kMaxSlicesUnderWay) {
    base::SharedBytes bytes = taking_->reader->next(kSliceBytes);
    if (bytes.empty()) {
      links_.snapshot_store.send(SnapshotEnded{});
      taking_.reset();
      return;
    }
    ++slices_under_way_;
    links_.snapshot_store.send(SnapshotSlice{std::move(bytes)});
  }
}

void Database::give_up_taking() {
  if (!taking_) return;
  log_.info("gives up the snapshot up to entry {}", taking_->index);
  taking_.reset();
  links_.snapshot_store.send(SnapshotGivenUp{});
}

void Database::begin_installing(raft::Index index) {
  give_up_taking();  // a later one takes its place
  overtaken_ = false;
  installing_ = Installing{index, state_machine_->load_snapshot()};
  log_.info("installs the snapshot up to entry {}", index);
  links_.snapshot_store.send(ContentWanted{index, 0});
}

void Database::on_content_read(const ContentRead& content) {
  CHECK(installing_ && installing_->index == content.index,
        "content of a snapshot up to {} that is not being installed", content.index);
  if (!content.bytes) {
    log_.info("a later snapshot has taken the place of the one up to entry {}", content.index);
    installing_.reset();
    overtaken_ = true;
    return;
  }
  if (const auto error = installing_->loader->add(content.bytes->view())) {
    throw std::runtime_error(error->message);
  }
  installing_->offset += content.bytes->size();
  if (content.last) {
    finish_installing();
  } else {
    links_.snapshot_store.send(ContentWanted{content.index, installing_->offset});
  }
}

void Database::finish_installing() {
  const auto applied = installing_->loader->finish();
  if (!applied) throw std::runtime_error(applied.error());
  CHECK(*applied == installing_->index, "a snapshot up to {} installed {}", installing_->index,
        *applied);
  log_.info("installed the snapshot up to entry {}, {} bytes", *applied, installing_->offset);
  installing_.reset();
  links_.event_handler.send(raft::SnapshotInstalled{*applied});
  // Subscribers see that applied_index has jumped.
  publish({});
}

// Of orders that came with an install or after one that was overtaken. Without its state, entries
// cannot be applied: the state that is to come has their effect.
DatabaseOrders Database::what_is_left(DatabaseOrders orders, DatabaseAnswers& answers) {
  DatabaseOrders left = std::exchange(held_, {});
  std::move(orders.reads.begin(), orders.reads.end(), std::back_inserter(left.reads));
  if (!overtaken_) {
    left.apply = std::move(orders.apply);
    left.take_snapshot = std::move(orders.take_snapshot);
    return left;
  }
  if (orders.apply) {
    for (const auto& [entry, request] : orders.apply->entries) {
      if (!request) continue;
      answers.commands.push_back({*request, entry.index, ::database::NoOutcome{}, entry.index});
    }
  }
  return left;
}

}  // namespace actors
