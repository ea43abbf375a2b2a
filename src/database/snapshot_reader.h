// Reading the state: record by record, and as the bytes of a snapshot. Private to src/database.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "database/buffered_store.h"
#include "database/snapshot.h"
#include "database/snapshot_format.h"

namespace database {

// The records of keys, channels and sessions as a snapshot has them, in its order.
class StateWalk {
 public:
  // Both outlive the walk.
  StateWalk(const View& view, const BufferedStore& store);

  // To the next one, the first at first; false: there is no more.
  [[nodiscard]] bool next();
  // Until the next next().
  [[nodiscard]] RecordKind kind() const { return kind_; }
  [[nodiscard]] std::string_view name() const { return cursor_->key(); }
  [[nodiscard]] std::string_view value() const { return cursor_->value(); }

 private:
  // Of the present record: an outcome that counts as none (sessions.h).
  [[nodiscard]] bool left_out();

  const View& view_;
  const BufferedStore& store_;
  RecordKind kind_ = RecordKind::kKey;
  std::unique_ptr<Cursor> cursor_;  // null until the first next()
  std::uint64_t session_ = 0;       // that the outcomes here belong to
  std::uint64_t newest_seq_ = 0;    // of it
};

[[nodiscard]] std::uint64_t hash_state(const BufferedStore& store);

// `store` outlives the reader.
[[nodiscard]] std::unique_ptr<SnapshotReader> make_snapshot_reader(const BufferedStore& store,
                                                                   std::uint64_t applied_index,
                                                                   std::uint64_t log_time_ms);

}  // namespace database
