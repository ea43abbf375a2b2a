#include "database/rocks_options.h"

#include <fmt/format.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <algorithm>

namespace database {

namespace {

constexpr std::array<const char*, kFamilyCount> kFamilyNames = {"default", "keys", "channels",
                                                                "history", "sessions"};

}  // namespace

std::string name_of(Family family, std::uint64_t generation) {
  const char* name = kFamilyNames[position(family)];
  if (family == Family::kMeta || generation == 1) return name;
  return fmt::format("{}.{}", name, generation);
}

Family family_named(std::string_view name) {
  const std::string_view base = name.substr(0, name.find('.'));
  for (std::size_t i = 0; i < kFamilyCount; ++i) {
    if (base == kFamilyNames[i]) return static_cast<Family>(i);
  }
  return Family::kMeta;
}

rocksdb::DBOptions database_options(const Options& options) {
  rocksdb::DBOptions result;
  result.create_if_missing = true;
  result.paranoid_checks = true;
  // Without a write-ahead log, families flushed one by one would differ after a crash (A26).
  result.atomic_flush = true;
  // A destructor could not report a failed flush; who wants one calls flush().
  result.avoid_flush_during_shutdown = true;
  result.max_bgerror_resume_count = 0;
  result.allow_concurrent_memtable_write = false;  // one write comes after the other
  result.db_write_buffer_size = options.write_buffer_bytes;
  result.max_background_jobs = 2;
  result.max_open_files = 256;
  result.bytes_per_sync = 1 << 20;  // write-back in small steps, not in bursts beside the log's
  result.max_manifest_file_size = 4 << 20;
  result.stats_dump_period_sec = 0;
  result.stats_persist_period_sec = 0;
  return result;
}

rocksdb::ColumnFamilyOptions family_options(Family family, const Options& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions result;
  result.write_buffer_size = options.write_buffer_bytes / 2;
  result.compression = rocksdb::kLZ4Compression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  if (family == Family::kKeys || family == Family::kSessions) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.cache_index_and_filter_blocks = true;  // so that the cache bounds them too
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    // In pieces: those of a large file as a whole are larger than a shard of the cache, which would
    // not keep them, and each look-up would read them anew.
    table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
    table.partition_filters = true;
    result.level_compaction_dynamic_level_bytes = true;
    // Keys that change all the time meet in more files before these are merged with all others.
    result.level0_file_num_compaction_trigger = 8;
    result.level0_slowdown_writes_trigger = 24;
    result.level0_stop_writes_trigger = 40;
    // Most keys that are asked for are in a file, where there are many: a memtable says so at once.
    result.memtable_prefix_bloom_size_ratio = 0.02;
    result.memtable_whole_key_filtering = true;
  }
  if (family == Family::kHistory) {
    // Only ever drops whole files, the oldest first: so what is left has no hole. It drops the
    // only file too when that alone is over the limit, hence several files to the limit.
    const std::uint64_t retention = options.replay_retention_bytes;
    result.compaction_style = rocksdb::kCompactionStyleFIFO;
    result.compaction_options_fifo = {retention, /*_allow_compaction=*/false};
    result.write_buffer_size =
        std::min<std::uint64_t>(options.write_buffer_bytes / 2, retention / 8);
    result.ttl = 0;  // by size, not by the clock
    result.periodic_compaction_seconds = 0;
  }
  result.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return result;
}

}  // namespace database
