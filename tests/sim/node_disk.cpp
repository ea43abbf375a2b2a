// The part of node.h about the disk: log writer, keeper of snapshots, and the room there is.
#include <algorithm>
#include <iterator>

#include "node.h"

namespace sim {
namespace {

constexpr Microseconds kLookUs = 100'000;  // at the room on the disk
constexpr std::uint64_t kLastBytes = 20'000;

}  // namespace

void Node::on_disk_fault(const storage::DiskFault& fault) {
  environment_.report.say(id_, std::string("fault of the disk: ") + fault.what());
  end(random_.chance(1, 2) ? End::kKill : End::kPowerCut);
}

void Node::fill_disk(Microseconds length) {
  ++environment_.report.statistics.full_disks;
  environment_.report.note(id_, "has a disk that is full for {} us", length);
  disk_.leave_room(random_.chance(1, 2) ? 0 : random_.between(0, kLastBytes));
  environment_.schedule.after(length, [this, fill = ++fills_] {
    if (fill == fills_) disk_.leave_room(std::nullopt);
  });
}

// As the log writer of the product does.
void Node::look_at_disk() {
  look_due_ = environment_.schedule.now() + kLookUs;
  try {
    const raft::DiskSpace space = disk_.look(writing_ && !group_.empty() && without_room_);
    if (space == space_) return;
    space_ = space;
    environment_.report.note(id_, "sees room {} on its disk", static_cast<std::uint64_t>(space));
    receive(raft::DiskSpaceChanged{space});
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.disk_faults;
    on_disk_fault(fault);
  }
}

void Node::prepare_ahead() {
  try {
    disk_.prepare_ahead();
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.disk_faults;
    on_disk_fault(fault);
  }
}

// The keeper of snapshots does one thing after the other. A fault of the disk ends the node,
// whichever actor meets it.
template <typename Function>
void Node::on_disk(Function action) {
  const Microseconds now = environment_.schedule.now();
  kept_at_ = std::max(kept_at_, now + draw_sync());
  later(kept_at_ - now, [this, action = std::move(action)]() mutable {
    try {
      action();
    } catch (const storage::DiskFault& fault) {
      ++environment_.report.statistics.disk_faults;
      on_disk_fault(fault);
    }
  });
}

void Node::carry_out_snapshot_orders(raft::Effects& effects) {
  for (raft::StoreSnapshotChunk& chunk : effects.chunk_stores) {
    auto kept = std::make_shared<raft::StoreSnapshotChunk>(std::move(chunk));
    on_disk([this, kept] { store_chunk(*kept); });
  }
  for (const raft::FetchSnapshotChunk& wanted : effects.chunk_fetches) {
    on_disk([this, wanted] { fetch_chunk(wanted); });
  }
  if (effects.first_configuration) {
    auto kept = std::make_shared<raft::Configuration>(
        std::move(effects.first_configuration->configuration));
    on_disk([this, kept] { store_first_configuration(*kept); });
  }
}

void Node::store_first_configuration(const raft::Configuration& configuration) {
  disk_.snapshots().keep_first(configuration);
  receive(raft::FirstConfigurationStored{configuration});
}

void Node::store_chunk(const raft::StoreSnapshotChunk& chunk) {
  storage::SnapshotStore& store = disk_.snapshots();
  storage::Received received;
  try {
    received = disk_.receive(chunk);
    if (received.receipt == storage::Receipt::kRefused) {
      // What another leader began is given up for what this one offers.
      store.forget_receiving();
      received = disk_.receive(chunk);
    }
  } catch (const storage::DiskFull&) {
    receive(raft::SnapshotChunkNotStored{});
    return;
  }
  const auto& newest = store.newest();
  const bool complete = newest && newest->last == chunk.head.last &&
                        (received.receipt == storage::Receipt::kComplete ||
                         received.receipt == storage::Receipt::kNotNewer);
  if (received.receipt == storage::Receipt::kComplete) {
    ++environment_.report.statistics.snapshots_received;
    if (received.copied > 0) ++environment_.report.statistics.snapshots_reused;
    disk_.note_snapshot();
    // A moment in which log and snapshot disagree (A19).
    if (random_.chance(environment_.options.node.snapshot_kill_per_mille, 1000) && !healed_) {
      later(random_.between(0, disk_options_.sync_max_us), [this] {
        if (!healed_) end(End::kKill);
      });
    }
  }
  receive(raft::SnapshotChunkStored{chunk.from, chunk.head, received.demand, complete});
}

void Node::fetch_chunk(const raft::FetchSnapshotChunk& wanted) {
  const storage::SnapshotStore& store = disk_.snapshots();
  const auto bytes = store.read_transfer(wanted.index, wanted.offset, wanted.max_bytes);
  raft::SnapshotHead head = *store.newest();
  if (!bytes) {
    // Gone: of a size that was not reached, as in the product.
    head.last.index = wanted.index;
    head.size = wanted.offset + 1;
  }
  receive(raft::SnapshotChunkFetched{wanted.peer, std::move(head), wanted.offset,
                                     bytes.value_or(base::SharedBytes())});
}

void Node::take_snapshot(const raft::TakeSnapshot& order) {
  ++environment_.report.statistics.snapshots_taken;
  environment_.report.note(id_, "takes a snapshot up to {}", order.last.index);
  require(machine_->applied_index() == order.last.index,
          "node {}: a snapshot up to {} is ordered, {} is applied", id_, order.last.index,
          machine_->applied_index());
  reader_ = machine_->read_snapshot();
  on_disk([this, kept = std::make_shared<raft::TakeSnapshot>(order)] {
    write_snapshot([&] { disk_.snapshots().begin({kept->last, kept->configuration, 0, 0}); });
  });
}

// A step of it, then a part.
template <typename Step>
void Node::write_snapshot(Step step) {
  try {
    step();
    write_snapshot_part();
  } catch (const storage::DiskFull&) {
    reader_.reset();
    receive(raft::SnapshotNotTaken{});
  }
}

void Node::write_snapshot_part() {
  const auto bytes = reader_->next(random_.between(1, 4000));
  if (!bytes.empty()) {
    disk_.snapshots().append(bytes.span());
    on_disk([this] { write_snapshot([] {}); });
    return;
  }
  reader_.reset();
  if (disk_.snapshots().finish()) disk_.note_snapshot();
  receive(raft::SnapshotTaken{*disk_.snapshots().newest()});
}

Microseconds Node::draw_sync() {
  if (random_.chance(disk_options_.hang_per_mille, 1000)) {
    return random_.between(0, disk_options_.hang_ms * 1000);
  }
  return random_.between(disk_options_.sync_min_us, disk_options_.sync_max_us);
}

// The log writer takes all that waits, or some of it where more comes just then.
void Node::begin_writing() {
  if (writing_ || orders_.empty()) return;
  writing_ = true;
  if (hung_) return;
  const bool all = random_.chance(1, 2);
  take_orders(all ? orders_.size() : random_.between(1, orders_.size()));
  later(draw_sync(), [this] { finish_writing(); });
}

void Node::take_orders(std::size_t count) {
  while (count-- > 0) {
    LogOrders& orders = orders_.front();
    if (orders.persist) group_.push_back(std::move(*orders.persist));
    std::move(orders.fetches.begin(), orders.fetches.end(), std::back_inserter(fetches_));
    orders_.pop_front();
  }
}

void Node::finish_writing() {
  std::vector<raft::EntriesFetched> fetched;
  try {
    // What meets a fault is not under way any more when that ends the node.
    std::vector<raft::Persist> group = std::exchange(group_, {});
    const std::size_t done = group.empty() ? 0 : disk_.persist(group);
    environment_.report.statistics.spares_used += disk_.take_spares_used();
    note_vouching();
    without_room_ = done < group.size();
    const auto end = group.begin() + static_cast<std::ptrdiff_t>(done);
    group_.assign(std::make_move_iterator(end), std::make_move_iterator(group.end()));
    group.erase(end, group.end());
    // The promises leave before the fetches are served, and whether those succeed or not.
    if (!group.empty()) {
      environment_.surroundings.on_hard_state_durable(*this);
      for (const raft::Persist& order : group) {
        for (const raft::Send& send : order.promises) {
          environment_.surroundings.on_sent(*this, send);
        }
      }
      receive(raft::Persisted{group.back().number});
    }
    fetched = disk_.fetch(std::exchange(fetches_, {}));
    if (orders_.empty()) disk_.seal();
  } catch (const storage::DiskFault& fault) {
    ++environment_.report.statistics.disk_faults;
    on_disk_fault(fault);
    return;
  }
  for (raft::EntriesFetched& each : fetched) receive(std::move(each));
  if (without_room_) {
    // No room: it waits, and all that comes after it.
    look_due_ = 0;
    later(kLookUs, [this] {
      take_orders(orders_.size());
      finish_writing();
    });
    return;
  }
  writing_ = false;
  begin_writing();
}

}  // namespace sim
