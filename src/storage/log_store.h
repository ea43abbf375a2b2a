// LogStore: the replicated log of one node on disk, in segments. docs/log-format.md is its
// specification. One owner, one thread. Nothing is promised before sync() returned. After a
// DiskFault of a change, every further change throws DiskFault without touching the disk: a
// failed sync is final. A full disk is none as long as room is being made.
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
#include "storage/opening_progress.h"
#include "storage/segment.h"
#include "storage/segment_format.h"

namespace storage {

struct LogOptions {
  std::uint64_t segment_bytes = 64 << 20;  // at most; a larger write gets a segment to itself
  raft::Index covered = 0;  // by a snapshot that is whole: damage in segments up to here is dropped
};

class LogStore {
 public:
  // Opens or creates the log in `directory`, cuts a torn tail, throws LogDamage for anything else.
  // `owner` is written into new segments and compared with those found.
  LogStore(FileSystem& file_system, std::filesystem::path directory, const LogOwner& owner,
           LogOptions options, const OpeningObserver& observer = {});
  ~LogStore();

  // The entry before the first; index 0 where the log holds all from the first on.
  [[nodiscard]] const raft::LogPosition& base() const;
  // The last entry, or the base where there is none.
  [[nodiscard]] const raft::LogPosition& last() const;
  [[nodiscard]] raft::Index first_index() const;  // base().index + 1, also in an empty log
  [[nodiscard]] raft::Index last_index() const;   // base().index in an empty log
  [[nodiscard]] raft::Milliseconds last_time_ms() const { return last().time_ms; }
  [[nodiscard]] const std::vector<raft::TermRun>& term_runs() const;  // of the entries it holds
  // All that the log holds, by rising index.
  [[nodiscard]] const std::vector<raft::ConfigurationEntry>& configurations() const;
  [[nodiscard]] const std::filesystem::path& directory() const;
  // Of all entries, with what frames them.
  [[nodiscard]] std::uint64_t bytes() const;
  // Bytes of a torn tail cut at open; 0 where there was none.
  [[nodiscard]] std::uint64_t torn_bytes() const;
  // What was damaged at open in segments that a snapshot stands for; empty where nothing was.
  [[nodiscard]] const std::string& dropped() const;

  // The last entries, as many as max_bytes allow, at least one where the log is not empty.
  [[nodiscard]] std::vector<raft::Entry> tail(std::size_t max_bytes) const;
  // From `first` up to `last`, as many as max_bytes allow, at least one. Every checksum is
  // verified; throws Damage. first_index() <= first <= last <= last_index().
  [[nodiscard]] std::vector<raft::Entry> read(raft::Index first, raft::Index last,
                                              std::size_t max_bytes) const;

  // Makes room for an append of `entries`, where there is none yet. False: the disk is full, and
  // nothing has changed; it may be tried again, also in another life.
  [[nodiscard]] bool make_room(std::span<const raft::Entry> entries);
  // Consecutive entries from last_index() + 1, at least one. One write, into the room that is made
  // before; not durable before sync(). Throws DiskFull where there is none.
  void append(std::span<const raft::Entry> entries);
  // Removes `index` and all after it, first_index() <= index <= last_index(); durable on return.
  // A crash in the middle leaves the log up to `index` - 1 and a part of what follows.
  void truncate_from(raft::Index index);
  // Forgets entries up to `index`, whole segments of them, never the last one: first_index() says
  // what is left. A crash in the middle leaves a later part of the log, without hole. Each segment
  // takes a sync; false: not all of them went.
  bool trim_to(raft::Index index, std::size_t max_segments = SIZE_MAX);
  // Replaces the log by an empty one behind `base`, durable on return. A crash in the middle
  // leaves the log as it was or the empty one. Throws DiskFull where there is no room for it: then
  // nothing has changed, and it may be tried again.
  void reset(const raft::LogPosition& base);
  void sync();
  // Where nothing waits for the disk, everything appended being synced: says behind the last
  // record that it is, so that damage to it is told from a write that was interrupted. One small
  // write, and no sync: it is worth having, and nothing relies on it.
  void seal();
  // The next segment may be prepared ahead of its use: a file of zeros, which takes a segment's
  // room on the disk, made of a segment that the log lets go of where it can. Not allowed at first.
  // Where it is not any more, or an append finds no room, it is removed.
  void allow_spare(bool allowed);
  // What should be free on the disk for it to be allowed, in bytes.
  [[nodiscard]] std::uint64_t room_for_spare() const;
  // Where that is allowed: writes up to so many bytes of zeros ahead of their use, behind the end
  // of the last segment, or where enough are there, of the next one.
  void prepare_ahead(std::uint64_t bytes);
  // Everything is durable, the seal too. The last change.
  void close();

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace storage
