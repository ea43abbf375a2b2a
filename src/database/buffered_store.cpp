#include "database/buffered_store.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <utility>
#include <vector>

#include "base/check.h"

namespace database {
namespace {

using Records = std::vector<PendingChanges::Record>;

// In order of the keys; a later change prevails. `earlier` may be null.
Records merged(const PendingChanges* earlier, const PendingChanges& later, Family family) {
  if (earlier == nullptr) return later.sorted(family);
  const Records first = later.sorted(family);
  const Records second = earlier->sorted(family);
  Records all;
  std::set_union(first.begin(), first.end(), second.begin(), second.end(), std::back_inserter(all),
                 [](const auto& a, const auto& b) { return a.key < b.key; });
  return all;
}

// False where nothing of the family has changed.
bool add_to(Batch& batch, const PendingChanges& changes, Family family) {
  const Records records = changes.sorted(family);
  for (const auto& [key, change] : records) {
    if (change->erased) {
      batch.erase(family, key);
    } else {
      batch.put(family, key, {change->value});
    }
  }
  return !records.empty();
}

void add_all_to(Batch& batch, const PendingChanges& changes) {
  for (std::size_t i = 0; i < kFamilyCount; ++i) add_to(batch, changes, static_cast<Family>(i));
}

// So many changes are applied again after a crash, beside what RocksDB has not flushed.
constexpr std::size_t kMaxChanges = 1 << 18;
// Of the history that goes down at once. More, as waits after a flush, goes with all else.
constexpr std::size_t kMaxHistoryBytes = 1 << 20;
// So many times the usual bytes, with the history that waits for the store.
constexpr std::size_t kTimesWhileBusy = 3;

// Walks through what is below and what is pending at once. What is pending prevails.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> below, Records pending)
      : below_(std::move(below)), pending_(std::move(pending)), at_(pending_.end()) {}

  void seek(std::string_view key) override {
    below_->seek(key);
    at_ = std::lower_bound(pending_.begin(), pending_.end(), key,
                           [](const auto& record, std::string_view k) { return record.key < k; });
    settle();
  }
  void seek_back(std::string_view key) override {
    below_->seek_back(key);
    at_ = std::upper_bound(pending_.begin(), pending_.end(), key,
                           [](std::string_view k, const auto& record) { return k < record.key; });
    if (at_ == pending_.begin()) {
      on_pending_ = false;
      return;
    }
    const std::string_view last = std::prev(at_)->key;
    if (below_->valid() && below_->key() > last) {
      on_pending_ = false;
      return;
    }
    CHECK(!std::prev(at_)->change->erased, "a walk back over a record that is erased");
    seek(last);
  }
  void next() override {
    if (on_pending_) {
      ++at_;
    } else {
      below_->next();
    }
    settle();
  }
  [[nodiscard]] bool valid() const override { return on_pending_ || below_->valid(); }
  [[nodiscard]] std::string_view key() const override {
    return on_pending_ ? at_->key : below_->key();
  }
  [[nodiscard]] std::string_view value() const override {
    return on_pending_ ? std::string_view(at_->change->value) : below_->value();
  }

 private:
  // To the first record at or behind where both cursors stand.
  void settle() {
    for (; at_ != pending_.end(); ++at_) {
      on_pending_ = !below_->valid() || at_->key <= below_->key();
      if (!on_pending_) return;
      if (below_->valid() && at_->key == below_->key()) below_->next();
      if (!at_->change->erased) return;
    }
    on_pending_ = false;
  }

  std::unique_ptr<Cursor> below_;
  const Records pending_;
  Records::const_iterator at_;
  bool on_pending_ = false;
};

// A copy of what is pending, on what goes down and what is below at the same moment.
class BufferedView final : public View {
 public:
  BufferedView(std::unique_ptr<View> below, std::shared_ptr<const PendingChanges> going_down,
               PendingChanges pending)
      : below_(std::move(below)),
        going_down_(std::move(going_down)),
        pending_(std::move(pending)) {}

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override {
    return std::make_unique<MergedCursor>(below_->iterate(family),
                                          merged(going_down_.get(), pending_, family));
  }

 private:
  std::unique_ptr<View> below_;
  std::shared_ptr<const PendingChanges> going_down_;
  const PendingChanges pending_;
};

}  // namespace

BufferedStore::BufferedStore(std::unique_ptr<Store> below, std::size_t max_bytes)
    : below_(std::move(below)), max_bytes_(max_bytes), batch_below_(below_->make_batch()) {}

std::unique_ptr<Cursor> BufferedStore::iterate(Family family) const {
  return std::make_unique<MergedCursor>(below_->iterate(family),
                                        merged(going_down_.get(), pending_, family));
}

