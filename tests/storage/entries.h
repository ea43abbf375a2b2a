// Entries for the tests of the log: payloads that name their index, chained as a leader does.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "raft/entry.h"
#include "storage/log_store.h"

namespace storage {

inline std::string payload_of(raft::Index index, raft::Term term, std::size_t size) {
  std::string payload = fmt::format("entry {} of term {} ", index, term);
  while (payload.size() < size) payload += static_cast<char>('a' + (payload.size() + index) % 26);
  payload.resize(size);
  return payload;
}

inline std::vector<raft::Entry> make_entries(raft::Index first, std::size_t count, raft::Term term,
                                             std::uint64_t previous_checksum,
                                             std::size_t payload_size = 30,
                                             raft::Milliseconds time_ms = 0) {
  raft::EntryBlockBuilder builder(previous_checksum, time_ms);
  for (raft::Index index = first; index < first + count; ++index) {
    builder.add(index, term, raft::EntryKind::kCommand,
                base::SharedBytes::take(payload_of(index, term, payload_size)));
  }
  return builder.finish();
}

// Entries that follow the last one of `log`.
inline std::vector<raft::Entry> next_entries(const LogStore& log, std::size_t count,
                                             raft::Term term, std::size_t payload_size = 30) {
  return make_entries(log.last_index() + 1, count, term, log.last().checksum, payload_size,
                      log.last_time_ms());
}

inline std::vector<raft::Entry> next_entries_at(const LogStore& log, std::size_t count,
                                                raft::Term term, raft::Milliseconds time_ms) {
  return make_entries(log.last_index() + 1, count, term, log.last().checksum, 30, time_ms);
}

inline std::vector<raft::Entry> all_of(const LogStore& log) {
  if (log.last_index() == 0) return {};
  return log.read(1, log.last_index(), SIZE_MAX);
}

inline bool same(const std::vector<raft::Entry>& a, const std::vector<raft::Entry>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(a[i].record == b[i].record) || a[i].index != b[i].index) return false;
  }
  return true;
}

// Whether `log` holds exactly the first of `expected`, as many as it says.
inline bool is_prefix(const LogStore& log, const std::vector<raft::Entry>& expected) {
  if (log.last_index() > expected.size()) return false;
  return same(all_of(log),
              {expected.begin(), expected.begin() + static_cast<std::ptrdiff_t>(log.last_index())});
}

}  // namespace storage
