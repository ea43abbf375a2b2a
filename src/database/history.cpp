#include "database/history.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/check.h"
#include "database/integers.h"

namespace database {
namespace {

constexpr std::size_t kRecordHeaderSize = 8;

// Of a broadcast in a record; topic and payload follow.
constexpr std::size_t kKindOffset = 0;
constexpr std::size_t kIndexOffset = 1;
constexpr std::size_t kTermOffset = 9;
constexpr std::size_t kNumberOffset = 17;
constexpr std::size_t kTopicSizeOffset = 25;
constexpr std::size_t kPayloadSizeOffset = 29;
constexpr std::size_t kBroadcastHeaderSize = 33;

std::size_t encoded_size(const Broadcast& broadcast) {
  return kBroadcastHeaderSize + broadcast.topic.size() + broadcast.payload.size();
}

template <typename Integer>
void store(std::array<std::byte, kBroadcastHeaderSize>& header, std::size_t offset, Integer value) {
  base::store_little_endian(header.data() + offset, value);
}

void append(std::string& record, const Broadcast& broadcast) {
  constexpr std::size_t kMost = std::numeric_limits<std::uint32_t>::max();
  CHECK(broadcast.topic.size() <= kMost && broadcast.payload.size() <= kMost,
        "index {}: a topic of {} and a payload of {} bytes", broadcast.index,
        broadcast.topic.size(), broadcast.payload.size());
  std::array<std::byte, kBroadcastHeaderSize> header;
  store(header, kKindOffset, static_cast<std::uint8_t>(broadcast.kind));
  store(header, kIndexOffset, broadcast.index);
  store(header, kTermOffset, broadcast.term);
  store(header, kNumberOffset, broadcast.number);
  store(header, kTopicSizeOffset, static_cast<std::uint32_t>(broadcast.topic.size()));
  store(header, kPayloadSizeOffset, static_cast<std::uint32_t>(broadcast.payload.size()));
  record.append(reinterpret_cast<const char*>(header.data()), header.size());
  record.append(broadcast.topic);
  record.append(broadcast.payload.view());
}

// So many of the first as make one record: one at least, where there is one.
std::size_t count_of_record(std::span<const Broadcast> broadcasts) {
  std::size_t count = 0;
  std::size_t bytes = kRecordHeaderSize;
  for (; count < broadcasts.size(); ++count) {
    bytes += encoded_size(broadcasts[count]);
    if (count > 0 && bytes > kHistoryRecordBytes) break;
  }
  return count;
}

std::string encode_record(std::uint64_t last, std::span<const Broadcast> broadcasts) {
  std::size_t bytes = kRecordHeaderSize;
  for (const auto& broadcast : broadcasts) bytes += encoded_size(broadcast);
  std::string record;
  record.reserve(bytes);
  record.append(view_of(little_endian(last)));
  for (const auto& broadcast : broadcasts) append(record, broadcast);
  return record;
}

// A broadcast in a record, its topic and payload still inside it.
struct StoredBroadcast {
  BroadcastKind kind;
  std::uint64_t index, term, number;
  std::string_view topic, payload;

  [[nodiscard]] Broadcast copy() const {
    return {kind, index, term, number, std::string(topic), base::SharedBytes::copy_of(payload)};
  }
};

template <typename Integer>
Integer load(std::string_view bytes, std::size_t offset) {
  return base::load_little_endian<Integer>(
      reinterpret_cast<const std::byte*>(bytes.data() + offset));
}

// Takes the first broadcast off `bytes`; nothing where they do not hold one.
std::optional<StoredBroadcast> take_broadcast(std::string_view& bytes) {
  if (bytes.size() < kBroadcastHeaderSize) return std::nullopt;
  const auto kind = load<std::uint8_t>(bytes, kKindOffset);
  if (kind < static_cast<std::uint8_t>(BroadcastKind::kSet) ||
      kind > static_cast<std::uint8_t>(BroadcastKind::kPublish)) {
    return std::nullopt;
  }
  const std::size_t topic_size = load<std::uint32_t>(bytes, kTopicSizeOffset);
  const std::size_t payload_size = load<std::uint32_t>(bytes, kPayloadSizeOffset);
  const std::size_t size = kBroadcastHeaderSize + topic_size + payload_size;
  if (bytes.size() < size) return std::nullopt;
  const StoredBroadcast broadcast = {static_cast<BroadcastKind>(kind),
                                     load<std::uint64_t>(bytes, kIndexOffset),
                                     load<std::uint64_t>(bytes, kTermOffset),
                                     load<std::uint64_t>(bytes, kNumberOffset),
                                     bytes.substr(kBroadcastHeaderSize, topic_size),
                                     bytes.substr(kBroadcastHeaderSize + topic_size, payload_size)};
  bytes.remove_prefix(size);
  return broadcast;
}

struct Record {
  std::uint64_t first, last;
  std::string_view broadcasts;
};

std::optional<Record> read_record(const Cursor& cursor) {
  const auto first = read_big_endian(cursor.key());
  const std::string_view value = cursor.value();
  if (!first || value.size() < kRecordHeaderSize) return std::nullopt;
  const Record record = {*first, load<std::uint64_t>(value, 0), value.substr(kRecordHeaderSize)};
  if (record.last < record.first) return std::nullopt;
  return record;
}

// One replay: collects from the records in order, until one of its limits is reached.
class Collector {
 public:
  Collector(const ReplayQuery& query, Replay& replay) : query_(query), replay_(replay) {}

