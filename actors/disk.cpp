#include "actors/disk.h"

#include <fmt/format.h>

#include <random>

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

std::unique_ptr<storage::SpaceGuard> watch(storage::FileSystem& file_system,
                                           const storage::DataDirectory& directory,
                                           std::uint64_t reserve_bytes) {
  auto space = std::make_unique<storage::SpaceGuard>(file_system, directory.path(), reserve_bytes);
  static_cast<void>(space->look(false));
  return space;
}

}  // namespace

Disk::Disk(storage::FileSystem& file_system, const settings::Settings& settings,
           const ActorLog& log)
    : directory(file_system, settings.node.data_directory, settings.node.cluster, settings.node.id,
                random_number()),
      space(watch(file_system, directory, settings.storage.reserve_bytes)),
      snapshots(std::make_unique<storage::SnapshotStore>(file_system, directory.snapshots_path(),
                                                         directory.id())),
      persistence(std::make_unique<storage::Persistence>(
          directory.path(),
          std::make_unique<storage::HardStateStore>(file_system, directory.path(),
                                                    directory.fresh()),
          std::make_unique<storage::LogStore>(
              file_system, directory.log_path(), directory.id(),
              storage::LogOptions{.segment_bytes = settings.storage.segment_bytes}),
          snapshots->newest())),
      state_machine(std::make_unique<::database::Database>(directory.database_path(),
                                                           database_options(settings))) {
  const storage::LogStore& stored = persistence->log();
  if (stored.torn_bytes() > 0) {
    log.warning("cut {} bytes of an unfinished write from the end of the log", stored.torn_bytes());
  }
  if (persistence->log_replaced()) {
    log.info("the log begins anew behind the snapshot, with entry {}", stored.first_index());
  }
  if (state_machine->applied_index() < stored.base().index) load_snapshot(log);
  if (state_machine->applied_index() > stored.last_index()) {
    throw storage::Damage(fmt::format(
        "{}: the database holds entry {}, the log ends at {}: the end of the log is lost; "
        "put back both from the same backup, or give the node a new, empty directory and id",
        directory.path().string(), state_machine->applied_index(), stored.last_index()));
  }
}

void Disk::load_snapshot(const ActorLog& log) {
  const auto& newest = snapshots->newest();
  if (!newest) {
    throw storage::Damage(fmt::format(
        "{}: the log begins with entry {}, and there is no snapshot of what is before; restore "
        "the directory from a backup, or replace this node",
        directory.path().string(), persistence->log().first_index()));
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
  const auto& stored = persistence->log().configurations();
  if (!stored.empty()) return stored.back().configuration;
  const auto& newest = snapshots->newest();
  return newest ? std::optional(newest->configuration) : std::nullopt;
}

raft::Restored Disk::restored(std::size_t log_memory_bytes) const {
  return persistence->restored(state_machine->applied_index(), log_memory_bytes);
}

}  // namespace actors
