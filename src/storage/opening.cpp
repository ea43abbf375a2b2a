#include "storage/opening.h"

#include <algorithm>
#include <utility>

#include "storage/log_boundary.h"
#include "storage/log_recovery.h"
#include "storage/snapshot_file.h"
#include "storage/space_guard.h"

namespace storage {
namespace {

using Path = std::filesystem::path;

// A repair ends in a log that checks. Where it does not, the disk damages faster than that.
constexpr int kRepairs = 3;

bool votes_alone(const std::vector<raft::NodeId>& voters, raft::NodeId node) {
  return voters == std::vector{node};
}

class Opening {
 public:
  Opening(FileSystem& file_system, const DataDirectory& directory, const OpeningOptions& options,
          StateMachineAtStart& machine)
      : file_system_(file_system),
        directory_(directory),
        options_(options),
        machine_(machine),
        hard_state_(
            std::make_unique<HardStateStore>(file_system, directory.path(), directory.fresh())),
        doubt_(std::make_unique<DoubtFile>(file_system, directory.path(), directory.id())) {}

  Opened run() {
    examine_snapshots();
    open_log();
    if (!damaged_snapshots_.empty()) doubt_what_it_stood_for();
    if (log_->base().index > covered()) bridge_to_log();
    if (!damaged_snapshots_.empty()) {
      find("{}: the snapshot is dropped, the log begins behind entry {}", snapshot_damage_,
           log_->base().index);
    }
    for (const Path& file : damaged_snapshots_) doubt_->set_aside(file);
    open_snapshots();
    if (!doubt_->current()) doubt_->forget_set_aside();
    opened_.persistence =
        std::make_unique<Persistence>(directory_.path(), std::move(hard_state_), std::move(log_),
                                      opened_.snapshots->newest(), std::move(doubt_));
    compare_state_machine();
    return std::move(opened_);
  }

 private:
  // The newest that is whole, and those behind it that are not.
  void examine_snapshots() {
    make_durable_directory(file_system_, directory_.snapshots_path());
    file_system_.sync_directory(directory_.snapshots_path());
    const auto names = file_system_.list(directory_.snapshots_path());
    for (auto name = names.rbegin(); name != names.rend(); ++name) {
      const auto index = index_of_snapshot(*name, SnapshotState::kComplete);
      if (index && examine_snapshot(directory_.snapshots_path() / *name, *index)) return;
    }
  }

  bool examine_snapshot(const Path& path, raft::Index index) {
    std::optional<raft::SnapshotHead> head;
    try {
      const SnapshotReader reader(file_system_, path, directory_.id());
      if (reader.meta().last.index != index) {
        throw Damage(path, 0,
                     fmt::format("the snapshot is of index {}, its name says {}",
                                 reader.meta().last.index, index));
      }
      head = reader.meta();
      reader.verify(options_.observer);
      whole_ = std::move(head);
      return true;
    } catch (const Damage& damage) {
      if (damaged_snapshots_.empty()) damaged_index_ = index;
      damaged_snapshots_.push_back(path);
      if (snapshot_damage_.empty()) snapshot_damage_ = damage.found();
      if (!damaged_head_) damaged_head_ = std::move(head);
      return false;
    }
  }

  [[nodiscard]] raft::Index covered() const { return whole_ ? whole_->last.index : 0; }

  void open_log() {
    if (!directory_.fresh() && !log_exists(file_system_, directory_.log_path())) {
      const Damage damage(directory_.log_path(), 0, "the log is missing");
      refuse_if_alone(damage, {});
      mark(1, damage.found(), "the log is lost");
    }
    for (int repairs = 0;; ++repairs) {
      try {
        log_ = std::make_unique<LogStore>(
            file_system_, directory_.log_path(), directory_.log_owner(),
            LogOptions{options_.segment_bytes, covered()}, options_.observer);
        break;
      } catch (const LogDamage& damage) {
        if (repairs == kRepairs) throw;
        cut(damage);
      }
    }
    if (!log_->dropped().empty()) {
      find("{}: it is dropped, as the snapshot up to entry {} stands for it", log_->dropped(),
           covered());
    }
  }

