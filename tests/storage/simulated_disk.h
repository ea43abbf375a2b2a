// SimulatedDisk: a file system in memory that loses what was not synced. It has a page cache:
// reads see every change at once, and crash() decides by a seeded generator which of the changes
// since the last sync reached the disk. Several nodes' directories live side by side on one disk
// and crash one by one. One thread.
//
//   content    a write, sector by sector (512 bytes), may be there, be missing, or be overtaken by
//              a later one; File::sync makes content and size durable
//   names      a creation, rename or removal may be there or missing, in any order between two
//              names; sync_directory makes the names in a directory durable
//   sync fails the pages it should have written are dropped, as Linux does: still readable until
//              the crash, and no later sync writes them (A16)
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/file_system.h"

namespace storage {

enum class FaultKind : std::uint8_t {
  kInputOutput,  // EIO: this operation fails, once
  kNoSpace,      // ENOSPC: this operation fails, once; a write may have been done in part
  kPowerCut,     // this operation and all after it fail, until crash()
};

class SimulatedDisk : public FileSystem {
 public:
  SimulatedDisk();
  ~SimulatedDisk() override;

  // The machine that uses `directory` and all below it loses its power. Files that it had open
  // must not be used any more; its locks are gone.
  void crash(const Path& directory, base::Random& random);

  // Changes (writes, truncations, syncs, creations, renames, removals) so far.
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  // The next change but `after` fails: 0 means the very next.
  void fail(std::uint64_t after, FaultKind kind);
  void heal();  // no fault is to come any more

  // The content as the page cache has it; to be looked at and damaged by tests.
  [[nodiscard]] std::vector<std::byte> content(const Path& path) const;
  void set_content(const Path& path, std::vector<std::byte> bytes);  // durable at once

  [[nodiscard]] std::unique_ptr<File> open(const Path& path, OpenMode mode) override;
  [[nodiscard]] bool exists(const Path& path) const override;
  [[nodiscard]] std::vector<std::string> list(const Path& directory) const override;
  void make_directory(const Path& path) override;
  void rename(const Path& from, const Path& to) override;
  void remove(const Path& path) override;
  void sync_directory(const Path& directory) override;
  [[nodiscard]] std::unique_ptr<File> lock(const Path& path) override;

 private:
  class Content;
  class OpenFile;
  struct NameChange;
  // A name's content; none for a directory.
  using Names = std::map<Path, std::shared_ptr<Content>>;

  // Counts a change; throws where a fault is due, or says that it is to fail after its effect.
  void begin_change(const std::string& what);
  void change_name(NameChange change);
  [[nodiscard]] std::shared_ptr<Content> find(const Path& path) const;

  Names names_;          // as the page cache has them
  Names durable_names_;  // as the disk has them
  std::vector<NameChange> pending_;
  std::map<Path, std::weak_ptr<OpenFile>> locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;  // this change fails; 0: none
  FaultKind fault_ = FaultKind::kInputOutput;
};

}  // namespace storage