  enum class Step { kContinue, kFull, kDamaged };

  Step add(const Record& record) {
    std::string_view rest = record.broadcasts;
    while (!rest.empty()) {
      const auto broadcast = take_broadcast(rest);
      if (!broadcast) return Step::kDamaged;
      if (broadcast->index <= query_.after || !wanted(broadcast->topic)) continue;
      replay_.broadcasts.push_back(broadcast->copy());
      bytes_ += broadcast->topic.size() + broadcast->payload.size();
      if (replay_.broadcasts.size() >= query_.limit || bytes_ >= query_.max_bytes) {
        replay_.complete_to = broadcast->index;
        return Step::kFull;
      }
    }
    replay_.complete_to = record.last;
    scanned_bytes_ += record.broadcasts.size();
    return scanned_bytes_ >= query_.max_scan_bytes ? Step::kFull : Step::kContinue;
  }

 private:
  [[nodiscard]] bool wanted(std::string_view topic) const {
    return query_.topics.empty() ||
           std::any_of(query_.topics.begin(), query_.topics.end(),
                       [&](const std::string& prefix) { return topic.starts_with(prefix); });
  }

  const ReplayQuery& query_;
  Replay& replay_;
  std::size_t bytes_ = 0;
  std::size_t scanned_bytes_ = 0;
};

// Where the history begins; just after what was applied, if all of it was dropped.
std::uint64_t first_kept(const BufferedStore& store, Cursor& cursor, std::uint64_t applied_index) {
  cursor.seek({});
  if (!cursor.valid()) return applied_index + 1;
  const auto record = read_record(cursor);
  if (!record) store.damaged("a record of the history");
  return record->first;
}

}  // namespace

void add_history(std::uint64_t first, std::uint64_t last, std::span<const Broadcast> broadcasts,
                 BufferedStore& store) {
  do {
    const std::size_t count = count_of_record(broadcasts);
    const auto rest = broadcasts.subspan(count);
    const std::uint64_t record_last = rest.empty() ? last : rest.front().index - 1;
    store.put(Family::kHistory, view_of(big_endian(first)),
              encode_record(record_last, broadcasts.first(count)));
    first = record_last + 1;
    broadcasts = rest;
  } while (!broadcasts.empty());
}

void cut_history(BufferedStore& store, std::uint64_t applied_index) {
  std::vector<std::string> behind;
  const auto cursor = store.iterate(Family::kHistory);
  for (cursor->seek(view_of(big_endian(applied_index + 1))); cursor->valid(); cursor->next()) {
    behind.emplace_back(cursor->key());
  }
  if (behind.empty()) return;
  for (const std::string& key : behind) store.erase(Family::kHistory, key);
  store.hand_down();
}

std::variant<Replay, Compacted> read_history(const BufferedStore& store,
                                             std::uint64_t applied_index,
                                             const ReplayQuery& query) {
  if (query.after >= applied_index) return Replay{{}, applied_index};
  const auto cursor = store.iterate(Family::kHistory);
  cursor->seek_back(view_of(big_endian(query.after + 1)));
  if (!cursor->valid()) return Compacted{first_kept(store, *cursor, applied_index)};
  Replay replay{{}, query.after};
  if (query.limit == 0) return replay;
  Collector collector(query, replay);
  std::optional<std::uint64_t> expected;
  for (; cursor->valid(); cursor->next()) {
    const auto record = read_record(*cursor);
    const bool in_place =
        record && (expected ? record->first == *expected : record->last > query.after);
    if (!in_place) store.damaged("a record of the history");
    const auto step = collector.add(*record);
    if (step == Collector::Step::kDamaged) store.damaged("a record of the history");
    if (step == Collector::Step::kFull) return replay;
    expected = record->last + 1;
  }
  if (replay.complete_to != applied_index) store.damaged("the end of the history");
  return replay;
}

}  // namespace database
