// One snapshot file: written block by block while it grows, read and verified block by block once
// it is complete. The store decides which files there are; what a leader sends is written by
// snapshot_receiver.h. Used by src/storage alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "storage/block_cutter.h"
#include "storage/block_table.h"
#include "storage/damage.h"
#include "storage/file_system.h"
#include "storage/opening_progress.h"
#include "storage/snapshot_format.h"

namespace storage {

// Content is synced as it grows, so that the last sync does not hold up the disk for long.
inline constexpr std::uint64_t kSnapshotSyncBytes = 8 << 20;

// The head of a snapshot that begins at `start`; its content_offset is one in the file. Throws
// Refused where it is whole and of another version or directory.
[[nodiscard]] base::Result<SnapshotFileHead> read_snapshot_head(const File& file,
                                                                const std::filesystem::path& path,
                                                                std::uint64_t owner,
                                                                std::uint64_t start);

// A snapshot of this node on its way. Content reaches the file in whole blocks; the last one by
// seal().
class SnapshotWriter {
 public:
  // Of the meta only the configuration has to be known yet. `start`: where in the file the
  // snapshot begins.
  SnapshotWriter(FileSystem& file_system, std::filesystem::path path, raft::SnapshotHead meta,
                 std::uint64_t owner, const BlockSizes& sizes, std::uint64_t start = 0);

  void append(std::span<const std::byte> bytes);
  // All content was appended: all that the file is to have is in it, on disk, and the meta says
  // size, blocks and checksum.
  void seal();

  [[nodiscard]] const raft::SnapshotHead& meta() const { return meta_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  void end_block();
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  raft::SnapshotHead meta_;
  std::uint64_t owner_;
  std::uint64_t start_;
  std::unique_ptr<File> file_;
  std::uint64_t content_offset_;
  BlockCutter cutter_;
  BlockTable table_;              // of the blocks in the file
  std::uint64_t synced_ = 0;      // so many bytes of the content have been synced
  std::vector<std::byte> block_;  // that has not ended yet
};

// A complete snapshot.
class SnapshotReader {
 public:
  // Verifies head, size and table; the content is verified as it is read. Throws Damage, which says
  // `remedy`.
  SnapshotReader(FileSystem& file_system, std::filesystem::path path, std::uint64_t owner,
                 std::uint64_t start = 0, const char* remedy = Damage::kReplaceTheNode);

  [[nodiscard]] const raft::SnapshotHead& meta() const { return meta_; }
  // The content from `offset`, as much as there is, at most `max_bytes`. Verified; throws Damage.
  [[nodiscard]] base::SharedBytes read(std::uint64_t offset, std::uint64_t max_bytes) const;
  // The same of what travels (SnapshotHead::transfer_size): a part of the table alone, or of the
  // content.
  [[nodiscard]] base::SharedBytes read_transfer(std::uint64_t offset,
                                                std::uint64_t max_bytes) const;
  [[nodiscard]] const BlockTable& table() const { return table_; }
  // One block as it stands there; nothing is verified.
  void read_block(std::size_t block, std::vector<std::byte>& into) const;
  // Reads all of the content, and says how far it is; throws Damage.
  void verify(const OpeningObserver& observer) const;

 private:
  std::filesystem::path path_;
  const char* remedy_;
  raft::SnapshotHead meta_;
  std::unique_ptr<File> file_;
  std::uint64_t content_offset_ = 0;
  BlockTable table_;
};

}  // namespace storage
