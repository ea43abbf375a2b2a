#include "database/rocks_store.h"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <utility>

#include "base/check.h"
#include "database/integers.h"
#include "database/rocks_log.h"
#include "database/rocks_options.h"

namespace database {

// Where a flush or compaction in a thread of RocksDB fails, RocksDB would retry for ever, and the
// writer would learn of it when it stalls. So the first such failure is kept here, and ends the
// node at its next write (A16). Want of room is no failure: what could not be flushed is still in
// memory, and RocksDB takes no writes until it could.
class BackgroundFault : public rocksdb::EventListener {
 public:
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status* status) override {
    if (status->IsNoSpace()) return;
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

constexpr std::string_view kGenerationKey = "generation";
rocksdb::Slice slice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view view(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string in_one_line(const rocksdb::Status& status) {
  std::string text = status.ToString();
  while (!text.empty() && text.back() == '\n') text.pop_back();
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string_view what_to_do(const rocksdb::Status& status) {
  if (status.IsNoSpace()) return "make room on its disk";
  if (status.IsPathNotFound()) {
    return "restore the data directory from a backup, or replace the node";
  }
  return "check its disk and its permissions, and start the node again";
}

// Damage may show in a read alone, and a later open would not see it.
std::filesystem::path damage_mark(const std::string& directory) {
  return std::filesystem::path(directory) / "DAMAGED";
}

[[noreturn]] void fail_as_damaged(const std::string& directory, const std::string& sentence) {
  std::ofstream(damage_mark(directory)) << sentence << '\n';
  throw DatabaseDamage(sentence);
}

[[noreturn]] void fail(const std::string& directory, const rocksdb::Status& status,
                       std::string_view doing) {
  if (status.IsCorruption()) {
    fail_as_damaged(directory, fmt::format("{}: the database cannot be {}: {}", directory, doing,
                                           in_one_line(status)));
  }
  const std::string sentence = fmt::format("{}: the database cannot be {}: {}; {}", directory,
                                           doing, in_one_line(status), what_to_do(status));
  if (status.IsNoSpace()) throw NoRoom(sentence);
  throw DatabaseFault(sentence);
}

class RocksCursor final : public Cursor {
 public:
  RocksCursor(std::unique_ptr<rocksdb::Iterator> iterator, const std::string& directory)
      : directory_(directory), iterator_(std::move(iterator)) {}

  void seek(std::string_view key) override {
    iterator_->Seek(slice(key));
    check();
  }
  void seek_back(std::string_view key) override {
    iterator_->SeekForPrev(slice(key));
    check();
  }
  void next() override {
    iterator_->Next();
    check();
  }
  [[nodiscard]] bool valid() const override { return iterator_->Valid(); }
  [[nodiscard]] std::string_view key() const override { return view(iterator_->key()); }
  [[nodiscard]] std::string_view value() const override { return view(iterator_->value()); }

 private:
  // An iterator ends at the end of its family, and also where reading failed.
  void check() const {
    if (!iterator_->Valid() && !iterator_->status().ok()) {
      fail(directory_, iterator_->status(), "read");
    }
  }

  std::string directory_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
};

// Keeps database and families for itself, as a snapshot that is loaded meanwhile drops them.
class RocksView final : public View {
 public:
  RocksView(std::shared_ptr<rocksdb::DB> database, RocksFamilies families, std::string directory)
      : directory_(std::move(directory)),
        database_(std::move(database)),
        families_(std::move(families)),
        snapshot_(database_->GetSnapshot()) {}
  ~RocksView() override { database_->ReleaseSnapshot(snapshot_); }
  RocksView(const RocksView&) = delete;
  RocksView& operator=(const RocksView&) = delete;

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    read.snapshot = snapshot_;
    auto* handle = families_[position(family)].get();
    return std::make_unique<RocksCursor>(
        std::unique_ptr<rocksdb::Iterator>(database_->NewIterator(read, handle)), directory_);
  }

 private:
  std::string directory_;
  std::shared_ptr<rocksdb::DB> database_;
  RocksFamilies families_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksBatch final : public Batch {
 public:
  explicit RocksBatch(const RocksFamilies& families) : families_(families) {}

  void put(Family family, std::string_view key,
           std::initializer_list<std::string_view> parts) override {
    std::array<rocksdb::Slice, 4> value;
    CHECK(parts.size() <= value.size(), "a record of {} parts", parts.size());
    std::transform(parts.begin(), parts.end(), value.begin(), slice);
    const rocksdb::Slice name = slice(key);
    batch_.Put(handle(family), rocksdb::SliceParts(&name, 1),
               rocksdb::SliceParts(value.data(), static_cast<int>(parts.size())));
  }
  void erase(Family family, std::string_view key) override {
    batch_.Delete(handle(family), slice(key));
  }
  void clear() override { batch_.Clear(); }
  [[nodiscard]] std::size_t size_bytes() const override { return batch_.GetDataSize(); }
  [[nodiscard]] rocksdb::WriteBatch* changes() { return &batch_; }

 private:
  [[nodiscard]] rocksdb::ColumnFamilyHandle* handle(Family family) const {
    return families_[position(family)].get();
  }

  const RocksFamilies& families_;  // the store's own, whatever they are when a change is added
  rocksdb::WriteBatch batch_;
};

}  // namespace

RocksStore::RocksStore(const std::filesystem::path& directory, const Options& options)
    : directory_(std::filesystem::absolute(directory).string()),
      options_(options),
      background_fault_(std::make_shared<BackgroundFault>()),
      cache_(rocksdb::NewLRUCache(options.block_cache_bytes)) {
  open();
}

RocksStore::~RocksStore() = default;

void RocksStore::open() {
  auto settings = database_options(options_);
  settings.listeners.push_back(background_fault_);
  std::error_code error;
  std::filesystem::create_directories(directory_, error);
  if (error) {
    throw DatabaseFault(
        fmt::format("{}: the folder of the database cannot be created: {}; check its path and "
                    "permissions",
                    directory_, error.message()));
  }
  if (std::filesystem::exists(damage_mark(directory_), error)) {
    throw DatabaseDamage(
        fmt::format("{}: the database was found damaged when it was read", directory_));
  }
  settings.info_log = open_rocks_log(directory_);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  for (const auto& name : present_names(settings)) {
    descriptors.emplace_back(name, family_options(family_named(name), options_, cache_));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::Open(settings, directory_, descriptors, &handles, &opened), "opened");
  database_.reset(opened);
  adopt({handles.begin(), handles.end()});
}

std::vector<std::string> RocksStore::present_names(const rocksdb::DBOptions& settings) const {
  std::vector<std::string> names;
  std::error_code error;
  if (std::filesystem::exists(std::filesystem::path(directory_) / "CURRENT", error)) {
    check(rocksdb::DB::ListColumnFamilies(settings, directory_, &names), "opened");
  } else {
    names.push_back(name_of(Family::kMeta, 1));
  }
  return names;
}

void RocksStore::adopt(std::vector<std::shared_ptr<rocksdb::ColumnFamilyHandle>> opened) {
  const auto take = [&](const std::string& name) {
    const auto found = std::find_if(opened.begin(), opened.end(),
                                    [&](const auto& handle) { return handle->GetName() == name; });
    if (found == opened.end()) return std::shared_ptr<rocksdb::ColumnFamilyHandle>();
    auto handle = std::move(*found);
    opened.erase(found);
    return handle;
  };
  families_[position(Family::kMeta)] = take(name_of(Family::kMeta, 1));
  CHECK(families_[position(Family::kMeta)] != nullptr, "{}: RocksDB opened no default family",
        directory_);
  check_format();
  generation_ = stored_generation();
  for (std::size_t i = 1; i < kFamilyCount; ++i) {
    const auto family = static_cast<Family>(i);
    families_[i] = take(name_of(family, generation_));
    if (families_[i]) continue;
    // A creation may have been interrupted; a generation that was loaded is there as a whole.
    if (generation_ != 1) damaged("a family of the loaded snapshot");
    families_[i] = create(family, generation_);
  }
  for (const auto& left : opened) check(database_->DropColumnFamily(left.get()), "cleaned up");
}

void RocksStore::check_format() {
  std::string value;
  if (!get(Family::kMeta, kFormatKey, value)) {
    const auto batch = make_batch();
    batch->put(Family::kMeta, kFormatKey, {view_of(little_endian(kFormat))});
    write(*batch);
    return;
  }
  const auto format = read_little_endian(value);
  if (!format) damaged("the format version");
  if (*format != kFormat) {
    throw DatabaseFault(fmt::format(
        "{}: the database has format {}, this release reads format {}; start the release that "
        "wrote it",
        directory_, *format, kFormat));
  }
}

std::uint64_t RocksStore::stored_generation() const {
  std::string value;
  if (!get(Family::kMeta, kGenerationKey, value)) return 1;
  const auto generation = read_little_endian(value);
  if (!generation) damaged("the generation");
  return *generation;
}

std::shared_ptr<rocksdb::ColumnFamilyHandle> RocksStore::create(Family family,
                                                                std::uint64_t generation) {
  rocksdb::ColumnFamilyHandle* handle = nullptr;
  check(database_->CreateColumnFamily(family_options(family, options_, cache_),
                                      name_of(family, generation), &handle),
        "extended");
  return std::shared_ptr<rocksdb::ColumnFamilyHandle>(handle);
}

std::unique_ptr<Cursor> RocksStore::iterate(Family family) const {
  rocksdb::ReadOptions read;
  read.fill_cache = false;  // a scan must not push out what single reads need
  auto* handle = families_[position(family)].get();
  return std::make_unique<RocksCursor>(
      std::unique_ptr<rocksdb::Iterator>(database_->NewIterator(read, handle)), directory_);
}

std::unique_ptr<Batch> RocksStore::make_batch() const {
  return std::make_unique<RocksBatch>(families_);
}

bool RocksStore::get(Family family, std::string_view key, std::string& value) const {
  const auto status =
      database_->Get(rocksdb::ReadOptions(), families_[position(family)].get(), slice(key), &value);
  if (status.IsNotFound()) return false;
  check(status, "read");
  return true;
}

std::unique_ptr<View> RocksStore::pin() const {
  return std::make_unique<RocksView>(database_, families_, directory_);
}

void RocksStore::write(Batch& batch) {
  if (background_fault_->happened()) check(background_fault_->status(), "flushed or compacted");
  rocksdb::WriteOptions write;
  write.disableWAL = true;
  auto* changes = static_cast<RocksBatch&>(batch).changes();
  auto status = database_->Write(write, changes);
  // Since a flush found no room, RocksDB takes no writes. Perhaps there is some now.
  if (status.IsNoSpace() && resume()) status = database_->Write(write, changes);
  check(status, "written");
}

void RocksStore::begin_write(std::function<void(Batch&)> fill) {
  if (!writers_batch_) writers_batch_ = make_batch();
  writer_.begin([this, fill = std::move(fill)] {
    writers_batch_->clear();
    fill(*writers_batch_);
    write(*writers_batch_);
    writers_batch_->clear();
  });
}

bool RocksStore::resume() {
  const auto status = database_->Resume();
  // Busy: RocksDB tries by itself just now.
  if (!status.ok() && !status.IsNoSpace() && !status.IsBusy()) check(status, "flushed");
  return status.ok();
}

void RocksStore::flush() {
  rocksdb::FlushOptions flush;
  flush.wait = true;
  flush.allow_write_stall = true;  // nobody writes meanwhile
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  for (const auto& handle : families_) handles.push_back(handle.get());
  // Of a replacement, `meta` is among the families already.
  for (std::size_t i = 1; i < kFamilyCount; ++i) {
    if (replacement_[i]) handles.push_back(replacement_[i].get());
  }
  auto status = database_->Flush(flush, handles);
  if (status.IsNoSpace() && resume()) status = database_->Flush(flush, handles);
  check(status, "flushed");
}

bool RocksStore::is_flushing() const {
  std::uint64_t waiting = 0;  // of all families
  const bool told =
      database_->GetAggregatedIntProperty(rocksdb::DB::Properties::kNumImmutableMemTable, &waiting);
  CHECK(told, "{}: RocksDB does not tell whether it flushes", directory_);
  return waiting > 0;
}

void RocksStore::begin_replacement() {
  replacement_[0] = families_[0];
  for (std::size_t i = 1; i < kFamilyCount; ++i) {
    replacement_[i] = create(static_cast<Family>(i), generation_ + 1);
  }
}

std::unique_ptr<Batch> RocksStore::make_replacement_batch() const {
  return std::make_unique<RocksBatch>(replacement_);
}

// The batch knows its families.
void RocksStore::write_replacement(Batch& batch) { write(batch); }

void RocksStore::abandon_replacement() noexcept {
  // The flush that failed may be made up for by RocksDB itself. The next open finds out, and drops
  // the other one.
  if (switching_) return;
  for (std::size_t i = 1; i < kFamilyCount; ++i) {
    if (!replacement_[i]) continue;
    // If this fails, so does the next write, and the next start drops it.
    database_->DropColumnFamily(replacement_[i].get()).PermitUncheckedError();
  }
  replacement_ = {};
}

void RocksStore::install_replacement(Batch& last) {
  switch_to_replacement(last);
  drop_replaced();
}

void RocksStore::switch_to_replacement(Batch& last) {
  last.put(Family::kMeta, kGenerationKey, {view_of(little_endian(generation_ + 1))});
  switching_ = true;
  write(last);
  flush();
  switching_ = false;
  ++generation_;
  std::swap(families_, replacement_);
}

void RocksStore::drop_replaced() {
  for (std::size_t i = 1; i < kFamilyCount; ++i) {
    check(database_->DropColumnFamily(replacement_[i].get()), "cleaned up");
  }
  replacement_ = {};
}

void RocksStore::damaged(std::string_view what) const {
  fail_as_damaged(directory_, fmt::format("{}: {} in the database is damaged", directory_, what));
}

void RocksStore::check(const rocksdb::Status& status, std::string_view doing) const {
  if (!status.ok()) fail(directory_, status, doing);
}

}  // namespace database
