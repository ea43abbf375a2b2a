// Entry: one record of the replicated log, and its only encoding.
//
// The leader encodes an entry once; the same bytes go to its disk, over the wire, to the disks of
// the followers and to the database. docs/log-format.md specifies the record to the byte:
//
//   offset  size  field
//        0     8  checksum   XXH3-64 over all that follows, header and payload
//        8     8  previous   the checksum of the record at index - 1; 0 for index 1
//       16     8  index
//       24     8  term
//       32     8  time       the log's own, in milliseconds (log.h); it does not fall
//       40     4  length     of the payload, in bytes
//       44     1  kind
//       45     3  zero
//       48     …  payload
//
// `previous` chains the records: equal checksums at an index mean equal logs up to there, so a
// lost, repeated or misplaced write shows, and so does a break of Log Matching.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "raft/types.h"

namespace raft {

enum class EntryKind : std::uint8_t {
  kNoOperation = 1,    // a new leader's first entry (§8)
  kCommand = 2,        // for the state machine; opaque to Raft
  kConfiguration = 3,  // of the cluster, in force as soon as it is in the log (§4.1)
};

inline constexpr std::size_t kRecordHeaderSize = 48;
inline constexpr std::size_t kRecordLengthOffset = 40;

struct Entry {
  Index index = 0;
  Term term = 0;
  EntryKind kind = EntryKind::kNoOperation;
  base::SharedBytes record;  // header and payload

  [[nodiscard]] std::uint64_t checksum() const;
  [[nodiscard]] std::uint64_t previous_checksum() const;
  [[nodiscard]] Milliseconds time_ms() const;
  [[nodiscard]] base::SharedBytes payload() const {
    return record.part(kRecordHeaderSize, record.size() - kRecordHeaderSize);
  }
};

// The place of this entry in the log.
[[nodiscard]] LogPosition position_of(const Entry& entry);

// Encodes the entries of one turn into one contiguous block, so that they travel and are written
// as one run. Used once: add, then finish.
class EntryBlockBuilder {
 public:
  // `previous_checksum`: of the entry just before the first that is added. `time_ms`: of all.
  explicit EntryBlockBuilder(std::uint64_t previous_checksum, Milliseconds time_ms = 0)
      : previous_(previous_checksum), time_ms_(time_ms) {}

  void reserve(std::size_t count) { pending_.reserve(count); }
  void add(Index index, Term term, EntryKind kind, base::SharedBytes payload);
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  [[nodiscard]] std::vector<Entry> finish();

 private:
  struct Pending {
    Index index;
    Term term;
    EntryKind kind;
    base::SharedBytes payload;
  };
  std::uint64_t previous_;
  Milliseconds time_ms_;
  std::vector<Pending> pending_;
};

// One entry at the start of `bytes`, its checksum verified; longer input is allowed. The entry
// shares the owner of `bytes`. An error says what is wrong: too short, checksum, kind, or a
// configuration that is none.
[[nodiscard]] base::Result<Entry> decode_entry(const base::SharedBytes& bytes);

// A run of whole records without gaps: indices rise by one, terms and times do not fall, each
// `previous` is the checksum before it.
[[nodiscard]] base::Result<std::vector<Entry>> decode_entries(const base::SharedBytes& bytes);

}  // namespace raft
