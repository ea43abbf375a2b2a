// LogStore: the replicated log of one node on disk, in segments. docs/log-format.md is its
// specification. One owner, one thread. Nothing is promised before sync() returned. After a
// DiskFault of a change, every further change throws DiskFault without touching the disk: a
// failed sync is final.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "raft/entry.h"
#include "raft/server.h"
#include "raft/types.h"
#include "storage/damage.h"
#include "storage/file_system.h"

namespace storage {

struct LogOptions {
  std::uint64_t segment_bytes = 64 << 20;  // at most; a larger write gets a segment to itself
};

class LogStore {
 public:
  // Opens or creates the log in `directory`, cuts a torn tail, throws Damage for anything else.
  // `owner` is written into new segments and compared with those found.
  LogStore(FileSystem& file_system, std::filesystem::path directory, std::uint64_t owner,
           LogOptions options);
  ~LogStore();

  [[nodiscard]] raft::Index first_index() const;  // 1 in an empty log
  [[nodiscard]] raft::Index last_index() const;   // 0 in an empty log
  [[nodiscard]] const std::vector<raft::TermRun>& term_runs() const;
  // Bytes of a torn tail cut at open; 0 where there was none.
  [[nodiscard]] std::uint64_t torn_bytes() const;

  // The last entries, as many as max_bytes allow, at least one where the log is not empty.
  [[nodiscard]] std::vector<raft::Entry> tail(std::size_t max_bytes) const;
  // From `first` up to `last`, as many as max_bytes allow, at least one. Every checksum is
  // verified; throws Damage. first_index() <= first <= last <= last_index().
  [[nodiscard]] std::vector<raft::Entry> read(raft::Index first, raft::Index last,
                                              std::size_t max_bytes) const;

  // Consecutive entries from last_index() + 1, at least one. One write; not durable before sync().
  void append(std::span<const raft::Entry> entries);
  // Removes `index` and all after it, first_index() <= index <= last_index(); durable on return.
  // A crash in the middle leaves the log up to `index` - 1 and a part of what follows.
  void truncate_from(raft::Index index);
  void sync();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace storage