std::optional<std::string_view> BufferedStore::find(Family family, std::string_view key,
                                                    std::string& memory) const {
  const Change* change = pending_.find(family, key);
  if (change == nullptr && going_down_) change = going_down_->find(family, key);
  if (change == nullptr && family == Family::kKeys) {
    const auto found = handed_down_.find(key);
    if (found != handed_down_.end()) change = &found->second;
  }
  if (change != nullptr) {
    return change->erased ? std::nullopt : std::optional<std::string_view>(change->value);
  }
  if (!below_->get(family, key, memory)) return std::nullopt;
  return memory;
}

std::unique_ptr<View> BufferedStore::pin() const {
  return std::make_unique<BufferedView>(below_->pin(), going_down_, pending_);
}

void BufferedStore::begin_changes() {
  if (going_down_ && below_->write_has_ended()) end_hand_down();
  // The history alone would begin another flush beside one that is under way, of some families and
  // not of others: where both fail, as on a full disk, RocksDB 7.8 aborts
  // (MemTableList::RollbackMemtableFlush). So it waits meanwhile, and may take room.
  const bool busy = going_down_ || below_->is_flushing();
  const bool much_waited = pending_.bytes(Family::kHistory) > kMaxHistoryBytes;
  if (!busy && !much_waited) hand_down_history();
  const std::size_t bytes = pending_.bytes() + (going_down_ ? going_down_->bytes() : 0);
  const std::size_t most = busy ? kTimesWhileBusy * max_bytes_ : max_bytes_;
  if (refused_) {
    hand_down();  // nothing more comes before there is room
  } else if (bytes > most || changes_ > kMaxChanges || (much_waited && !busy)) {
    begin_hand_down();
  }
}

void BufferedStore::put(Family family, std::string_view key,
                        std::initializer_list<std::string_view> parts) {
  pending_.put(family, key, parts);
  ++changes_;
}

void BufferedStore::put(Family family, std::string_view key, std::string&& value) {
  pending_.put(family, key, std::move(value));
  ++changes_;
}

void BufferedStore::erase(Family family, std::string_view key) {
  pending_.erase(family, key);
  ++changes_;
}

void BufferedStore::put(const HashedKey& key, std::initializer_list<std::string_view> parts) {
  pending_.put(key, parts);
  ++changes_;
}

void BufferedStore::erase(const HashedKey& key) {
  pending_.erase(key);
  ++changes_;
}

void BufferedStore::hand_down_history() {
  batch_below_->clear();
  if (!add_to(*batch_below_, pending_, Family::kHistory)) return;
  below_->write(*batch_below_);
  batch_below_->clear();
  pending_.clear(Family::kHistory);
}

void BufferedStore::begin_hand_down() {
  if (going_down_) end_hand_down();
  going_down_ = std::make_shared<PendingChanges>(pending_.take());
  changes_going_down_ = std::exchange(changes_, 0);
  // What went down before is given back to the heap there too.
  const auto before = std::make_shared<KeyChanges>(std::exchange(handed_down_, {}));
  try {
    below_->begin_write(
        [changes = std::shared_ptr<const PendingChanges>(going_down_), before](Batch& batch) {
          *before = {};
          add_all_to(batch, *changes);
        });
  } catch (const NoRoom&) {
    take_back();
    throw;
  }
}

void BufferedStore::end_hand_down() {
  try {
    below_->finish_write();
  } catch (const NoRoom&) {
    take_back();
    throw;
  }
  handed_down_ = view_shares_what_goes_down() ? KeyChanges() : going_down_->take_keys();
  going_down_.reset();
  refused_ = false;
}

void BufferedStore::take_back() {
  pending_.add_earlier(view_shares_what_goes_down() ? PendingChanges(*going_down_)
                                                    : std::move(*going_down_));
  going_down_.reset();
  changes_ += changes_going_down_;
  refused_ = true;
}

bool BufferedStore::view_shares_what_goes_down() const { return going_down_.use_count() > 1; }

void BufferedStore::hand_down() {
  begin_hand_down();
  end_hand_down();
}

void BufferedStore::flush() {
  hand_down();
  below_->flush();
}

void BufferedStore::install_replacement(Batch& last) {
  // Below, the old content stays until the new one is there, and agrees with its applied index.
  hand_down();
  below_->install_replacement(last);
  handed_down_.clear();
}

void BufferedStore::damaged(std::string_view what) const {
  below_->damaged(what);
  std::abort();  // not reached: g++ does not see that of a virtual function
}

}  // namespace database
