#include "database/buffered_store.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/check.h"

namespace database {

// Changes in the order in which they were made, their bytes one after the other.
class BufferedBatch final : public Batch {
 public:
  void put(Family family, std::string_view key,
           std::initializer_list<std::string_view> parts) override {
    std::size_t value_size = 0;
    bytes_.append(key);
    for (const std::string_view part : parts) {
      bytes_.append(part);
      value_size += part.size();
    }
    steps_.push_back({family, false, key.size(), value_size});
  }
  void erase(Family family, std::string_view key) override {
    bytes_.append(key);
    steps_.push_back({family, true, key.size(), 0});
  }
  void clear() override {
    bytes_.clear();
    steps_.clear();
  }
  [[nodiscard]] std::size_t size_bytes() const override {
    return bytes_.size() + steps_.size() * kRecordOverhead;
  }

  // Calls put(family, key, value) or erase(family, key) for each change.
  template <typename Put, typename Erase>
  void walk(Put put, Erase erase) const {
    std::string_view rest = bytes_;
    const auto take = [&rest](std::size_t size) {
      const std::string_view taken = rest.substr(0, size);
      rest.remove_prefix(size);
      return taken;
    };
    for (const Step& step : steps_) {
      const std::string_view key = take(step.key_size);
      if (step.erased) {
        erase(step.family, key);
      } else {
        put(step.family, key, take(step.value_size));
      }
    }
  }

 private:
  struct Step {
    Family family;
    bool erased;
    std::size_t key_size, value_size;
  };

  std::string bytes_;
  std::vector<Step> steps_;
};

namespace {

// Walks through what is below and what is pending at once. What is pending prevails.
class MergedCursor final : public Cursor {
 public:
  MergedCursor(std::unique_ptr<Cursor> below, std::vector<PendingChanges::Record> pending)
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
  const std::vector<PendingChanges::Record> pending_;
  std::vector<PendingChanges::Record>::const_iterator at_;
  bool on_pending_ = false;
};

// A copy of what is pending, on what is below at the same moment.
class BufferedView final : public View {
 public:
  BufferedView(std::unique_ptr<View> below, PendingChanges pending)
      : below_(std::move(below)), pending_(std::move(pending)) {}

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override {
    return std::make_unique<MergedCursor>(below_->iterate(family), pending_.sorted(family));
  }

 private:
  std::unique_ptr<View> below_;
  const PendingChanges pending_;
};

}  // namespace

BufferedStore::BufferedStore(std::unique_ptr<Store> below, std::size_t max_bytes)
    : below_(std::move(below)), max_bytes_(max_bytes), batch_below_(below_->make_batch()) {}

std::unique_ptr<Cursor> BufferedStore::iterate(Family family) const {
  return std::make_unique<MergedCursor>(below_->iterate(family), pending_.sorted(family));
}

std::unique_ptr<Batch> BufferedStore::make_batch() const {
  return std::make_unique<BufferedBatch>();
}

bool BufferedStore::get(Family family, std::string_view key, std::string& value) const {
  const Change* change = pending_.find(family, key);
  if (change == nullptr && family == Family::kKeys) {
    const auto found = handed_down_.find(key);
    if (found != handed_down_.end()) change = &found->second;
  }
  if (change == nullptr) return below_->get(family, key, value);
  if (!change->erased) value.assign(change->value);
  return !change->erased;
}

std::unique_ptr<View> BufferedStore::pin() const {
  return std::make_unique<BufferedView>(below_->pin(), pending_);
}

void BufferedStore::write(Batch& batch) {
  const auto& changes = static_cast<const BufferedBatch&>(batch);
  // Before, as nothing may have changed where there is no room below.
  if (pending_.bytes() + changes.size_bytes() > max_bytes_) hand_down();
  if (changes.size_bytes() > max_bytes_) return write_through(changes);
  changes.walk([&](auto family, auto key, auto value) { pending_.put(family, key, value); },
               [&](auto family, auto key) { pending_.erase(family, key); });
}

void BufferedStore::write_through(const BufferedBatch& changes) {
  batch_below_->clear();
  changes.walk([&](auto family, auto key, auto value) { batch_below_->put(family, key, {value}); },
               [&](auto family, auto key) { batch_below_->erase(family, key); });
  below_->write(*batch_below_);
  batch_below_->clear();
  handed_down_.clear();
}

void BufferedStore::hand_down() {
  if (pending_.empty()) return;
  batch_below_->clear();
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    for (const auto& [key, change] : pending_.sorted(family)) {
      if (change->erased) {
        batch_below_->erase(family, key);
      } else {
        batch_below_->put(family, key, {change->value});
      }
    }
  }
  below_->write(*batch_below_);
  batch_below_->clear();
  handed_down_ = pending_.take_keys();
}

void BufferedStore::flush() {
  hand_down();
  below_->flush();
}

void BufferedStore::begin_replacement() { below_->begin_replacement(); }

std::unique_ptr<Batch> BufferedStore::make_replacement_batch() const {
  return below_->make_replacement_batch();
}

void BufferedStore::write_replacement(Batch& batch) { below_->write_replacement(batch); }

void BufferedStore::abandon_replacement() noexcept { below_->abandon_replacement(); }

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
