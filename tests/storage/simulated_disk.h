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
//   is full    files grow and are made as long as there is room; what stands in them may be written
//              over
//   bits flip  on the disk and in the page cache alike, at the caller's wish
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "storage/file_system.h"

namespace storage {

class SimulatedContent;

enum class FaultKind : std::uint8_t {
  kInputOutput,  // EIO: this change fails and does nothing
  kNoSpace,      // ENOSPC: this change fails; a write is done in part
  kPowerCut,     // this change may still happen; it and all after it fail, until crash()
  kSync,         // EIO of the first sync of a file or directory that comes then or later
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
  // Lets `passing` reads of files pass, and then the next one fail with EIO.
  void fail_read_after(std::uint64_t passing) { failing_read_ = reads_ + passing + 1; }
  // No fault is to come any more.
  void heal() { fail_at_ = failing_read_ = 0; }

  // All files together have `bytes` at most from now on, and as many names as there are; nothing
  // limits them where none are given.
  void limit(std::optional<std::uint64_t> bytes) { capacity_ = bytes; }
  [[nodiscard]] std::uint64_t used() const;

  // Turns one bit of `path`, durably at once.
  void flip_bit(const Path& path, std::uint64_t bit);
  // One bit somewhere in the files below `directory`, each byte as likely as the other. The file,
  // or an empty path where there is no byte.
  Path flip_random_bit(const Path& directory, base::Random& random);

  // The content as the page cache has it, to be looked at and damaged by tests.
  [[nodiscard]] std::vector<std::byte> content(const Path& path) const;
  void set_content(const Path& path, std::vector<std::byte> bytes);  // durable at once
  // Removes `directory` and all below it, durably at once: the disk was exchanged.
  void wipe(const Path& directory);

  [[nodiscard]] std::unique_ptr<File> open(const Path& path, OpenMode mode) override;
  [[nodiscard]] bool exists(const Path& path) const override;
  [[nodiscard]] std::vector<std::string> list(const Path& directory) const override;
  void make_directory(const Path& path) override;
  void rename(const Path& from, const Path& to) override;
  void remove(const Path& path) override;
  void sync_directory(const Path& directory) override;
  [[nodiscard]] std::unique_ptr<File> lock(const Path& path) override;
  [[nodiscard]] Space space(const Path& directory) const override;

 private:
  class OpenFile;
  using Names = std::map<std::string, std::shared_ptr<SimulatedContent>>;  // none for a directory

  struct NameChange {
    std::string from;                           // of a rename or a removal
    std::string to;                             // of a rename or a creation
    std::shared_ptr<SimulatedContent> content;  // of a rename or a creation
  };

  // Counts a change. Where a fault is due, does what is left of `effect` and throws.
  template <typename Effect>
  void change(const char* verb, const std::string& name, Effect effect);
  [[nodiscard]] bool fault_is_due(bool is_sync) const;
  void count_read(const std::string& name);
  static void apply(Names& names, const NameChange& change);
  void change_name(NameChange change);
  void lose_names(const std::string& directory, base::Random& random);
  [[nodiscard]] std::shared_ptr<SimulatedContent> find(const std::string& name) const;
  [[nodiscard]] std::uint64_t room() const;

  Names names_;                      // as the page cache has them
  Names durable_names_;              // as the disk has them
  std::vector<NameChange> pending_;  // names that are not durable yet, in order
  std::map<std::string, std::weak_ptr<int>> locks_;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_at_ = 0;  // the number of the change that fails; 0: none
  std::uint64_t reads_ = 0;
  std::uint64_t failing_read_ = 0;  // the number of the read that fails; 0: none
  FaultKind fault_ = FaultKind::kInputOutput;
  std::optional<std::uint64_t> capacity_;
};

}  // namespace storage
