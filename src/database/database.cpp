#include "database/database.h"

#include <string>
#include <utility>

#include "base/check.h"
#include "database/buffered_store.h"
#include "database/history.h"
#include "database/integers.h"
#include "database/memory_store.h"
#include "database/rocks_store.h"
#include "database/sessions.h"
#include "database/snapshot_loader.h"
#include "database/snapshot_reader.h"
#include "database/transition.h"
#include "database/versions.h"

namespace database {
namespace {

BufferedStore open_records(const std::filesystem::path& directory, const Options& options) {
  std::unique_ptr<Store> store;
  if (options.in_memory) {
    store = std::make_unique<MemoryStore>(options);
  } else {
    store = std::make_unique<RocksStore>(directory, options);
  }
  return {std::move(store), options.pending_change_bytes};
}

std::uint64_t stored_number(const BufferedStore& store, std::string_view key) {
  std::string memory;
  const auto value = store.find(Family::kMeta, key, memory);
  if (!value) return 0;
  const auto number = read_little_endian(*value);
  if (!number) store.damaged(key);
  return *number;
}

}  // namespace

struct Database::Implementation {
  Implementation(const std::filesystem::path& directory, const Options& options)
      : store(open_records(directory, options)),
        applied_index(stored_number(store, kAppliedIndexKey)),
        log_time_ms(stored_number(store, kLogTimeKey)),
        versions(options.version_bytes),
        sessions(store) {
    cut_history(store, applied_index);
  }

  BufferedStore store;
  std::uint64_t applied_index;
  std::uint64_t log_time_ms;
  Versions versions;
  std::optional<Sessions> sessions;  // always there
  std::uint64_t undecodable_commands = 0;
  bool loading = false;
};

Database::Database(const std::filesystem::path& directory, const Options& options)
    : implementation_(std::make_unique<Implementation>(directory, options)) {}

Database::~Database() = default;

std::uint64_t Database::applied_index() const { return implementation_->applied_index; }

std::uint64_t Database::log_time_ms() const { return implementation_->log_time_ms; }

std::uint64_t Database::session_count() const { return implementation_->sessions->count(); }

Applied Database::apply(std::span<const Committed> entries) {
  if (entries.empty()) return {};
  auto& self = *implementation_;
  self.store.begin_changes();
  Applied applied;
  applied.outcomes.reserve(entries.size());
  applied.effect_indices.reserve(entries.size());
  applied.broadcasts.reserve(entries.size());
  Transition transition(self.store, self.versions, *self.sessions, entries);
  for (std::size_t place = 0; place < entries.size(); ++place) {
    const Committed& entry = entries[place];
    CHECK(entry.index == self.applied_index + 1,
          "entry {} of term {} is to be applied after entry {}", entry.index, entry.term,
          self.applied_index);
    CHECK(entry.time_ms >= self.log_time_ms,
          "entry {} of term {} is of time {}, the one before of {}", entry.index, entry.term,
          entry.time_ms, self.log_time_ms);
    const Effect effect = transition.execute(place, applied.broadcasts);
    applied.outcomes.push_back(effect.outcome);
    applied.effect_indices.push_back(effect.index);
    self.applied_index = entry.index;
    self.log_time_ms = entry.time_ms;
  }
  self.sessions->finish(entries.size());
  add_history(entries.front().index, self.applied_index, applied.broadcasts, self.store);
  self.store.put(Family::kMeta, kAppliedIndexKey, {view_of(little_endian(self.applied_index))});
  self.store.put(Family::kMeta, kLogTimeKey, {view_of(little_endian(self.log_time_ms))});
  self.undecodable_commands += transition.undecodable_commands();
  return applied;
}

std::optional<Found> Database::get(std::string_view key) const {
  const BufferedStore& store = implementation_->store;
  std::string memory;
  const auto bytes = store.find(Family::kKeys, key, memory);
  if (!bytes) return std::nullopt;
  const auto record = read_key_record(*bytes);
  if (!record) store.damaged("the record of a key");
  return Found{std::string(record->value), record->version, record->index};
}

std::variant<Replay, Compacted> Database::replay(std::uint64_t after,
                                                 std::span<const std::string> topics,
                                                 std::size_t limit, std::size_t max_bytes) const {
  return read_history(implementation_->store, implementation_->applied_index,
                      {after, topics, limit, max_bytes});
}

void Database::flush() { implementation_->store.flush(); }

std::uint64_t Database::undecodable_commands() const {
  return implementation_->undecodable_commands;
}

std::unique_ptr<SnapshotReader> Database::read_snapshot() const {
  const auto& self = *implementation_;
  return make_snapshot_reader(self.store, self.applied_index, self.log_time_ms);
}

std::unique_ptr<SnapshotLoader> Database::load_snapshot() {
  auto& self = *implementation_;
  CHECK(!self.loading, "a second snapshot is to be loaded at once, at index {}",
        self.applied_index);
  self.loading = true;
  StoreSnapshotLoader::Owner owner;
  owner.applied_index = [&self] { return self.applied_index; };
  owner.installed = [&self](const SnapshotHeader& header) {
    self.applied_index = header.applied_index;
    self.log_time_ms = header.log_time_ms;
    self.versions.clear();
    self.sessions.emplace(self.store);
  };
  owner.gone = [&self] { self.loading = false; };
  return std::make_unique<StoreSnapshotLoader>(self.store, std::move(owner));
}

std::uint64_t Database::state_hash() const { return hash_state(implementation_->store); }

}  // namespace database
