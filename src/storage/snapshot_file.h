// One snapshot file: written block by block while it grows, read and verified block by block once
// it is complete. The store decides which files there are. Used by src/storage alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/opening_progress.h"
#include "storage/snapshot_format.h"

namespace storage {

// A snapshot on its way. Content reaches the file in whole blocks; the last one by finish().
class SnapshotWriter {
 public:
  // Of the meta only the configuration has to be known yet. `start`: where in the file the
  // snapshot begins.
  SnapshotWriter(FileSystem& file_system, std::filesystem::path path, raft::SnapshotHead meta,
                 std::uint64_t owner, std::uint64_t start = 0);

  // For content that comes from elsewhere, whose size and checksum the meta says beforehand: all
  // that is known goes to the file at once, the checksum of a block with the block, so that
  // resume() can tell which blocks are there.
  void announce();
  // Of a file that announced itself: takes over the blocks that check, from the first one on,
  // and writes them once more, since they may be known to the page cache alone (A16). False where
  // the file's head does not check: then nothing of it can be used.
  [[nodiscard]] bool resume();

  void append(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t size() const { return written_ + rest_.size(); }
  [[nodiscard]] const raft::SnapshotHead& meta() const { return meta_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // All content was appended: writes the last block. The meta says size and checksum afterwards;
  // false where it was announced and said another checksum.
  [[nodiscard]] bool complete();
  // After complete(): all that the file is to have is in it, on disk.
  void seal();

 private:
  void add_blocks(std::span<const std::byte> bytes);
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  raft::SnapshotHead meta_;
  std::uint64_t owner_;
  std::uint64_t start_;
  std::unique_ptr<File> file_;
  bool announced_ = false;
  std::uint64_t content_offset_ = 0;
  std::uint64_t written_ = 0;                   // bytes of content in the file, whole blocks
  std::uint64_t synced_ = 0;                    // so many of them have been synced
  std::vector<std::byte> rest_;                 // of a block that is not whole yet
  std::vector<std::uint64_t> block_checksums_;  // of the blocks in the file
};

// A complete snapshot.
class SnapshotReader {
 public:
  // Verifies head, size and block checksums; the content is verified as it is read. Throws Damage,
  // which says `remedy`.
  SnapshotReader(FileSystem& file_system, std::filesystem::path path, std::uint64_t owner,
                 std::uint64_t start = 0, const char* remedy = Damage::kReplaceTheNode);

  [[nodiscard]] const raft::SnapshotHead& meta() const { return meta_; }
  // The content from `offset`, as much as there is, at most `max_bytes`. Verified; throws Damage.
  [[nodiscard]] base::SharedBytes read(std::uint64_t offset, std::uint64_t max_bytes) const;
  // Reads all of the content, and says how far it is; throws Damage.
  void verify(const OpeningObserver& observer) const;

 private:
  std::filesystem::path path_;
  const char* remedy_;
  raft::SnapshotHead meta_;
  std::unique_ptr<File> file_;
  std::uint64_t content_offset_ = 0;
  std::vector<std::uint64_t> block_checksums_;
};

}  // namespace storage
