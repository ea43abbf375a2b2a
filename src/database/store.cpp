#include "database/store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <atomic>
#include <vector>

#include "base/check.h"
#include "database/integers.h"

namespace database {

// Where a flush or compaction in a thread of RocksDB fails, RocksDB would retry for ever, and the
// writer would learn of it when it stalls. So the first such failure is kept here, and ends the
// node at its next write (A16).
class BackgroundFault : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (claimed_.exchange(true)) return;
    status_ = *status;
    ready_.store(true, std::memory_order_release);
  }
  [[nodiscard]] bool happened() const { return ready_.load(std::memory_order_acquire); }
  // Only where it happened(); does not change any more then.
  [[nodiscard]] const rocksdb::Status& status() const { return status_; }

 private:
  std::atomic<bool> claimed_ = false;
  std::atomic<bool> ready_ = false;
  rocksdb::Status status_;
};

namespace {

constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "keys", "channels",
                                                                "history"};

std::string in_one_line(const rocksdb::Status& status) {
  std::string text = status.ToString();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string_view what_to_do(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return "make room on its disk, and start the node again";
  if (status.IsCorruption() || status.IsPathNotFound()) {
    return "restore the data directory from a backup, or replace the node";
  }
  return "check its disk and its permissions, and start the node again";
}

std::size_t position(Family family) { return static_cast<std::size_t>(family); }

rocksdb::DBOptions database_options(const Options& options) {
  rocksdb::DBOptions result;
  result.create_if_missing = true;
  result.create_missing_column_families = true;
  result.paranoid_checks = true;
  // Without a write-ahead log, families flushed one by one would differ after a crash (A26).
  result.atomic_flush = true;
  // A destructor could not report a failed flush; who wants one calls flush().
  result.avoid_flush_during_shutdown = true;
  result.max_bgerror_resume_count = 0;
  result.allow_concurrent_memtable_write = false;  // there is one writer
  result.db_write_buffer_size = options.write_buffer_bytes;
  result.max_background_jobs = 2;
  result.max_open_files = 256;
  result.bytes_per_sync = 1 << 20;  // write-back in small steps, not in bursts beside the log's
  result.max_manifest_file_size = 4 << 20;
  result.info_log_level = rocksdb::WARN_LEVEL;
  result.keep_log_file_num = 2;
  result.max_log_file_size = 1 << 20;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

rocksdb::ColumnFamilyOptions family_options(Family family, const Options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions result;
  result.write_buffer_size = options.write_buffer_bytes / 2;
  result.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  if (family == Family::kKeys) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.cache_index_and_filter_blocks = true;  // so that the cache bounds them too
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    result.level_compaction_dynamic_level_bytes = true;
  }
  if (family == Family::kHistory) {
    // Only ever drops whole files, the oldest first: so what is left has no hole. It drops the
    // only file too when that alone is over the limit, hence several files to the limit.
    const std::uint64_t retention = options.replay_retention_bytes;
    result.compaction_style = rocksdb::kCompactionStyleFIFO;
    result.compaction_options_fifo = {retention, /*_allow_compaction=*/false};
    result.write_buffer_size =
        std::min<std::uint64_t>(options.write_buffer_bytes / 2, retention / 8);
    result.ttl = 0;  // by size, not by the clock
    result.periodic_compaction_seconds = 0;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

}  // namespace

Store::Store(const std::filesystem::path& directory, const Options& options)
    : directory_(std::filesystem::absolute(directory).string()),
      background_fault_(std::make_shared<BackgroundFault>()) {
  open(options);
  check_format();
}

Store::~Store() = default;

void Store::open(const Options& options) {
  auto settings = database_options(options);
  settings.listeners.push_back(background_fault_);
  if (options.in_memory) {
    memory_environment_.reset(rocksdb::NewMemEnv(rocksdb::Env::Default()));
    settings.env = memory_environment_.get();
  } else {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) {
      throw DatabaseFault(
          fmt::format("{}: the folder of the database cannot be created: {}; check its path and "
                      "permissions",
                      directory_, error.message()));
    }
  }
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    descriptors.emplace_back(kFamilyNames[i],
                             family_options(static_cast<Family>(i), options, cache));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(settings, directory_, descriptors, &handles, &opened), "opened");
  database_.reset(opened);
  CHECK(handles.size() == kFamilyCount, "{}: RocksDB opened {} of {} column families", directory_,
        handles.size(), kFamilyCount);
  for (std::size_t i = 0; i < kFamilyCount; ++i) families_[i].reset(handles[i]);
}

void Store::check_format() {
  rocksdb::PinnableSlice value;
  if (!get(Family::kMeta, kFormatKey, value)) {
    rocksdb::WriteBatch batch;
    const auto format = little_endian(kFormat);
    batch.Put(family(Family::kMeta), slice(kFormatKey), slice(view_of(format)));
    write(batch);
    return;
  }
  const auto format = read_little_endian(view(value));
  if (!format) damaged("the format version");
  if (*format != kFormat) {
    throw DatabaseFault(fmt::format(
        "{}: the database has format {}, this release reads format {}; start the release that "
        "wrote it",
        directory_, *format, kFormat));
  }
}

rocksdb::ColumnFamilyHandle* Store::family(Family family) const {
  return families_[position(family)].get();
}

bool Store::get(Family family, std::string_view key, rocksdb::PinnableSlice& value) const {
  const auto status =
      database_->Get(rocksdb::ReadOptions(), this->family(family), slice(key), &value);
  if (status.IsNotFound()) return false;
  check(status, "read");
  return true;
}

std::unique_ptr<rocksdb::Iterator> Store::iterate(Family family) const {
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // a scan must not push out what single reads need
  return std::unique_ptr<rocksdb::Iterator>(database_->NewIterator(read, this->family(family)));
}

void Store::check_end(const rocksdb::Iterator& iterator) const { check(iterator.status(), "read"); }

void Store::write(rocksdb::WriteBatch& batch) {
  if (background_fault_->happened()) check(background_fault_->status(), "flushed or compacted");
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  check(database_->Write(write, &batch), "written");
}

void Store::flush() {
  rocksdb::FlushOptions flush;
  flush.wait = true;
  flush.allow_write_stall = true;  // nobody writes meanwhile
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  for (const auto& handle : families_) handles.push_back(handle.get());
  check(database_->Flush(flush, handles), "flushed");
}

void Store::damaged(std::string_view what) const {
  throw DatabaseFault(
      fmt::format("{}: {} in the database is damaged; restore the directory from a backup, or "
                  "replace the node",
                  directory_, what));
}

void Store::check(const rocksdb::Status& status, std::string_view doing) const {
  if (status.ok()) return;
  throw DatabaseFault(fmt::format("{}: the database cannot be {}: {}; {}", directory_, doing,
                                  in_one_line(status), what_to_do(status)));
}

}  // namespace database
