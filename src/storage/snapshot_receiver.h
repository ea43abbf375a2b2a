// SnapshotReceiver: a snapshot that comes from elsewhere, in parts, and its file. What travels is
// the table of the blocks, from its beginning on; then each block that is missing, in any order. A
// block is in the file only once it checks against the table. One that the node's own snapshot has
// too is copied from there and not asked for. Used by src/storage alone; docs/log-format.md
// specifies the file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "storage/block_table.h"
#include "storage/file_system.h"
#include "storage/snapshot_file.h"

namespace storage {

class SnapshotReceiver {
 public:
  // `head`: as it was offered. `start`: where in the file the snapshot begins.
  SnapshotReceiver(FileSystem& file_system, std::filesystem::path path, raft::SnapshotHead head,
                   std::uint64_t owner, std::uint64_t start = 0);

  // Either of the two comes first. The file begins anew:
  void begin();
  // Of a file that is there: takes over head and table; copy() looks which blocks are there too.
  // All that is used is written once more, since it may be known to the page cache alone (A16).
  // False where head or table do not check: then nothing of it can be used.
  [[nodiscard]] bool resume();

  // The snapshot that blocks may be copied from, as it is now; null: none. It stays until the next
  // call.
  void look_up(const SnapshotReader* own);
  // A part, at its offset in what travels; what of it does not fit or check is left out. False
  // where the table came and is not what the head says.
  [[nodiscard]] bool add(std::uint64_t offset, std::span<const std::byte> bytes);
  // Looks at blocks that may be here since before the start, and copies those of the own snapshot,
  // so many bytes or a little more; one that does not check is asked for from now on.
  void copy(std::uint64_t max_bytes);

  [[nodiscard]] const raft::SnapshotHead& meta() const { return meta_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // What is missing: what may be here or can be copied is not wanted. No more is than one part may
  // bring.
  [[nodiscard]] raft::SnapshotDemand demand() const { return {next_offset(), wanted(), to_copy_}; }
  [[nodiscard]] std::uint64_t next_offset() const;
  // So many bytes were copied since the start.
  [[nodiscard]] std::uint64_t copied() const { return copied_; }
  [[nodiscard]] bool complete() const { return table_ && missing_ == 0; }
  // All that is in the file is on disk.
  void seal();

 private:
  enum class Place : std::uint8_t { kWanted, kOwn, kPerhapsHere, kHere };

  [[nodiscard]] std::uint64_t wanted() const;
  [[nodiscard]] bool add_table(std::span<const std::byte> bytes);
  [[nodiscard]] bool adopt_table(Place place);
  void add_content(std::uint64_t offset, std::span<const std::byte> bytes);
  void add_to_block(std::size_t block, std::uint64_t within, std::span<const std::byte> bytes);
  // Whether it checks; then it is in the file.
  bool keep(std::size_t block, std::span<const std::byte> bytes);
  void place_blocks();
  [[nodiscard]] Place place_of(const Block& block) const;
  void look_at_file(std::size_t block);
  void copy_own(std::size_t block);
  void find_wanted(std::size_t from);
  [[nodiscard]] std::optional<std::size_t> in_own(const Block& block) const;
  void write(std::uint64_t offset, std::span<const std::byte> bytes);

  std::filesystem::path path_;
  raft::SnapshotHead meta_;
  std::uint64_t owner_;
  std::uint64_t start_;
  std::unique_ptr<File> file_;
  std::uint64_t content_offset_;
  std::vector<std::byte> table_bytes_;  // as far as they have come, until the table is whole
  std::optional<BlockTable> table_;
  std::vector<Place> places_;       // of the blocks, once there is a table
  std::size_t missing_ = 0;         // blocks that are not in the file
  std::size_t first_wanted_ = 0;    // block; their number where none is
  std::vector<std::byte> partial_;  // of that block, what has come
  const SnapshotReader* own_ = nullptr;
  std::vector<std::size_t> own_blocks_;  // of the own snapshot, by length and checksum
  std::size_t copy_from_ = 0;            // no block before it is to be copied
  std::uint64_t to_copy_ = 0;            // bytes, and of what may be here
  std::uint64_t copied_ = 0;
  std::uint64_t unsynced_ = 0;  // bytes written
};

}  // namespace storage
