// A backup file: one snapshot outside of any data directory, and where it was taken.
// docs/log-format.md specifies it. Written under another name, verified, synced and renamed: what
// stands under the name asked for is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "raft/snapshot_head.h"
#include "storage/file_system.h"
#include "storage/snapshot_file.h"
#include "storage/snapshot_receiver.h"

namespace storage {

struct BackupOrigin {
  std::string cluster;
  raft::NodeId node = 0;

  friend bool operator==(const BackupOrigin&, const BackupOrigin&) = default;
};

class BackupWriter {
 public:
  // Throws Refused where `path` is there and is not to be replaced.
  BackupWriter(FileSystem& file_system, std::filesystem::path path, bool replace);
  // Removes what is not finished.
  ~BackupWriter();
  BackupWriter(const BackupWriter&) = delete;
  BackupWriter& operator=(const BackupWriter&) = delete;

  // Either of the two; a second begin throws away what the first has begun.
  // Content, of which everything is found out; `owner`: the directory it comes from.
  void begin(const BackupOrigin& origin, raft::SnapshotHead head, std::uint64_t owner);
  void append(std::span<const std::byte> bytes);
  // A copy of a snapshot whose file begins with these bytes (SnapshotStore::head), of which the
  // parts come as SnapshotStore::read_transfer gives them. Each is the next one, from next_offset()
  // on. None: it checks; else what is wrong with it.
  [[nodiscard]] std::optional<base::Error> begin_copy(const BackupOrigin& origin,
                                                      std::span<const std::byte> head);
  [[nodiscard]] std::optional<base::Error> add_part(std::span<const std::byte> bytes);
  [[nodiscard]] std::uint64_t next_offset() const { return copy_->next_offset(); }
  // Of the copy.
  [[nodiscard]] const raft::SnapshotHead& head() const { return copy_->meta(); }

  // All is there. On return the file is, whole, verified and durable.
  raft::SnapshotHead finish();

 private:
  // Where the snapshot begins in a file that is made anew.
  [[nodiscard]] std::uint64_t start(const BackupOrigin& origin);
  void write_origin(const BackupOrigin& origin);
  void refuse_existing() const;
  void discard();

  FileSystem& file_system_;
  std::filesystem::path path_;
  std::filesystem::path unfinished_;  // the same with another name
  bool replace_;
  std::optional<SnapshotWriter> writer_;  // at most one of the two
  std::optional<SnapshotReceiver> copy_;
};

class BackupReader {
 public:
  // Everything but the content is verified; that is when it is read. Throws Damage.
  BackupReader(FileSystem& file_system, std::filesystem::path path);

  [[nodiscard]] const BackupOrigin& origin() const { return origin_; }
  [[nodiscard]] const raft::SnapshotHead& head() const { return reader_->meta(); }
  // Hands out the whole content in order, each part verified; throws Damage.
  void for_each_part(const std::function<void(const base::SharedBytes&)>& take) const;

 private:
  BackupOrigin origin_;
  std::optional<SnapshotReader> reader_;
};

}  // namespace storage
