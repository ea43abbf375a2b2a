// Store: where the state machine keeps its records: ordered keys in families, changed by atomic
// batches. RocksDB on a node, maps in the simulator; all that is above, what was written lately in
// memory (buffered_store.h) among it, is the same code. Private to src/database; one owner, one
// thread. Every failure is a DatabaseFault.
//
//   family    key                       value (integers little-endian)
//   meta      "applied_index"           u64
//             "log_time"                u64, milliseconds
//             "format"                  u64, kFormat
//   keys      the key                   u64 version, u64 index of the last change, the value
//   channels  the channel               u64 seq of the last message
//   history   u64 big-endian, an index  one record (history.h)
//   sessions  as in sessions.h
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "database/database.h"

namespace database {

enum class Family : std::uint8_t { kMeta, kKeys, kChannels, kHistory, kSessions };
inline constexpr std::size_t kFamilyCount = 5;

[[nodiscard]] inline std::size_t position(Family family) {
  return static_cast<std::size_t>(family);
}

inline constexpr std::uint64_t kFormat = 2;
inline constexpr std::string_view kAppliedIndexKey = "applied_index";
inline constexpr std::string_view kLogTimeKey = "log_time";
inline constexpr std::string_view kFormatKey = "format";

// Changes in order, later ones prevail. Belongs to the store that made it.
class Batch {
 public:
  virtual ~Batch() = default;
  // The value is its parts one after the other, four at most.
  virtual void put(Family family, std::string_view key,
                   std::initializer_list<std::string_view> parts) = 0;
  virtual void erase(Family family, std::string_view key) = 0;
  virtual void clear() = 0;
  [[nodiscard]] virtual std::size_t size_bytes() const = 0;  // about
};

// Walks through a family in order of its keys. Stands nowhere until the first seek. What key()
// and value() show lasts until it moves.
class Cursor {
 public:
  virtual ~Cursor() = default;
  virtual void seek(std::string_view key) = 0;       // to the first key at or behind this one
  virtual void seek_back(std::string_view key) = 0;  // to the last key at or before this one
  virtual void next() = 0;
  [[nodiscard]] virtual bool valid() const = 0;
  [[nodiscard]] virtual std::string_view key() const = 0;
  [[nodiscard]] virtual std::string_view value() const = 0;
};

class View {
 public:
  virtual ~View() = default;
  // Of the moment of this call, or of the view's; later writes do not show.
  [[nodiscard]] virtual std::unique_ptr<Cursor> iterate(Family family) const = 0;
};

class Store : public View {
 public:
  [[nodiscard]] virtual std::unique_ptr<Batch> make_batch() const = 0;
  // False: not there.
  [[nodiscard]] virtual bool get(Family family, std::string_view key, std::string& value) const = 0;
  // All families at this moment. Its cursors must not outlive it.
  [[nodiscard]] virtual std::unique_ptr<View> pin() const = 0;

  // After NoRoom the same batch may be written again, and all may go on.
  virtual void write(Batch& batch) = 0;
  // Begins to write what `fill` puts into a batch, as write() would, while reads go on, which may
  // show it or not yet. `fill` may be called on another thread: what it reads must not change. One
  // at a time; write(), flush() and install_replacement() come after its end, while a replacement
  // may be begun, written and abandoned.
  virtual void begin_write(std::function<void(Batch&)> fill) = 0;
  [[nodiscard]] virtual bool write_has_ended() const = 0;
  // Waits for the end; fails as write() does, and nothing of it is written then.
  virtual void finish_write() = 0;
  // Everything written so far survives a crash. Without it, a crash leaves what was there at some
  // earlier moment between two writes.
  virtual void flush() = 0;
  // Whether something of what was written is on its way to the disk, or waits to be.
  [[nodiscard]] virtual bool is_flushing() const = 0;

  // A second content beside the first, empty, for a snapshot that is being loaded. It is written
  // by batches of its own and not read. Begun once, it is abandoned or installed.
  virtual void begin_replacement() = 0;
  [[nodiscard]] virtual std::unique_ptr<Batch> make_replacement_batch() const = 0;
  virtual void write_replacement(Batch& batch) = 0;
  virtual void abandon_replacement() noexcept = 0;
  // `last`: the last batch of the replacement, with its meta records. The content is then that of
  // the replacement, and flushed; a crash before the end leaves either all of the one or of the
  // other.
  virtual void install_replacement(Batch& last) = 0;

  // What was read is not what this release writes.
  [[noreturn]] virtual void damaged(std::string_view what) const = 0;
};

}  // namespace database
