// BufferedStore: a store in front of another, which keeps what was written lately in memory and
// hands it down together. A key that is written again and again reaches the store below once for
// many changes, its version is found without asking there, and records go down in order. Private
// to src/database.
//
// What has not gone down is lost in a crash, as is what a store has not flushed: the log has it.
// It goes down as one batch, so that a crash leaves below what was there between two writes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "database/pending_changes.h"
#include "database/store.h"

namespace database {

class BufferedBatch;

class BufferedStore final : public Store {
 public:
  // `max_bytes`: of changes in memory, about; 0: each batch goes down at once.
  BufferedStore(std::unique_ptr<Store> below, std::size_t max_bytes);

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override;
  [[nodiscard]] std::unique_ptr<Batch> make_batch() const override;
  [[nodiscard]] bool get(Family family, std::string_view key, std::string& value) const override;
  [[nodiscard]] std::unique_ptr<View> pin() const override;
  void write(Batch& batch) override;
  void flush() override;
  void begin_replacement() override;
  [[nodiscard]] std::unique_ptr<Batch> make_replacement_batch() const override;
  void write_replacement(Batch& batch) override;
  void abandon_replacement() noexcept override;
  void install_replacement(Batch& last) override;
  [[noreturn]] void damaged(std::string_view what) const override;

 private:
  void hand_down();
  void write_through(const BufferedBatch& changes);

  std::unique_ptr<Store> below_;
  const std::size_t max_bytes_;
  PendingChanges pending_;
  KeyChanges handed_down_;              // of the last time; what is below says the same
  std::unique_ptr<Batch> batch_below_;  // empty between two calls; kept for its memory
};

}  // namespace database
