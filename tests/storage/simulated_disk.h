// SimulatedDisk: a file system in memory that loses what was not synced. It has a page cache:
// reads see every change at once, and crash() decides by a seeded generator which of the changes
// since the last sync reached the disk. Several nodes' directories live side by side on one disk
// and crash one by one. One thread.
//
//   content    a write, sector by sector (512 bytes), may be there, be missing, or be overtaken by
//              a later one; File::sync makes content and size durable
//   names      a creation, rename or removal may be there or missing, in any order between
//              different names; sync_directory makes the names in a directory durable
//   sync fails the pages it should have written are dropped, as Linux does: still readable until
//              the crash, and no later sync writes them (A16); sizes and names are not pages and
//              come with the next sync
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
  kInputOutput,  // EIO: this change fails and does nothing
  kNoSpace,      // ENOSPC: this change fails; a write is done in part
  kPowerCut,     // this change may still happen; it and all after it fail, until crash()
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
  // Lets `passing` changes pass, and then the next one fail.
  void fail_after(std::uint64_t passing, FaultKind kind);
  void heal() { fail_at_ = 0; }  // no fault is to come any more

  // The content as the page cache has it, to be looked at and damaged by tests.
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
  using Names = std::map<std::string, std::shared_ptr<Content>>;  // none for a directory

  struct NameChange {
    std::string from;                  // of a rename or a removal
    std::string to;                    // of a rename or a creation
    std::shared_ptr<Content> content;  // of a rename or a creation
  };

  // Counts a change. Where a fault is due, does what is left of `effect` and throws.
  template <typename Effect>
  void change(const std::string& what, Effect effect);
  static void apply(Names& names, const NameChange& change);
  void change_name(NameChange change);
  void lose_names(const std::string& directory, base::Random& random);
  [[nodiscard]] std::shared_ptr<Content> find(const std::string& name) const;

  Names names_;                      // as the page cache has them
  Names durable_names_;              // as the disk has them
  std::vector<NameChange> pending_;  // names that are not durable yet, in order
  std::map<std::string, std::weak_ptr<int>> locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;  // the number of the change that fails; 0: none
  FaultKind fault_ = FaultKind::kInputOutput;
};

}  // namespace storage
