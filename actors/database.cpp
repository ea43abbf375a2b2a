#include "actors/database.h"

#include <iterator>
#include <optional>
#include <utility>

#include "base/check.h"

namespace actors {
namespace {

// A turn takes whole messages up to this many. The core bounds the bytes of entries
// (max_applying_bytes). Reads may each wait for the disk, and with them all other actors of the
// loop; a replay may take as long as all of them, so one ends a turn.
constexpr std::size_t kEntriesPerTurn = 8192;
constexpr std::size_t kReadsPerTurn = 512;
// While entries wait for room or a snapshot is installed; beyond it, they are refused as busy.
// Those who asked for the first may have given up meanwhile.
constexpr std::size_t kMaxWaitingReads = 8192;
// Of values and payloads on the link to socket_server; beyond it, reads are refused as busy.
constexpr std::size_t kMaxAnsweringBytes = 64 << 20;

// Of what found no room.
constexpr raft::Milliseconds kRetryIntervalMs = 500;

}  // namespace

::database::Committed to_committed(const raft::Entry& entry) {
  const bool is_command = entry.kind == raft::EntryKind::kCommand;
  return {entry.index, entry.term, is_command ? std::optional(entry.payload()) : std::nullopt,
          entry.time_ms()};
}

Database::Database(std::unique_ptr<::database::Database> state_machine, raft::Index log_end,
                   Limits limits, Links links, const Logging& logging, Counters& counters)
    : state_machine_(std::move(state_machine)),
      applied_at_start_(state_machine_->applied_index()),
      log_end_(log_end),
      limits_(limits),
      links_(std::move(links)),
      log_(logging, "database"),
      counters_(counters),
      progress_(log_, [this] { return now_; }) {}

std::vector<Input> Database::inputs() {
  return {links_.event_handler.input(), links_.socket_server.input(), links_.publisher.input(),
          links_.snapshot_store.input(), Input::of_time(links_.ticks.input())};
}

void Database::turn() {
  if (const auto tick = links_.ticks.latest()) now_ = tick->now;
  while (const auto published = links_.publisher.receive()) publishing_bytes_ -= published->bytes;
  DatabaseAnswers answers;
  take_content();
  take_orders(answers);
  continue_taking();
  serve_local_queries(answers);
  answering_bytes_ += answers.bytes;
  if (!answers.empty()) links_.socket_server.send(std::move(answers));
}

void Database::stop() {
  // What is not whole is not waited for: a snapshot is taken again, one that came is on disk and
  // installed at the next start.
  while (!installing_ && !stalled_ && (links_.event_handler.readable() || !waiting_.empty())) {
    turn();
  }
  taking_.reset();
  installing_.reset();
  try {
    state_machine_->flush();
  } catch (const ::database::NoRoom& full) {
    log_.warning("what is not on disk is applied again at the next start: {}", full.what());
  }
}

void Database::take_orders(DatabaseAnswers& answers) {
  if (stalled_ && !carry_out_stalled(answers)) return;
  Work work;
  if (overtaken_ && held_.apply) held_ = what_is_left(std::exchange(held_, {}), answers);
  if (!installing_ && !overtaken_ && !held_.empty()) {
    take_order(std::exchange(held_, {}), work, answers);
  }
  while (!installing_ && !stalled_ && work.entries.size() < kEntriesPerTurn &&
         work.reads.size() < kReadsPerTurn) {
    auto orders = next_orders();
    if (!orders) break;
    take_order(std::move(*orders), work, answers);
  }
  static_cast<void>(carry_out(work, answers));
  if (installing_ || stalled_) take_in_orders(answers);
}

// Left in the link they would wake this actor again and again.
void Database::take_in_orders(DatabaseAnswers& answers) {
  while (auto orders = links_.event_handler.receive()) {
    if (waiting_reads_ + orders->reads.size() > kMaxWaitingReads) {
      for (const DatabaseRead& read : orders->reads) answers.refused_busy.push_back(read.request);
      orders->reads.clear();
    }
    if (orders->empty()) continue;
    waiting_reads_ += orders->reads.size();
    waiting_.push_back(std::move(orders));
  }
}

void Database::put_back(DatabaseOrders orders) {
  waiting_reads_ += orders.reads.size();
  waiting_.push_front(std::move(orders));
}

std::optional<DatabaseOrders> Database::next_orders() {
  if (waiting_.empty()) return links_.event_handler.receive();
  std::optional<DatabaseOrders> orders;
  waiting_.front().swap(orders);
  waiting_.pop_front();
  waiting_reads_ -= orders->reads.size();
  return orders;
}

bool Database::carry_out_stalled(DatabaseAnswers& answers) {
  take_in_orders(answers);
  if (now_ < retry_due_) return false;
  Work work = *std::exchange(stalled_, std::nullopt);
  if (!carry_out(work, answers)) return false;
  log_.info("there is room again: goes on applying");
  return true;
}

void Database::take_order(DatabaseOrders orders, Work& work, DatabaseAnswers& answers) {
  if (orders.install) {
    if (!carry_out(work, answers)) {
      put_back(std::move(orders));
      return;
    }
    begin_installing(orders.install->index);
    orders.install.reset();
  }
  if (installing_ || overtaken_) {
    held_ = what_is_left(std::move(orders), answers);
    return;
  }
  if (orders.apply) {
    auto& added = orders.apply->entries;
    std::move(added.begin(), added.end(), std::back_inserter(work.entries));
  }
  std::move(orders.reads.begin(), orders.reads.end(), std::back_inserter(work.reads));
  if (!orders.take_snapshot) return;
  if (carry_out(work, answers)) {
    begin_taking(std::move(*orders.take_snapshot));
  } else {
    put_back({{}, {}, {}, std::move(orders.take_snapshot)});
  }
}

bool Database::carry_out(Work& work, DatabaseAnswers& answers) {
  try {
    if (!work.entries.empty()) apply(work.entries, answers);
  } catch (const ::database::NoRoom& full) {
    stall(work, full.what());
    return false;
  }
  note_events(work.entries.size() + work.reads.size());
  // A read may see more than it asked for: what was ordered after it and applied with it.
  serve(work.reads, answers);
  work = {};
  return true;
}

void Database::stall(Work& work, const char* cause) {
  if (retry_due_ == 0 || now_ > retry_due_ + kRetryIntervalMs) {
    log_.warning("applying waits for room, reads go on: {}", cause);
  }
  stalled_ = std::exchange(work, {});
  retry_due_ = now_ + kRetryIntervalMs;
}

void Database::apply(const std::vector<raft::CommittedEntry>& entries, DatabaseAnswers& answers) {
  std::vector<::database::Committed> committed;
  committed.reserve(entries.size());
  for (const auto& each : entries) committed.push_back(to_committed(each.entry));

  ::database::Applied applied = state_machine_->apply(committed);
  CHECK(applied.outcomes.size() == entries.size(), "{} outcomes of {} entries up to index {}",
        applied.outcomes.size(), entries.size(), entries.back().entry.index);
  answer_requests(entries, applied, answers);
  links_.event_handler.send(raft::EntriesApplied{entries.back().entry.index});
  publish(std::move(applied.broadcasts));
  tell_progress();
}

void Database::tell_progress() {
  const raft::Index applied = state_machine_->applied_index();
  if (applied > log_end_ || now_ == 0) return;
  progress_.tell_applied(applied_at_start_, applied, log_end_);
}

void Database::answer_requests(const std::vector<raft::CommittedEntry>& entries,
                               const ::database::Applied& applied, DatabaseAnswers& answers) const {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& [entry, request] = entries[i];
    if (!request) continue;
    if (entry.kind == raft::EntryKind::kConfiguration) {
      answers.changes.push_back({*request, entry.index});
    } else {
      answers.commands.push_back(
          {*request, entry.index, applied.outcomes[i], applied.effect_indices[i]});
    }
  }
}

