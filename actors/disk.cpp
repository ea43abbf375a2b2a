#include "actors/disk.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "actors/process.h"
#include "storage/opening.h"

namespace actors {
namespace {

constexpr std::size_t kSliceBytes = 1 << 20;

storage::OpeningOptions opening_options(const settings::Settings& settings, ProgressLog& progress) {
  storage::OpeningOptions options;
  options.observer = [&progress](const storage::OpeningProgress& told) { progress.tell(told); };
  options.node = settings.node.id;
  options.segment_bytes = settings.storage.segment_bytes;
  if (!settings.join.empty()) return options;
  for (const auto& member : settings.members) options.first_voters.push_back(member.id);
  std::sort(options.first_voters.begin(), options.first_voters.end());
  return options;
}

// The database is derived: where it is damaged, or holds what the log has lost, it is made anew.
class DatabaseAtStart final : public storage::StateMachineAtStart {
 public:
  DatabaseAtStart(storage::FileSystem& file_system, const storage::DataDirectory& directory,
                  ::database::Options options, const ActorLog& log)
      : file_system_(file_system), directory_(directory), options_(options) {
    std::filesystem::remove_all(removed_path());
    try {
      open();
    } catch (const ::database::DatabaseDamage& damage) {
      log.warning("{}: it is made anew", damage.what());
      clear();
    }
  }

  [[nodiscard]] raft::Index applied_index() const override { return database_->applied_index(); }

  // Renamed as a whole, so that no crash leaves a part of it.
  void clear() override {
    database_.reset();
    std::filesystem::rename(directory_.database_path(), removed_path());
    file_system_.sync_directory(directory_.path());
    std::filesystem::remove_all(removed_path());
    open();
  }

  [[nodiscard]] std::function<base::SharedBytes()> read_snapshot() override {
    return [reader = std::shared_ptr(database_->read_snapshot())] {
      try {
        return reader->next(kSliceBytes);
      } catch (const ::database::DatabaseDamage& damage) {
        throw storage::Damage(damage.what());
      }
    };
  }

  [[nodiscard]] std::unique_ptr<::database::Database> take() { return std::move(database_); }

 private:
  [[nodiscard]] std::filesystem::path removed_path() const {
    return directory_.path() / "database.removed";
  }
  void open() {
    database_ = std::make_unique<::database::Database>(directory_.database_path(), options_);
  }

  storage::FileSystem& file_system_;
  const storage::DataDirectory& directory_;
  ::database::Options options_;
  std::unique_ptr<::database::Database> database_;
};

std::unique_ptr<storage::SpaceGuard> watch(storage::FileSystem& file_system,
                                           const storage::DataDirectory& directory,
                                           std::uint64_t reserve_bytes) {
  auto space = std::make_unique<storage::SpaceGuard>(file_system, directory.path(), reserve_bytes);
  static_cast<void>(space->look(false));
  return space;
}

}  // namespace

::database::Options database_options(const settings::Settings& settings) {
  ::database::Options options;
  options.block_cache_bytes = settings.database.block_cache_bytes;
  options.version_bytes = settings.database.version_cache_bytes;
  options.write_buffer_bytes = settings.database.write_buffer_bytes;
  options.pending_change_bytes = settings.database.write_buffer_bytes / 8;
  options.replay_retention_bytes = settings.database.replay_retention_bytes;
  return options;
}

Disk::Disk(storage::FileSystem& file_system, const settings::Settings& settings,
           const ActorLog& log, const Now& now)
    : directory(file_system, settings.node.data_directory, settings.node.cluster, settings.node.id,
                random_number()) {
  // Before anything is opened: a disk that is full gives its reserve up for that.
  static_cast<void>(watch(file_system, directory, settings.storage.reserve_bytes));
  DatabaseAtStart database(file_system, directory, database_options(settings), log);
  ProgressLog progress(log, now);
  auto opened =
      storage::open_stored(file_system, directory, opening_options(settings, progress), database);
  for (const std::string& finding : opened.findings) log.warning("{}", finding);
  snapshots = std::move(opened.snapshots);
  persistence = std::move(opened.persistence);
  state_machine = database.take();
  space = watch(file_system, directory, settings.storage.reserve_bytes);
  const storage::LogStore& stored = persistence->log();
  if (const auto& doubt = persistence->doubt()) {
    log.warning(
        "cannot vouch for entries from {} on ({}): does not vote until it has from its "
        "peers what it may have lost",
        doubt->from, doubt->reason);
  }
  if (stored.torn_bytes() > 0) {
    log.warning("cut {} bytes of an unfinished write from the end of the log", stored.torn_bytes());
  }
  if (persistence->log_replaced()) {
    log.info("the log begins anew behind the snapshot, with entry {}", stored.first_index());
  }
  if (state_machine->applied_index() < stored.base().index) load_snapshot(log, progress);
}

void Disk::load_snapshot(const ActorLog& log, ProgressLog& progress) {
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
  for (std::uint64_t offset = 0; offset < newest->size;) {
    const auto bytes = snapshots->read(newest->last.index, offset, kSliceBytes);
    if (const auto error = loader->add(bytes->view())) fail(error->message);
    offset += bytes->size();
    progress.tell_loaded(offset, newest->size);
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
