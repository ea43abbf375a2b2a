// MemoryStore: the store in maps, for the simulator and for tests. Costs nothing to open, to pin
// and to flush: maps are shared, and copied where a shared one is written. Private to
// src/database.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "database/store.h"

namespace database {

using MemoryTable = std::map<std::string, std::string, std::less<>>;

struct MemoryContent {
  std::array<std::shared_ptr<MemoryTable>, kFamilyCount> tables;
  std::uint64_t history_bytes = 0;
};

[[nodiscard]] MemoryContent empty_memory_content();

// What is on the disk that is not there.
class MemoryImage {
 public:
  MemoryContent content = empty_memory_content();
  bool full = false;
  bool flushing = false;
};

class MemoryStore final : public Store {
 public:
  explicit MemoryStore(const Options& options);

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override;
  [[nodiscard]] std::unique_ptr<Batch> make_batch() const override;
  [[nodiscard]] bool get(Family family, std::string_view key, std::string& value) const override;
  [[nodiscard]] std::unique_ptr<View> pin() const override;
  void write(Batch& batch) override;
  // Written in finish_write(), so that what comes between is seen.
  void begin_write(std::function<void(Batch&)> fill) override;
  [[nodiscard]] bool write_has_ended() const override { return true; }
  void finish_write() override;
  void flush() override;
  [[nodiscard]] bool is_flushing() const override { return image_->flushing; }
  void begin_replacement() override;
  [[nodiscard]] std::unique_ptr<Batch> make_replacement_batch() const override;
  void write_replacement(Batch& batch) override;
  void abandon_replacement() noexcept override;
  void install_replacement(Batch& last) override;
  [[noreturn]] void damaged(std::string_view what) const override;

 private:
  void check_room() const;
  void drop_old_history();

  std::uint64_t retention_bytes_;
  std::shared_ptr<MemoryImage> image_;  // never null
  MemoryContent content_;
  std::function<void(Batch&)> fill_;  // of a write that was begun
  MemoryContent replacement_;
};

}  // namespace database
