// What it costs to append to the log and sync it: on files in memory, the code alone; on the disk
// of TMPDIR, with what the disk takes.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "memory_files.h"
#include "storage/log_store.h"
#include "temporary_folder.h"

namespace {

constexpr storage::LogOwner kOwner{7, 1, 0};
// The log is given back to the disk as it would be behind a snapshot.
constexpr raft::Index kKept = 10'000;

// Entries that follow the last one of a log, again and again.
class Appender {
 public:
  Appender(storage::FileSystem& files, const std::filesystem::path& folder)
      : log_(files, folder, kOwner, storage::LogOptions{4 << 20}) {}

  void append(std::size_t count) {
    raft::EntryBlockBuilder block(log_.last().checksum);
    for (std::size_t i = 1; i <= count; ++i) {
      block.add(log_.last_index() + i, 1, raft::EntryKind::kCommand, payload_);
    }
    log_.append(block.finish());
    log_.sync();
    if (log_.last_index() - log_.first_index() > 2 * kKept) log_.trim_to(log_.last_index() - kKept);
  }

 private:
  storage::LogStore log_;
  base::SharedBytes payload_ = base::SharedBytes::take(std::string(256, 'c'));
};

void append_and_sync(benchmark::State& state, storage::FileSystem& files,
                     const std::filesystem::path& folder) {
  files.make_directory(folder);
  Appender appender(files, folder);
  for (auto _ : state) appender.append(static_cast<std::size_t>(state.range(0)));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void log_append_in_memory(benchmark::State& state) {
  benchmarks::MemoryFiles files;
  append_and_sync(state, files, "/log");
}
BENCHMARK(log_append_in_memory)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000);

void log_append_and_sync(benchmark::State& state) {
  const benchmarks::TemporaryFolder folder;
  const auto files = storage::posix_file_system();
  append_and_sync(state, *files, folder.path() / "log");
}
BENCHMARK(log_append_and_sync)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000)->UseRealTime();

// Appends of 64 KiB over many segments, about 28 MiB a second, with a slice of the next segment now
// and then, as log_writer does at its ticks, or without. Only append and sync are timed.
void log_append_over_segments(benchmark::State& state) {
  constexpr std::uint64_t kSegmentBytes = 16 << 20;
  constexpr std::chrono::milliseconds kBetweenAppends{2};
  constexpr raft::Index kEntriesASlice = 2;
  constexpr std::size_t kEntryBytes = 64 << 10;
  using Clock = std::chrono::steady_clock;
  const benchmarks::TemporaryFolder folder;
  const auto files = storage::posix_file_system();
  storage::LogStore log(*files, folder.path() / "log", kOwner, {kSegmentBytes});
  log.allow_spare(state.range(0) > 0);
  const auto payload = base::SharedBytes::take(std::string(kEntryBytes, 'c'));
  std::vector<double> milliseconds;
  for (auto _ : state) {
    raft::EntryBlockBuilder block(log.last().checksum);
    block.add(log.last_index() + 1, 1, raft::EntryKind::kCommand, payload);
    const auto entries = block.finish();
    const auto begin = Clock::now();
    log.append(entries);
    log.sync();
    const std::chrono::duration<double, std::milli> took = Clock::now() - begin;
    milliseconds.push_back(took.count());
    if (log.last_index() % kEntriesASlice == 0) {
      log.prepare_ahead(256 << 10);
      constexpr raft::Index kKeptEntries = 3 * kSegmentBytes / kEntryBytes;
      if (log.last_index() > kKeptEntries) log.trim_to(log.last_index() - kKeptEntries, 1);
    }
    std::this_thread::sleep_for(kBetweenAppends);
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  const auto at = [&](std::size_t per_mille) {
    return milliseconds[milliseconds.size() * per_mille / 1000];
  };
  state.counters["p50_ms"] = at(500);
  state.counters["p99_ms"] = at(990);
  state.counters["p99.9_ms"] = at(999);
}
BENCHMARK(log_append_over_segments)->ArgName("spare")->Arg(0)->Arg(1)->UseRealTime();

}  // namespace
