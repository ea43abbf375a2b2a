// The history: the recent broadcasts, for `replay`. Private to src/database.
//
// Its records tile the log: one covers the indices from its key to its `last`, the next begins at
// last + 1, and a batch without any broadcast leaves a record too. So what lies before the first
// record was dropped, and after it nothing is missing. Records are only ever added at the end and
// dropped at the beginning, but for those that a crash left ahead of the state.
//
//   offset  size  field        of a record (integers little-endian)
//        0     8  last         the last index it covers
//        8     …  broadcasts, in order, each:
//        0     1  kind
//        1     8  index
//        9     8  term
//       17     8  number
//       25     4  topic_size
//       29     4  payload_size
//       33     …  topic, payload
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>

#include "database/buffered_store.h"
#include "database/database.h"

namespace database {

// A batch is split where a record would grow over this; one broadcast may be larger by itself.
inline constexpr std::size_t kHistoryRecordBytes = 1 << 20;
// Of history that one replay looks through, which takes some milliseconds: others wait for it.
inline constexpr std::size_t kReplayScanBytes = 4 << 20;

// `broadcasts`: all those of the entries `first` to `last`, in order.
void add_history(std::uint64_t first, std::uint64_t last, std::span<const Broadcast> broadcasts,
                 BufferedStore& store);

// After a crash: removes what is behind `applied_index`. The log adds it again.
void cut_history(BufferedStore& store, std::uint64_t applied_index);

struct ReplayQuery {
  std::uint64_t after;
  std::span<const std::string> topics;
  std::size_t limit;
  std::size_t max_bytes;
  std::size_t max_scan_bytes = kReplayScanBytes;
};

// As Database::replay(); `applied_index` is the last index that the history covers.
[[nodiscard]] std::variant<Replay, Compacted> read_history(const BufferedStore& store,
                                                           std::uint64_t applied_index,
                                                           const ReplayQuery& query);

}  // namespace database
