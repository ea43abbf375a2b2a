// DoubtFile: whether this directory can vouch for what it once acknowledged. DIR/doubt is written
// before anything damaged is cut off, and its mere presence means doubt, whatever is in it: so no
// crash in the middle of a repair makes a node forget that it forgot something.
//
//   DIR/doubt     from which entry on, and what was damaged; docs/log-format.md specifies it
//   DIR/damaged/  the files that were damaged, as evidence, until the doubt is settled
//
// One owner, one thread. Throws DiskFault.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "raft/types.h"
#include "storage/file_system.h"

namespace storage {

struct Doubt {
  raft::Index from = 1;  // the first entry that may have been acknowledged and is not vouched for
  std::string reason;    // file, offset and what does not check
};

class DoubtFile {
 public:
  DoubtFile(FileSystem& file_system, std::filesystem::path directory, std::uint64_t owner);

  [[nodiscard]] const std::optional<Doubt>& current() const { return current_; }
  // Durable on return. An earlier doubt stays: the lower index counts.
  void mark(Doubt doubt);
  // Moves a file to DIR/damaged, durable on return; one of the same name there goes.
  void set_aside(const std::filesystem::path& file);
  // Copies it there. False: there is no room for that, and nothing is left of it.
  [[nodiscard]] bool keep_copy(const std::filesystem::path& file);
  // Removes what was set aside.
  void forget_set_aside();
  // The directory vouches for its log again: durable, then what was set aside goes.
  void settle();

 private:
  [[nodiscard]] std::filesystem::path path() const { return directory_ / "doubt"; }
  [[nodiscard]] std::filesystem::path aside() const { return directory_ / "damaged"; }
  [[nodiscard]] Doubt read() const;
  void copy_aside(const std::filesystem::path& file);

  FileSystem& file_system_;
  std::filesystem::path directory_;
  std::uint64_t owner_;
  std::optional<Doubt> current_;
};

}  // namespace storage
