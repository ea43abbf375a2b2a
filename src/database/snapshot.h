// The whole state of a database as one run of bytes, out of it and into it again. Equal states
// are equal bytes on every node. The history of broadcasts is no part of it: after a load it
// begins anew. snapshot_format.h specifies the bytes.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace database {

// What an in-memory database leaves behind: its disk, as it were. Kept by who models crashes.
class MemoryImage;
[[nodiscard]] std::shared_ptr<MemoryImage> make_memory_image();
// From now on a write finds no room, or finds some again.
void set_full(MemoryImage& image, bool full);
// A database that is open on it is told that what it wrote is on its way to the disk.
void set_flushing(MemoryImage& image, bool flushing);

class SnapshotReader {
 public:
  virtual ~SnapshotReader() = default;

  [[nodiscard]] virtual std::uint64_t applied_index() const = 0;
  // The next bytes, at most max_bytes (above 0) of them; empty at the end. Takes time for these
  // bytes, and a large value is read as a whole. Throws DatabaseFault.
  [[nodiscard]] virtual base::SharedBytes next(std::size_t max_bytes) = 0;
};

class SnapshotLoader {
 public:
  // Abandons what is not finished.
  virtual ~SnapshotLoader() = default;

  // The next bytes, in slices of any size. Keeps little more in memory than a slice and the
  // largest value. An error says what is wrong, and stays: nothing of the snapshot will be used.
  // Throws DatabaseFault where the database itself fails.
  [[nodiscard]] virtual std::optional<base::Error> add(std::string_view bytes) = 0;
  // After the last byte. The database then is what the snapshot says, and on disk: its applied
  // index. An interruption at any moment leaves all of the old content or all of the new.
  [[nodiscard]] virtual base::Result<std::uint64_t> finish() = 0;
};

}  // namespace database
