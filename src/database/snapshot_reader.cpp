#include "database/snapshot_reader.h"

#include <algorithm>

#include "base/check.h"
#include "database/integers.h"
#include "database/sessions.h"

namespace database {
namespace {

void append_record(std::string& bytes, RecordKind kind, std::string_view name,
                   std::string_view value) {
  const RecordLimits limits = limits_of(kind);
  CHECK(name.size() <= limits.name && value.size() <= limits.value,
        "a name of {} and a value of {} bytes", name.size(), value.size());
  append_integer(bytes, static_cast<std::uint8_t>(kind));
  append_integer(bytes, static_cast<std::uint32_t>(name.size()));
  append_integer(bytes, static_cast<std::uint32_t>(value.size()));
  bytes.append(name);
  bytes.append(value);
}

class StoreSnapshotReader final : public SnapshotReader {
 public:
  StoreSnapshotReader(const BufferedStore& store, std::uint64_t applied_index,
                      std::uint64_t log_time_ms)
      : applied_index_(applied_index), view_(store.pin()), walk_(*view_, store) {
    std::string header(kSnapshotMagic);
    append_integer(header, kSnapshotVersion);
    append_integer(header, std::uint32_t{0});
    append_integer(header, applied_index);
    append_integer(header, log_time_ms);
    append_integer(ready_, checksum_of(header));
    ready_.append(header);
  }

  [[nodiscard]] std::uint64_t applied_index() const override { return applied_index_; }

  [[nodiscard]] base::SharedBytes next(std::size_t max_bytes) override {
    CHECK(max_bytes > 0, "a slice of a snapshot of no bytes");
    while (!ended_ && ready_.size() - taken_ < max_bytes) add_record();
    const std::size_t size = std::min(max_bytes, ready_.size() - taken_);
    const std::string_view slice = std::string_view(ready_).substr(taken_, size);
    if (!ended_) checksum_.add(bytes_of(slice));
    auto shared = base::SharedBytes::copy_of(slice);
    taken_ += size;
    // Not more often: each removal moves what is behind.
    if (taken_ >= ready_.size() / 2) {
      ready_.erase(0, taken_);
      taken_ = 0;
    }
    return shared;
  }

 private:
  void add_record() {
    if (walk_.next()) {
      append_record(ready_, walk_.kind(), walk_.name(), walk_.value());
      ++records_;
      return;
    }
    checksum_.add(bytes_of(std::string_view(ready_).substr(taken_)));
    append_record(ready_, RecordKind::kEnd, {},
                  std::string(view_of(little_endian(records_)))
                      .append(view_of(little_endian(checksum_.value()))));
    ended_ = true;
  }

  std::uint64_t applied_index_;
  std::unique_ptr<View> view_;  // outlives the walk
  StateWalk walk_;
  std::uint64_t records_ = 0;
  base::RunningChecksum checksum_;  // of what was taken; once ended_, of all before the end
  bool ended_ = false;              // the end is in ready_
  std::string ready_;               // from taken_ on, not yet taken
  std::size_t taken_ = 0;
};

}  // namespace

StateWalk::StateWalk(const View& view, const BufferedStore& store) : view_(view), store_(store) {}

bool StateWalk::next() {
  if (cursor_) {
    cursor_->next();
  } else {
    cursor_ = view_.iterate(family_of(kind_));
    cursor_->seek({});
  }
  while (true) {
    if (cursor_->valid()) {
      if (kind_ != RecordKind::kSession || !left_out()) return true;
      cursor_->next();
      continue;
    }
    if (kind_ == RecordKind::kSession) return false;
    kind_ = kind_ == RecordKind::kKey ? RecordKind::kChannel : RecordKind::kSession;
    cursor_ = view_.iterate(family_of(kind_));
    cursor_->seek({});
  }
}

bool StateWalk::left_out() {
  const auto key = read_session_key(cursor_->key());
  if (!key) store_.damaged("the record of a session");
  if (!key->slot) {
    const auto record = read_session_record(cursor_->value());
    if (!record) store_.damaged("the record of a session");
    session_ = key->session;
    newest_seq_ = record->newest_seq;
    return false;
  }
  const auto record = read_outcome_record(cursor_->value());
  if (!record) store_.damaged("the outcome of a request");
  return key->session != session_ || !SessionRecord{0, 0, newest_seq_}.in_window(record->seq);
}

// The hash of all before it, the kind and both sizes go into each step, so that no two states are
// the same run of bytes.
std::uint64_t hash_state(const BufferedStore& store) {
  std::uint64_t hash = 0;
  std::string step;
  for (StateWalk walk(store, store); walk.next();) {
    step.assign(view_of(little_endian(hash)));
    append_record(step, walk.kind(), walk.name(), walk.value());
    hash = checksum_of(step);
  }
  return hash;
}

std::unique_ptr<SnapshotReader> make_snapshot_reader(const BufferedStore& store,
                                                     std::uint64_t applied_index,
                                                     std::uint64_t log_time_ms) {
  return std::make_unique<StoreSnapshotReader>(store, applied_index, log_time_ms);
}

}  // namespace database