void Database::publish(std::vector<::database::Broadcast> broadcasts) {
  std::size_t bytes = 0;
  for (const auto& each : broadcasts) bytes += each.topic.size() + each.payload.size();
  if (publishing_bytes_ > 0 && publishing_bytes_ + bytes > limits_.max_publishing_bytes) {
    // A subscriber sees the hole in `seq`, or by `applied_index`, and fills it with `replay`.
    counters_.broadcasts_dropped.add(broadcasts.size());
    links_.publisher.send({{}, 0, state_machine_->applied_index()});
    return;
  }
  publishing_bytes_ += bytes;
  links_.publisher.send({std::move(broadcasts), bytes, state_machine_->applied_index()});
}

void Database::serve(const std::vector<DatabaseRead>& reads, DatabaseAnswers& answers) const {
  for (const DatabaseRead& read : reads) {
    if (answering_bytes_ + answers.bytes > kMaxAnsweringBytes) {
      answers.refused_busy.push_back(read.request);
      continue;
    }
    answers.reads.push_back({read.request, state_machine_->get(read.key)});
    if (const auto& found = answers.reads.back().found) answers.bytes += found->value.size();
  }
}

void Database::serve_local_queries(DatabaseAnswers& answers) {
  for (std::size_t served = 0; served < kReadsPerTurn;) {
    const auto queries = links_.socket_server.receive();
    if (!queries) return;
    answering_bytes_ -= queries->answers_taken_bytes;
    served += queries->reads.size();
    serve(queries->reads, answers);
    if (queries->replay) {
      serve_replay(*queries->replay, answers);
      return;
    }
  }
}

void Database::serve_replay(const DatabaseReplay& query, DatabaseAnswers& answers) {
  const auto& [request, replay] = query;
  if (answering_bytes_ + answers.bytes > kMaxAnsweringBytes) {
    answers.refused_busy.push_back(request);
    return;
  }
  answers.bytes += limits_.max_replay_bytes;
  answers.replays.push_back(
      {request, state_machine_->replay(replay.after, replay.topics, replay.limit,
                                       limits_.max_replay_bytes)});
}

}  // namespace actors
