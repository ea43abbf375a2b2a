// LogPoint: an entry of the log by what must be known of it where it is gone: enough for the next
// one to follow it. All 0: before the first entry.
#pragma once

#include <cstdint>

#include "raft/entry.h"
#include "raft/types.h"

namespace storage {

struct LogPoint {
  raft::Index index = 0;
  raft::Term term = 0;
  std::uint64_t checksum = 0;  // of its record
  raft::Milliseconds time_ms = 0;

  friend bool operator==(const LogPoint&, const LogPoint&) = default;
};

[[nodiscard]] inline LogPoint point_of(const raft::Entry& entry) {
  return {entry.index, entry.term, entry.checksum(), entry.time_ms()};
}

}  // namespace storage
