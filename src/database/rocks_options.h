// How the state machine has its RocksDB: its settings, and the names of its families. Private to
// src/database.
#pragma once

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "database/store.h"

namespace database {

[[nodiscard]] rocksdb::DBOptions database_options(const Options& options);
[[nodiscard]] rocksdb::ColumnFamilyOptions family_options(
    Family family, const Options& options, const std::shared_ptr<rocksdb::Cache>& cache);

[[nodiscard]] std::string name_of(Family family, std::uint64_t generation);
// The family of any generation; kMeta where no release has one of that name.
[[nodiscard]] Family family_named(std::string_view name);

}  // namespace database
