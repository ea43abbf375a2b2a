#include "actors/disk.h"

#include <fmt/format.h>

#include <random>

#include "storage/log_boundary.h"

namespace actors {
namespace {

constexpr std::size_t kSliceBytes = 1 << 20;
// Of a snapshot that is loaded, between two lines in the log.
constexpr std::uint64_t kProgressBytes = 256 << 20;

std::uint64_t random_number() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

::database::Options database_options(const settings::Settings& settings) {
  ::database::Options options;
  options.block_cache_bytes = settings.database.block_cache_bytes;
  options.write_buffer_bytes = settings.database.write_buffer_bytes;
  options.replay_retention_bytes = settings.database.replay_retention_bytes;
  return options;
}

}  // namespace

Disk::Disk(storage::FileSystem& file_system, const settings::Settings& settings,
           const ActorLog& log)
    : directory(file_system, settings.node.data_directory, settings.node.cluster, settings.node.id,
                random_number()),
      hard_state(std::make_unique<storage::HardStateStore>(file_system, directory.path(),
                                                           directory.fresh())),
      log_store(std::make_unique<storage::LogStore>(
          file_system, directory.log_path(), directory.id(),
          storage::LogOptions{.segment_bytes = settings.storage.segment_bytes})),
      snapshots(std::make_unique<storage::SnapshotStore>(file_system, directory.snapshots_path(),
                                                         directory.id())),
      state_machine(std::make_unique<::database::Database>(directory.database_path(),
                                                           database_options(settings))) {
  if (log_store->torn_bytes() > 0) {
    log.warning("cut {} bytes of an unfinished write from the end of the log",
                log_store->torn_bytes());
  }
  check_terms();
  join_log_to_snapshot(log);
  if (state_machine->applied_index() < log_store->base().index) load_snapshot(log);
  if (state_machine->applied_index() > log_store->last_index()) {
    throw storage::Damage(fmt::format(
        "{}: the database holds entry {}, the log ends at {}: the end of the log is lost; "
        "put back both from the same backup, or give the node a new, empty directory and id",
        directory.path().string(), state_machine->applied_index(), log_store->last_index()));
  }
}

void Disk::check_terms() const {
  const raft::Term promised = hard_state->current().current_term;
  if (log_store->term_runs().empty() || log_store->term_runs().back().term <= promised) return;
  throw storage::Damage(fmt::format(
      "{}: the log holds entries of term {}, the hard state knows none after {}: its newest "
      "copy is damaged; restore the directory from a backup, or replace this node",
      directory.path().string(), log_store->term_runs().back().term, promised));
}

void Disk::join_log_to_snapshot(const ActorLog& log) {
  const auto& newest = snapshots->newest();
  // A leader's snapshot may be on disk before the term of that leader is: nothing was promised in
  // it then, and it is taken on as any term that is heard of.
  if (newest && newest->last.term > hard_state->current().current_term) {
    hard_state->save({newest->last.term, std::nullopt});
  }
  if (storage::join_log_to_snapshot(*log_store, newest)) {
    log.info("the log begins anew behind the snapshot, with entry {}", log_store->first_index());
  }
}

void Disk::load_snapshot(const ActorLog& log) {
  const auto& newest = snapshots->newest();
  if (!newest) {
    throw storage::Damage(fmt::format(
        "{}: the log begins with entry {}, and there is no snapshot of what is before; restore "
        "the directory from a backup, or replace this node",
        directory.path().string(), log_store->first_index()));
  }
  log.info("loads the snapshot up to entry {}, {} bytes, as the database is applied to {}",
           newest->last.index, newest->size, state_machine->applied_index());
  const auto fail = [this](const std::string& reason) {
    throw storage::Damage(fmt::format("{}: {}; move the directory away and replace this node",
                                      directory.snapshots_path().string(), reason));
  };
  const auto loader = state_machine->load_snapshot();
  std::uint64_t said = 0;
  for (std::uint64_t offset = 0; offset < newest->size;) {
    const auto bytes = snapshots->read(newest->last.index, offset, kSliceBytes);
    if (const auto error = loader->add(bytes->view())) fail(error->message);
    offset += bytes->size();
    if (offset - said < kProgressBytes) continue;
    log.info("loaded {} of {} bytes", offset, newest->size);
    said = offset;
  }
  const auto applied = loader->finish();
  if (!applied) fail(applied.error());
}

std::optional<raft::Configuration> Disk::configuration() const {
  const auto& stored = log_store->configurations();
  if (!stored.empty()) return stored.back().configuration;
  const auto& newest = snapshots->newest();
  return newest ? std::optional(newest->configuration) : std::nullopt;
}

raft::Restored Disk::restored(std::size_t log_memory_bytes) const {
  return {.hard_state = hard_state->current(),
          .applied_index = state_machine->applied_index(),
          .base = log_store->base(),
          .term_runs = log_store->term_runs(),
          .recent = log_store->tail(log_memory_bytes),
          .last_index = log_store->last_index(),
          .last_checksum = log_store->last().checksum,
          .last_time_ms = log_store->last_time_ms(),
          .log_bytes = log_store->bytes(),
          .configurations = log_store->configurations(),
          .snapshot = snapshots->newest()};
}

}  // namespace actors
