// RocksStore: the store on disk, in RocksDB without its write-ahead log. Private to src/database.
//
// Families other than `meta` belong to a generation, a number in `meta` (1 where it is missing).
// A replacement is written into families of a new generation. As all families are flushed
// together, the write that makes the generation the present one reaches the disk with all of it
// or not at all. Opening drops the families of every other generation: those of a replacement
// that was not finished, or of the content that one has replaced.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "database/rocks_worker.h"
#include "database/store.h"

namespace database {

class BackgroundFault;

using RocksFamilies = std::array<std::shared_ptr<rocksdb::ColumnFamilyHandle>, kFamilyCount>;

class RocksStore final : public Store {
 public:
  RocksStore(const std::filesystem::path& directory, const Options& options);
  ~RocksStore() override;
  RocksStore(const RocksStore&) = delete;
  RocksStore& operator=(const RocksStore&) = delete;

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override;
  [[nodiscard]] std::unique_ptr<Batch> make_batch() const override;
  [[nodiscard]] bool get(Family family, std::string_view key, std::string& value) const override;
  [[nodiscard]] std::unique_ptr<View> pin() const override;
  void write(Batch& batch) override;
  void begin_write(std::function<void(Batch&)> fill) override;
  [[nodiscard]] bool write_has_ended() const override { return writer_.has_ended(); }
  void finish_write() override { writer_.finish(); }
  void flush() override;
  [[nodiscard]] bool is_flushing() const override;
  void begin_replacement() override;
  [[nodiscard]] std::unique_ptr<Batch> make_replacement_batch() const override;
  void write_replacement(Batch& batch) override;
  void abandon_replacement() noexcept override;
  void install_replacement(Batch& last) override;
  [[noreturn]] void damaged(std::string_view what) const override;

  // The two steps of install_replacement(), apart for the test that stops between them.
  void switch_to_replacement(Batch& last);
  void drop_replaced();

 private:
  void open();
  [[nodiscard]] std::vector<std::string> present_names(const rocksdb::DBOptions& settings) const;
  void adopt(std::vector<std::shared_ptr<rocksdb::ColumnFamilyHandle>> opened);
  void check_format();
  [[nodiscard]] std::uint64_t stored_generation() const;
  [[nodiscard]] std::shared_ptr<rocksdb::ColumnFamilyHandle> create(Family family,
                                                                    std::uint64_t generation);
  [[nodiscard]] bool resume();
  void check(const rocksdb::Status& status, std::string_view doing) const;

  std::string directory_;
  Options options_;
  std::shared_ptr<BackgroundFault> background_fault_;
  std::shared_ptr<rocksdb::Cache> cache_;
  // In order of creation: the database outlives its handles.
  std::shared_ptr<rocksdb::DB> database_;
  RocksFamilies families_;
  std::uint64_t generation_ = 1;
  bool switching_ = false;  // to the replacement: which one is present, a flush decides
  std::unique_ptr<Batch> writers_batch_;  // empty between two writes; kept for its memory
  RocksFamilies replacement_;         // null but `meta`, which is that of families_, unless begun
  RocksWorker writer_;  // last: its task ends before what that uses
};

}  // namespace database
