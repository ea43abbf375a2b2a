// What it costs to append to the log and sync it: on files in memory, the code alone; on the disk
// of TMPDIR, with what the disk takes.
#include <benchmark/benchmark.h>

#include <memory>

#include "memory_files.h"
#include "storage/log_store.h"
#include "temporary_folder.h"

namespace {

constexpr std::uint64_t kOwner = 7;
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

}  // namespace
