#include "database/database.h"

#include <fmt/format.h>

#include <string>

#include "base/check.h"
#include "base/checksum.h"
#include "database/history.h"
#include "database/integers.h"
#include "database/store.h"
#include "database/transition.h"

namespace database {
namespace {

std::uint64_t stored_applied_index(const Store& store) {
  rocksdb::PinnableSlice value;
  if (!store.get(Family::kMeta, kAppliedIndexKey, value)) return 0;
  const auto index = read_little_endian(view(value));
  if (!index) store.damaged("the applied index");
  return *index;
}

// The hash of all before it, the family and both sizes go into each step, so that no two states
// are the same run of bytes.
std::uint64_t hash_family(const Store& store, Family family, std::uint64_t hash) {
  std::string step;
  const auto iterator = store.iterate(family);
  for (iterator->SeekToFirst(); iterator->Valid(); iterator->Next()) {
    step.assign(view_of(little_endian(hash)));
    step.push_back(static_cast<char>(family));
    step.append(view_of(little_endian(iterator->key().size())));
    step.append(view(iterator->key()));
    step.append(view(iterator->value()));
    hash = base::checksum(std::as_bytes(std::span<const char>(step)));
  }
  store.check_end(*iterator);
  return hash;
}

}  // namespace

struct Database::Implementation {
  Implementation(const std::filesystem::path& directory, const Options& options)
      : store(directory, options), applied_index(stored_applied_index(store)) {}

  Store store;
  std::uint64_t applied_index;
  std::uint64_t undecodable_commands = 0;
  rocksdb::WriteBatch batch;  // empty between two calls; kept for its memory
};

Database::Database(const std::filesystem::path& directory, const Options& options)
    : implementation_(std::make_unique<Implementation>(directory, options)) {}

Database::~Database() = default;

std::uint64_t Database::applied_index() const { return implementation_->applied_index; }

Applied Database::apply(std::span<const Committed> entries) {
  Applied applied;
  if (entries.empty()) return applied;
  auto& self = *implementation_;
  self.batch.Clear();
  Transition transition(self.store, self.batch);
  applied.outcomes.reserve(entries.size());
  applied.broadcasts.reserve(entries.size());
  std::uint64_t last = self.applied_index;
  for (const auto& entry : entries) {
    CHECK(entry.index == last + 1, "entry {} of term {} is to be applied after entry {}",
          entry.index, entry.term, last);
    applied.outcomes.push_back(transition.execute(entry, applied.broadcasts));
    last = entry.index;
  }
  add_history(self.store, entries.front().index, last, applied.broadcasts, self.batch);
  self.batch.Put(self.store.family(Family::kMeta), slice(kAppliedIndexKey),
                 slice(view_of(little_endian(last))));
  self.store.write(self.batch);
  self.applied_index = last;
  self.undecodable_commands += transition.undecodable_commands();
  return applied;
}

std::optional<Found> Database::get(std::string_view key) const {
  const auto& store = implementation_->store;
  rocksdb::PinnableSlice bytes;
  if (!store.get(Family::kKeys, key, bytes)) return std::nullopt;
  const auto record = read_key_record(view(bytes));
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

std::uint64_t Database::state_hash() const {
  const auto& store = implementation_->store;
  return hash_family(store, Family::kChannels, hash_family(store, Family::kKeys, 0));
}

}  // namespace database
