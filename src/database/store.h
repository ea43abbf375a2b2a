// Store: the RocksDB database of one node, opened as the state machine needs it. Private to
// src/database; one owner, one thread. Every failure is a DatabaseFault.
//
//   family    key                       value (integers little-endian)
//   default   "applied_index"           u64
//             "format"                  u64, kFormat
//   keys      the key                   u64 version, u64 index of the last change, the value
//   channels  the channel               u64 seq of the last message
//   history   u64 big-endian, an index  one record (history.h)
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "database/database.h"

namespace database {

enum class Family : std::uint8_t { kMeta, kKeys, kChannels, kHistory };
inline constexpr std::size_t kFamilyCount = 4;

inline constexpr std::uint64_t kFormat = 1;
inline constexpr std::string_view kAppliedIndexKey = "applied_index";
inline constexpr std::string_view kFormatKey = "format";

class BackgroundFault;

class Store {
 public:
  Store(const std::filesystem::path& directory, const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] rocksdb::ColumnFamilyHandle* family(Family family) const;

  // False: not there.
  [[nodiscard]] bool get(Family family, std::string_view key, rocksdb::PinnableSlice& value) const;
  // Of a moment: later writes do not show. Call check_end() when it has become invalid.
  [[nodiscard]] std::unique_ptr<rocksdb::Iterator> iterate(Family family) const;
  // An iterator ends at the end of its family, and also where reading failed.
  void check_end(const rocksdb::Iterator& iterator) const;

  void write(rocksdb::WriteBatch& batch);
  void flush();

  // What was read is not what this release writes.
  [[noreturn]] void damaged(std::string_view what) const;

 private:
  void open(const Options& options);
  void check_format();
  void check(const rocksdb::Status& status, std::string_view doing) const;

  std::string directory_;
  std::shared_ptr<BackgroundFault> background_fault_;
  // In order of creation: the environment outlives the database, which outlives its handles.
  std::unique_ptr<rocksdb::Env> memory_environment_;  // only with Options::in_memory
  std::unique_ptr<rocksdb::DB> database_;
  std::array<std::unique_ptr<rocksdb::ColumnFamilyHandle>, kFamilyCount> families_;
};

[[nodiscard]] inline rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}
[[nodiscard]] inline std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

}  // namespace database
