// What RocksDB says, in the file LOG of its folder. RocksDB's own logger takes a full disk for a
// broken invariant, and ends the process at the line after the one for which there was no room
// (an assertion of WritableFileWriter, which Debian's package has on). This one leaves out what
// does not fit. Private to src/database.
#pragma once

#include <rocksdb/env.h>

#include <memory>
#include <string>

namespace database {

// Begins the file anew; it holds warnings and errors, about a mebibyte at most.
[[nodiscard]] std::shared_ptr<rocksdb::Logger> open_rocks_log(const std::string& directory);

}  // namespace database
