// Database: the replicated state machine. Keys with versions, channels with contiguous sequence
// numbers, the sessions of clients, and the recent broadcasts for `replay`, on RocksDB. Its
// write-ahead log is off, as the Raft log is that: after a crash it reopens at what it had
// flushed, and applied_index() says from where the log has to be applied again. Data and applied
// index change in one batch, and all column families are flushed together. One owner, one thread.
// Deterministic: the same entries give the same outcomes and broadcasts on every node.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "database/snapshot.h"

namespace database {

// RocksDB failed, or its content does not check; the sentence names the directory. Ends the node:
// nothing may be asked of the database afterwards but its destruction.
class DatabaseFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Its content does not check: it is of no use any more, now or after a start, and has to be made
// anew from a snapshot and the log. What says so at a later open is left in the directory.
class DatabaseDamage : public DatabaseFault {
 public:
  using DatabaseFault::DatabaseFault;
};

// There is no room on the disk. Nothing has changed, and the same may be asked again. Everything
// that does not say so may only be destroyed after it, as after any other fault.
class NoRoom : public DatabaseFault {
 public:
  using DatabaseFault::DatabaseFault;
};

struct Options {
  std::size_t block_cache_bytes = 64 << 20;
  std::size_t write_buffer_bytes = 64 << 20;  // of all memtables together
  // Of changes in memory that RocksDB is given together, about; as much again is kept to be read. Up
  // to three times as much, and a batch of it, while RocksDB writes or flushes what came before.
  // 0: it gets those of one call when the next begins.
  std::size_t pending_change_bytes = 8 << 20;
  // Of what keeps the versions of keys that were changed lately.
  std::size_t version_bytes = 32 << 20;
  // Broadcasts kept for replay, on disk, compressed. What is over it is dropped file by file,
  // oldest first, and a file may hold an eighth of it.
  std::uint64_t replay_retention_bytes = 256 << 20;
  // For the simulator and for tests: nothing touches a disk. Each open begins with what the image
  // holds, flush() and a loaded snapshot go into it, and what came after is lost with the
  // database, as in a crash. Without an image each open begins empty.
  bool in_memory = false;
  std::shared_ptr<MemoryImage> memory_image = nullptr;
};

// One committed entry. A no-operation has no command.
struct Committed {
  std::uint64_t index;
  std::uint64_t term;  // only passed on to the broadcast
  std::optional<base::SharedBytes> command;
  std::uint64_t time_ms;  // the log's own, of the entry; never falls
};

// Sessions: a write under a session takes effect once for each of its numbers, `seq`, and every
// later entry with the same number has the outcome of the first. Numbers may come out of order;
// the outcomes of the newest kSessionWindow are kept. A session ends when it is closed, or when
// an entry is applied whose time is more than the session's timeout after that of its last
// command. Never by anything else: so a number is not forgotten while its session lives.
inline constexpr std::uint64_t kSessionWindow = 1024;
// Of live sessions, whatever a command allows.
inline constexpr std::uint64_t kMaxSessions = 65'536;

struct SetOutcome {
  std::uint64_t version;
};
struct DeleteOutcome {
  bool found;
};
struct PublishOutcome {
  std::uint64_t seq;
};
struct SessionOpened {
  std::uint64_t session;  // the index of the entry that opened it
};
struct SessionClosed {
  bool found;
};
struct SessionsFull {};    // as many live sessions as the command allows
struct SessionExpired {};  // there is no such session any more, or never was: no effect now
struct SeqTooOld {};       // behind the window: it may or may not have taken effect before
struct NoOutcome {};       // of a no-operation, and of a command that no release wrote
using Outcome = std::variant<NoOutcome, SetOutcome, DeleteOutcome, PublishOutcome, SessionOpened,
                             SessionClosed, SessionsFull, SessionExpired, SeqTooOld>;

enum class BroadcastKind : std::uint8_t { kSet = 1, kDelete = 2, kPublish = 3 };

// A change as subscribers see it (docs/protocol.md, "Broadcasts").
struct Broadcast {
  BroadcastKind kind;
  std::uint64_t index;
  std::uint64_t term;
  std::uint64_t number;       // `version` of the key, or `seq` of the channel
  std::string topic;          // "kv/" + key, or "ch/" + channel
  base::SharedBytes payload;  // shares the log entry's buffer where it was just applied
};

struct Applied {
  std::vector<Outcome> outcomes;  // one for each entry, in order
  // One for each entry: the index at which the command took effect. Its own, but for one that is
  // repeated under a session: there that of the first.
  std::vector<std::uint64_t> effect_indices;
  std::vector<Broadcast> broadcasts;  // of the entries that changed something, in order
};

struct Found {
  std::string value;
  std::uint64_t version;
  std::uint64_t index;  // of its last change
};

struct Replay {
  std::vector<Broadcast> broadcasts;
  // Nothing that was asked for is missing up to this index. Never above applied_index(); below it
  // where a limit cut the list: ask again with `after` = complete_to.
  std::uint64_t complete_to;
};
struct Compacted {
  std::uint64_t first_index;  // the oldest index whose broadcast is kept; after >= it - 1 works
};

class Database {
 public:
  // Opens or creates; throws DatabaseFault, DatabaseDamage also where an earlier life met damage.
  Database(const std::filesystem::path& directory, const Options& options);
  // Does not flush: what was not flushed comes back from the log.
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] std::uint64_t applied_index() const;
  [[nodiscard]] std::uint64_t log_time_ms() const;    // of the last applied entry
  [[nodiscard]] std::uint64_t session_count() const;  // live ones

  // Entries consecutive from applied_index() + 1, as one atomic batch, and the times not below
  // log_time_ms(). A command that does not
  // decode changes nothing, on no node, and is counted. After NoRoom the same entries have to come
  // again, before any others; all that reads may be asked meanwhile.
  [[nodiscard]] Applied apply(std::span<const Committed> entries);

  [[nodiscard]] std::optional<Found> get(std::string_view key) const;

  // Broadcasts with index > after whose topic begins with one of `topics` (none: all), at most
  // `limit` of them and about max_bytes of topic and payload, at least one even if it is larger.
  // Reads a bounded part of the history a call, so that few matches in much of it stall nobody.
  [[nodiscard]] std::variant<Replay, Compacted> replay(std::uint64_t after,
                                                       std::span<const std::string> topics,
                                                       std::size_t limit,
                                                       std::size_t max_bytes) const;

  // Everything applied so far to disk, so that the next start applies nothing again. After NoRoom
  // all may go on.
  void flush();

  [[nodiscard]] std::uint64_t undecodable_commands() const;  // since this was opened

  // A snapshot of this moment, to be read while applies go on. Not beyond the life of this.
  [[nodiscard]] std::unique_ptr<SnapshotReader> read_snapshot() const;
  // Replaces everything by a snapshot that is not older than applied_index(). One at a time, and
  // not beyond the life of this. Until its finish() has succeeded, nothing here changes.
  [[nodiscard]] std::unique_ptr<SnapshotLoader> load_snapshot();

  // Of all keys, channels and sessions, in order; equal states have equal hashes on every node.
  // Reads everything: for tests and the simulator.
  [[nodiscard]] std::uint64_t state_hash() const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace database
