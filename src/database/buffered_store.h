// BufferedStore: the records of the state machine: those of a store, and in front of it, in memory,
// what was changed lately, which is handed down together. A key that is written again and again
// reaches the store below once for many changes, and records go down in order. Private to
// src/database; one owner, one thread.
//
// What has not gone down is lost in a crash, as is what a store has not flushed: the log has it. It
// goes down as one batch of all that was there between two turns of changes: so a crash leaves
// below what was there between two of them. The store writes it while changes go on. But for the
// history: nothing of it is written twice, so what a turn adds goes down when the next begins,
// unless the store writes or flushes just then. After a crash it may be ahead of all else
// (cut_history).
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "database/pending_changes.h"
#include "database/store.h"

namespace database {

class BufferedStore final : public View {
 public:
  // `max_bytes`: of changes in memory, about, when a turn of changes begins; with the history it is
  // up to three times as much while the store below writes or flushes.
  BufferedStore(std::unique_ptr<Store> below, std::size_t max_bytes);

  // A turn of changes begins. After NoRoom nothing has changed, and the same may be asked again.
  void begin_changes();
  // The value is its parts one after the other; none of them is what find() gave.
  void put(Family family, std::string_view key, std::initializer_list<std::string_view> parts);
  void put(Family family, std::string_view key, std::string&& value);
  void erase(Family family, std::string_view key);
  // The same in the family `keys`.
  void put(const HashedKey& key, std::initializer_list<std::string_view> parts);
  void erase(const HashedKey& key);

  // As those of PendingChanges.
  void prefetch(const HashedKey& key) const { pending_.prefetch(key); }
  void prefetch_value(const HashedKey& key) const { pending_.prefetch_value(key); }
  // Nothing: not there. What is found lasts until the next change, and is in `memory` where it came
  // from below.
  [[nodiscard]] std::optional<std::string_view> find(Family family, std::string_view key,
                                                     std::string& memory) const;
  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override;
  [[nodiscard]] std::unique_ptr<View> pin() const;

  // All that is in memory, and waits for it. NoRoom as above.
  void hand_down();

  // As those of Store.
  void flush();
  void begin_replacement() { below_->begin_replacement(); }
  [[nodiscard]] std::unique_ptr<Batch> make_replacement_batch() const {
    return below_->make_replacement_batch();
  }
  void write_replacement(Batch& batch) { below_->write_replacement(batch); }
  void abandon_replacement() noexcept { below_->abandon_replacement(); }
  void install_replacement(Batch& last);
  [[noreturn]] void damaged(std::string_view what) const;

 private:
  void hand_down_history();
  void begin_hand_down();
  void end_hand_down();
  void take_back();
  [[nodiscard]] bool view_shares_what_goes_down() const;

  std::unique_ptr<Store> below_;
  const std::size_t max_bytes_;
  PendingChanges pending_;
  std::size_t changes_ = 0;  // that are pending, counting each that took the place of another
  // What the store below is writing, from before those that are pending; read by two threads. Null
  // where it writes nothing.
  std::shared_ptr<PendingChanges> going_down_;
  std::size_t changes_going_down_ = 0;
  bool refused_ = false;                // there was no room for what went down last
  KeyChanges handed_down_;              // of the last time, to be read; what is below says the same
  std::unique_ptr<Batch> batch_below_;  // of the history; empty between two calls
};

}  // namespace database