  void cut(const LogDamage& damage) {
    refuse_if_alone(damage, damage.intact().configurations());
    if (damage.intact().last().term > hard_state_->current().current_term) throw damage;
    mark(damage.first_lost(), damage.found(),
         fmt::format("the log is cut behind entry {}", damage.first_lost() - 1));
    cut_off(damage);
  }

  void cut_off(const LogDamage& damage) {
    if (cut_log(file_system_, directory_.log_path(), damage, *doubt_)) return;
    find("{}: there is no room to keep a copy of what is cut off", directory_.log_path().string());
  }

  // No peer has what the only voter lost.
  void refuse_if_alone(const Damage& damage,
                       const std::vector<raft::ConfigurationEntry>& of_log) const {
    const raft::Configuration* known = nullptr;
    if (damaged_head_) known = &damaged_head_->configuration;
    if (whole_) known = &whole_->configuration;
    if (!of_log.empty()) known = &of_log.back().configuration;
    const bool alone = known == nullptr ? votes_alone(options_.first_voters, options_.node)
                                        : votes_alone(known->voters, options_.node) &&
                                              (known->old_voters.empty() ||
                                               votes_alone(known->old_voters, options_.node));
    if (alone) throw damage;
  }

  // Durable before anything is cut: a repair that a crash cut short is one that is remembered.
  void mark(raft::Index from, const std::string& found, const std::string& done) {
    doubt_->mark({std::max(from, covered() + 1), found});
    find("{}: {}", found, done);
  }

  // A leader's snapshot is durable, and may be installed, before the log begins anew behind it. So
  // of a damaged one nothing is lost only where the log shows its last entry: elsewhere the log may
  // be of another history, and the state machine that of the snapshot.
  void doubt_what_it_stood_for() {
    const bool head_is_whole = damaged_head_ && damaged_head_->last.index == damaged_index_;
    const bool in_log =
        head_is_whole ? holds(*log_, damaged_head_->last) : damaged_index_ <= log_->base().index;
    if (in_log) return;
    const Damage damage(
        fmt::format("{}; move the data directory away and replace this node", snapshot_damage_));
    refuse_if_alone(damage, log_->configurations());
    mark(log_->base().index + 1, snapshot_damage_,
         fmt::format("the log does not show what it stood for up to entry {}", damaged_index_));
    if (machine_.applied_index() >= damaged_index_) machine_.clear();
  }

  // No snapshot that is whole reaches the log. Where the state machine does, it is written down as
  // one; else what is behind the hole is of no use either.
  void bridge_to_log() {
    const auto configuration = configuration_at_applied();
    if (configuration && write_snapshot(*configuration)) return;
    const Damage damage =
        snapshot_damage_.empty()
            ? Damage(directory_.snapshots_path(), 0,
                     fmt::format("the log begins with entry {}, the newest snapshot ends with "
                                 "entry {}: what is between them is missing",
                                 log_->first_index(), covered()))
            : Damage(fmt::format("{}; move the data directory away and replace this node",
                                 snapshot_damage_));
    refuse_if_alone(damage, log_->configurations());
    mark(1, snapshot_damage_.empty() ? damage.found() : snapshot_damage_,
         "log and database begin anew");
    if (!log_->configurations().empty()) {
      last_known_ = log_->configurations().back().configuration;
    }
    log_.reset();
    set_aside_log(file_system_, directory_.log_path(), *doubt_);
    open_log_again();
    machine_.clear();
  }

  void open_log_again() {
    log_ = std::make_unique<LogStore>(file_system_, directory_.log_path(), directory_.log_owner(),
                                      LogOptions{options_.segment_bytes, covered()},
                                      options_.observer);
  }

  // The one in force at the last applied entry, where something that is whole says it.
  [[nodiscard]] std::optional<raft::Configuration> configuration_at_applied() const {
    const raft::Index applied = machine_.applied_index();
    const auto& of_log = log_->configurations();
    if (applied < log_->base().index || applied > log_->last_index()) return std::nullopt;
    const auto after = std::find_if(of_log.begin(), of_log.end(),
                                    [&](const auto& each) { return each.index > applied; });
    if (after != of_log.begin()) return std::prev(after)->configuration;
    // None between the base and the snapshot, as a log that reaches the snapshot shows: that of
    // the snapshot is that of the base.
    const bool is_known = damaged_head_ && holds(*log_, damaged_head_->last) &&
                          (of_log.empty() || of_log.front().index > damaged_head_->last.index);
    if (!is_known) return std::nullopt;
    return damaged_head_->configuration;
  }

