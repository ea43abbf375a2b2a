#include "database/snapshot_loader.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "base/check.h"
#include "database/integers.h"
#include "database/transition.h"

namespace database {
namespace {

// So much is written to the store at a time.
constexpr std::size_t kBatchBytes = 1 << 20;

std::string_view part_after_checksum(std::string_view bytes) {
  return bytes.substr(sizeof(std::uint64_t));
}

}  // namespace

const char* SnapshotRecords::problem_of(RecordKind kind, std::string_view name,
                                        std::string_view value) {
  if (ended_) return "there are records after the end";
  if (kind == RecordKind::kEnd) {
    ended_ = true;
    const bool fits =
        value.size() == limits_of(kind).value && load_integer<std::uint64_t>(value, 0) == records_;
    return fits ? nullptr : "its end does not fit";
  }
  if (kind < RecordKind::kKey || kind > RecordKind::kEnd) return "a record is of no known kind";
  if (records_ > 0 && (kind < last_kind_ || (kind == last_kind_ && name <= last_name_))) {
    return "its records are out of order";
  }
  ++records_;
  last_kind_ = kind;
  last_name_.assign(name);
  if (kind == RecordKind::kKey) return problem_of_key(value);
  if (kind == RecordKind::kSession) return problem_of_session(name, value);
  return read_little_endian(value).value_or(0) == 0 ? "a channel is malformed" : nullptr;
}

const char* SnapshotRecords::problem_of_key(std::string_view value) const {
  const auto record = read_key_record(value);
  const bool good =
      record && record->version > 0 && record->index > 0 && record->index <= header_.applied_index;
  return good ? nullptr : "a key is malformed";
}

const char* SnapshotRecords::problem_of_session(std::string_view name, std::string_view value) {
  const auto key = read_session_key(name);
  if (!key) return "a session is malformed";
  if (key->slot) return problem_of_outcome(*key, value);
  const auto record = read_session_record(value);
  const bool good = record && key->session > 0 && key->session <= header_.applied_index &&
                    record->used_ms <= header_.log_time_ms &&
                    record->expiry_ms() >= header_.log_time_ms && ++sessions_ <= kMaxSessions;
  if (!good) return "a session is malformed";
  session_ = key->session;
  session_record_ = *record;
  return nullptr;
}

const char* SnapshotRecords::problem_of_outcome(const SessionKey& key,
                                                std::string_view value) const {
  const auto record = read_outcome_record(value);
  const bool good = record && sessions_ > 0 && key.session == session_ && record->seq > 0 &&
                    record->seq <= session_record_.newest_seq &&
                    session_record_.in_window(record->seq) &&
                    record->seq % kSessionWindow == key.slot && record->effect.index > session_ &&
                    record->effect.index <= header_.applied_index;
  return good ? nullptr : "the outcome of a request is malformed";
}

StoreSnapshotLoader::StoreSnapshotLoader(BufferedStore& store, Owner owner)
    : store_(store), owner_(std::move(owner)) {}

StoreSnapshotLoader::~StoreSnapshotLoader() {
  if (header_ && !installed_) store_.abandon_replacement();
  owner_.gone();
}

std::optional<base::Error> StoreSnapshotLoader::add(std::string_view bytes) {
  if (error_) return error_;
  CHECK(!installed_, "{} bytes more after a snapshot was loaded", bytes.size());
  pending_.append(bytes);
  std::size_t taken = 0;
  while (const std::size_t size = take(std::string_view(pending_).substr(taken))) {
    checksum_.add(bytes_of(std::string_view(pending_).substr(taken, size)));
    taken += size;
    offset_ += size;
  }
  pending_.erase(0, taken);
  return error_;
}

std::size_t StoreSnapshotLoader::take(std::string_view bytes) {
  if (error_ || bytes.empty()) return 0;
  if (!header_) return take_header(bytes);
  if (records_->ended()) return refuse("there are bytes after its end");
  return take_record(bytes);
}

std::size_t StoreSnapshotLoader::take_header(std::string_view bytes) {
  if (bytes.size() < kSnapshotHeaderSize) return 0;
  bytes = bytes.substr(0, kSnapshotHeaderSize);
  const auto sum = load_integer<std::uint64_t>(bytes, 0);
  if (bytes.substr(8, kSnapshotMagic.size()) != kSnapshotMagic) return refuse("it is none");
  if (sum != checksum_of(part_after_checksum(bytes))) return refuse("its header is damaged");
  const auto version = load_integer<std::uint32_t>(bytes, 16);
  if (version != kSnapshotVersion) {
    return refuse(
        fmt::format("it has format {}, this release reads format {}", version, kSnapshotVersion));
  }
  const SnapshotHeader header = {load_integer<std::uint64_t>(bytes, 24),
                                 load_integer<std::uint64_t>(bytes, 32)};
  if (load_integer<std::uint32_t>(bytes, 20) != 0 ||
      header.applied_index == std::numeric_limits<std::uint64_t>::max()) {
    return refuse("its header is malformed");
  }
  store_.begin_replacement();
  header_ = header;
  records_.emplace(header);
  batch_ = store_.make_replacement_batch();
  return kSnapshotHeaderSize;
}

std::size_t StoreSnapshotLoader::take_record(std::string_view bytes) {
  if (bytes.size() < kSnapshotRecordHeaderSize) return 0;
  const auto kind = static_cast<RecordKind>(load_integer<std::uint8_t>(bytes, 0));
  const std::size_t name_size = load_integer<std::uint32_t>(bytes, 1);
  const std::size_t value_size = load_integer<std::uint32_t>(bytes, 5);
  const RecordLimits limits = limits_of(kind);
  if (name_size > limits.name || value_size > limits.value) {
    return refuse("a record is of no known kind, or too large");
  }
  const std::size_t size = kSnapshotRecordHeaderSize + name_size + value_size;
  if (bytes.size() < size) return 0;
  const auto name = bytes.substr(kSnapshotRecordHeaderSize, name_size);
  const auto value = bytes.substr(kSnapshotRecordHeaderSize + name_size, value_size);
  if (const char* problem = records_->problem_of(kind, name, value)) return refuse(problem);
  if (kind != RecordKind::kEnd) {
    put(kind, name, value);
  } else if (load_integer<std::uint64_t>(value, sizeof(std::uint64_t)) != checksum_.value()) {
    return refuse("what it says does not check");
  }
  return size;
}

void StoreSnapshotLoader::put(RecordKind kind, std::string_view name, std::string_view value) {
  batch_->put(family_of(kind), name, {value});
  if (batch_->size_bytes() < kBatchBytes) return;
  store_.write_replacement(*batch_);
  batch_->clear();
}

base::Result<std::uint64_t> StoreSnapshotLoader::finish() {
  if (!error_ && (!records_ || !records_->ended())) refuse("it ends too early");
  if (!error_ && header_->applied_index < owner_.applied_index()) {
    refuse(fmt::format("its index {} is behind index {}, which is applied", header_->applied_index,
                       owner_.applied_index()));
  }
  if (error_) return *error_;
  CHECK(!installed_, "the snapshot of index {} is loaded already", header_->applied_index);
  batch_->put(Family::kMeta, kAppliedIndexKey, {view_of(little_endian(header_->applied_index))});
  batch_->put(Family::kMeta, kLogTimeKey, {view_of(little_endian(header_->log_time_ms))});
  store_.install_replacement(*batch_);
  installed_ = true;
  owner_.installed(*header_);
  return header_->applied_index;
}

std::size_t StoreSnapshotLoader::refuse(std::string_view what) {
  error_ = base::Error{fmt::format("the snapshot cannot be loaded, offset {}: {}", offset_, what)};
  pending_.clear();
  return 0;
}

}  // namespace database
