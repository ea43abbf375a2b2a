#include "database/memory_store.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/check.h"

namespace database {
namespace {

// Copies the map first where a cursor, a view or an image holds it too.
MemoryTable& writable(std::shared_ptr<MemoryTable>& table) {
  if (table.use_count() > 1) table = std::make_shared<MemoryTable>(*table);
  return *table;
}

std::uint64_t size_of(const MemoryTable::value_type& record) {
  return record.first.size() + record.second.size();
}

class MemoryCursor final : public Cursor {
 public:
  explicit MemoryCursor(std::shared_ptr<const MemoryTable> table)
      : table_(std::move(table)), at_(table_->end()) {}

  void seek(std::string_view key) override { at_ = table_->lower_bound(key); }
  void seek_back(std::string_view key) override {
    at_ = table_->upper_bound(key);
    at_ = at_ == table_->begin() ? table_->end() : std::prev(at_);
  }
  void next() override { ++at_; }
  [[nodiscard]] bool valid() const override { return at_ != table_->end(); }
  [[nodiscard]] std::string_view key() const override { return at_->first; }
  [[nodiscard]] std::string_view value() const override { return at_->second; }

 private:
  std::shared_ptr<const MemoryTable> table_;
  MemoryTable::const_iterator at_;
};

class MemoryView final : public View {
 public:
  explicit MemoryView(MemoryContent content) : content_(std::move(content)) {}

  [[nodiscard]] std::unique_ptr<Cursor> iterate(Family family) const override {
    return std::make_unique<MemoryCursor>(content_.tables[position(family)]);
  }

 private:
  MemoryContent content_;
};

class MemoryBatch final : public Batch {
 public:
  void put(Family family, std::string_view key,
           std::initializer_list<std::string_view> parts) override {
    std::size_t size = 0;
    for (const auto part : parts) size += part.size();
    std::string value;
    value.reserve(size);
    for (const auto part : parts) value.append(part);
    add({family, std::string(key), std::move(value)});
  }
  void erase(Family family, std::string_view key) override {
    add({family, std::string(key), std::nullopt});
  }
  void clear() override {
    steps_.clear();
    size_bytes_ = 0;
  }
  [[nodiscard]] std::size_t size_bytes() const override { return size_bytes_; }

  // Leaves the batch without its bytes.
  void apply(MemoryContent& content) {
    for (auto& step : steps_) {
      auto& table = writable(content.tables[position(step.family)]);
      if (!step.value) {
        erase(table, step, content);
        continue;
      }
      if (step.family == Family::kHistory) {
        content.history_bytes += step.key.size() + step.value->size();
      }
      table.insert_or_assign(std::move(step.key), std::move(*step.value));
    }
    clear();
  }

 private:
  struct Step {
    Family family;
    std::string key;
    std::optional<std::string> value;  // none: erase
  };

  static void erase(MemoryTable& table, const Step& step, MemoryContent& content) {
    const auto found = table.find(step.key);
    if (found == table.end()) return;
    if (step.family == Family::kHistory) content.history_bytes -= size_of(*found);
    table.erase(found);
  }

  void add(Step step) {
    size_bytes_ += step.key.size() + (step.value ? step.value->size() : 0);
    steps_.push_back(std::move(step));
  }

  std::size_t size_bytes_ = 0;
  std::vector<Step> steps_;
};

}  // namespace

MemoryContent empty_memory_content() {
  MemoryContent content;
  for (auto& table : content.tables) table = std::make_shared<MemoryTable>();
  return content;
}

std::shared_ptr<MemoryImage> make_memory_image() { return std::make_shared<MemoryImage>(); }

void set_full(MemoryImage& image, bool full) { image.full = full; }

void set_flushing(MemoryImage& image, bool flushing) { image.flushing = flushing; }

MemoryStore::MemoryStore(const Options& options)
    : retention_bytes_(options.replay_retention_bytes),
      image_(options.memory_image ? options.memory_image : make_memory_image()),
      content_(image_->content) {}

std::unique_ptr<Cursor> MemoryStore::iterate(Family family) const {
  return std::make_unique<MemoryCursor>(content_.tables[position(family)]);
}

std::unique_ptr<Batch> MemoryStore::make_batch() const { return std::make_unique<MemoryBatch>(); }

bool MemoryStore::get(Family family, std::string_view key, std::string& value) const {
  const auto& table = *content_.tables[position(family)];
  const auto found = table.find(key);
  if (found == table.end()) return false;
  value = found->second;
  return true;
}

std::unique_ptr<View> MemoryStore::pin() const { return std::make_unique<MemoryView>(content_); }

void MemoryStore::write(Batch& batch) {
  check_room();
  static_cast<MemoryBatch&>(batch).apply(content_);
  drop_old_history();
}

void MemoryStore::begin_write(std::function<void(Batch&)> fill) {
  check_room();
  fill_ = std::move(fill);
}

void MemoryStore::finish_write() {
  MemoryBatch batch;
  std::exchange(fill_, nullptr)(batch);
  write(batch);
}

void MemoryStore::check_room() const {
  if (image_->full) throw NoRoom("the database cannot be written: its memory is said to be full");
}

void MemoryStore::drop_old_history() {
  if (content_.history_bytes <= retention_bytes_) return;
  auto& history = writable(content_.tables[position(Family::kHistory)]);
  while (content_.history_bytes > retention_bytes_ && history.size() > 1) {
    content_.history_bytes -= size_of(*history.begin());
    history.erase(history.begin());
  }
}

void MemoryStore::flush() { image_->content = content_; }

void MemoryStore::begin_replacement() { replacement_ = empty_memory_content(); }

std::unique_ptr<Batch> MemoryStore::make_replacement_batch() const {
  return std::make_unique<MemoryBatch>();
}

void MemoryStore::write_replacement(Batch& batch) {
  check_room();
  static_cast<MemoryBatch&>(batch).apply(replacement_);
}

void MemoryStore::abandon_replacement() noexcept { replacement_ = MemoryContent{}; }

void MemoryStore::install_replacement(Batch& last) {
  write_replacement(last);
  content_ = std::exchange(replacement_, MemoryContent{});
  flush();
}

void MemoryStore::damaged(std::string_view what) const {
  throw DatabaseFault(fmt::format("{} in the database in memory is damaged", what));
}

}  // namespace database