  bool write_snapshot(const raft::Configuration& configuration) {
    const raft::Index applied = machine_.applied_index();
    const raft::LogPosition last = applied == log_->base().index
                                       ? log_->base()
                                       : raft::position_of(log_->read(applied, applied, 1).front());
    for (const Path& file : std::exchange(damaged_snapshots_, {})) doubt_->set_aside(file);
    open_snapshots();
    try {
      const auto next = machine_.read_snapshot();
      opened_.snapshots->begin({last, configuration, 0, 0});
      for (auto slice = next(); !slice.empty(); slice = next()) {
        opened_.snapshots->append(slice.span());
      }
    } catch (const Damage& damage) {
      opened_.snapshots->abandon();
      find("{}", damage.found());
      return false;
    }
    if (!opened_.snapshots->finish()) return false;
    whole_ = opened_.snapshots->newest();
    find("{}: the database is written down as a snapshot up to entry {} in its place",
         snapshot_damage_.empty() ? "the snapshot is missing" : snapshot_damage_, applied);
    return true;
  }

  void open_snapshots() {
    if (!opened_.snapshots) {
      opened_.snapshots = std::make_unique<SnapshotStore>(file_system_, directory_.snapshots_path(),
                                                          directory_.id(), options_.snapshots);
    }
    keep_members();
  }

  // So that it knows its peers: what is damaged may still say who they are.
  void keep_members() {
    if (opened_.snapshots->newest() || !log_->configurations().empty()) return;
    if (!last_known_ && damaged_head_) last_known_ = damaged_head_->configuration;
    if (!last_known_ || log_->base().index > 0) return;
    opened_.snapshots->keep_first(*last_known_);
  }

  // It applies what is on this disk alone, so it cannot be ahead of a log that lost nothing.
  void compare_state_machine() {
    Persistence& persistence = *opened_.persistence;
    const raft::Index applied = machine_.applied_index();
    const raft::Index last = persistence.log().last_index();
    if (applied <= last) return;
    if (!persistence.doubt()) {
      const Damage damage(
          directory_.log_path(), 0,
          fmt::format("the database holds entry {}, the log ends at {}: the end of the log is lost",
                      applied, last));
      refuse_if_alone(damage, persistence.log().configurations());
      persistence.mark_doubt({last + 1, damage.found()});
      find("{}", damage.found());
    }
    machine_.clear();
    find("the database is applied to {}, the log ends at {}: it is made anew", applied, last);
  }

  template <typename... Values>
  void find(fmt::format_string<Values...> format, Values&&... values) {
    opened_.findings.push_back(fmt::format(format, std::forward<Values>(values)...));
  }

  FileSystem& file_system_;
  const DataDirectory& directory_;
  const OpeningOptions& options_;
  StateMachineAtStart& machine_;
  std::unique_ptr<HardStateStore> hard_state_;
  std::unique_ptr<DoubtFile> doubt_;
  std::unique_ptr<LogStore> log_;
  std::optional<raft::SnapshotHead> whole_;
  std::vector<Path> damaged_snapshots_;  // newer than that
  raft::Index damaged_index_ = 0;        // of the newest of them, by its name
  std::string snapshot_damage_;          // of the same
  std::optional<raft::SnapshotHead> damaged_head_;
  std::optional<raft::Configuration> last_known_;  // of a log that was given up
  Opened opened_;
};

}  // namespace

Opened open_stored(FileSystem& file_system, const DataDirectory& directory,
                   const OpeningOptions& options, StateMachineAtStart& machine) {
  try {
    return Opening(file_system, directory, options, machine).run();
  } catch (const DiskFull&) {
    // A start, and a repair, is what the reserve is for. What was begun goes on as after a crash.
    if (!SpaceGuard::make_room_to_start(file_system, directory.path())) throw;
    return Opening(file_system, directory, options, machine).run();
  }
}

}  // namespace storage
