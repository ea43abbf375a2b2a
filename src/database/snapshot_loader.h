// Loading a snapshot into the replacement of a store. Each record is held against the rules before
// it is written; whether all are the ones that were meant shows at the end, before the replacement
// takes the place of what was there. Private to src/database.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "database/buffered_store.h"
#include "database/sessions.h"
#include "database/snapshot.h"
#include "database/snapshot_format.h"

namespace database {

struct SnapshotHeader {
  std::uint64_t applied_index;
  std::uint64_t log_time_ms;
};

// The rules of the records one after the other: their order, sizes and numbers.
class SnapshotRecords {
 public:
  explicit SnapshotRecords(const SnapshotHeader& header) : header_(header) {}

  // What is wrong with the next record, or null. Of an end the checksum is not looked at.
  [[nodiscard]] const char* problem_of(RecordKind kind, std::string_view name,
                                       std::string_view value);
  [[nodiscard]] bool ended() const { return ended_; }

 private:
  [[nodiscard]] const char* problem_of_key(std::string_view value) const;
  [[nodiscard]] const char* problem_of_session(std::string_view name, std::string_view value);
  [[nodiscard]] const char* problem_of_outcome(const SessionKey& key, std::string_view value) const;

  SnapshotHeader header_;
  std::uint64_t records_ = 0;
  RecordKind last_kind_ = RecordKind::kKey;
  std::string last_name_;
  std::uint64_t sessions_ = 0;
  std::uint64_t session_ = 0;  // the last one
  SessionRecord session_record_ = {};
  bool ended_ = false;
};

class StoreSnapshotLoader final : public SnapshotLoader {
 public:
  // What the loader knows of the database, and what it tells it.
  struct Owner {
    std::function<std::uint64_t()> applied_index;
    std::function<void(const SnapshotHeader&)> installed;
    std::function<void()> gone;  // the loader is destroyed
  };

  StoreSnapshotLoader(BufferedStore& store, Owner owner);
  ~StoreSnapshotLoader() override;
  StoreSnapshotLoader(const StoreSnapshotLoader&) = delete;
  StoreSnapshotLoader& operator=(const StoreSnapshotLoader&) = delete;

  [[nodiscard]] std::optional<base::Error> add(std::string_view bytes) override;
  [[nodiscard]] base::Result<std::uint64_t> finish() override;

 private:
  // Takes what stands at the front of `bytes`, and says how much that was; 0: not whole yet, or
  // refused.
  [[nodiscard]] std::size_t take(std::string_view bytes);
  [[nodiscard]] std::size_t take_header(std::string_view bytes);
  [[nodiscard]] std::size_t take_record(std::string_view bytes);
  void put(RecordKind kind, std::string_view name, std::string_view value);
  std::size_t refuse(std::string_view what);

  BufferedStore& store_;
  Owner owner_;
  std::optional<base::Error> error_;
  std::optional<SnapshotHeader> header_;
  std::optional<SnapshotRecords> records_;  // from the header on
  std::unique_ptr<Batch> batch_;            // the same
  base::RunningChecksum checksum_;          // of all before what stands at the front
  std::uint64_t offset_ = 0;                // of that in the snapshot
  bool installed_ = false;
  std::string pending_;  // of a record that is not whole yet
};

}  // namespace database
