// What it costs three nodes in one thread to commit the commands of one turn: cores, messages
// between them and logs on files in memory, without ZeroMQ and without a disk.
#include <benchmark/benchmark.h>

#include "base/check.h"
#include "database/command.h"
#include "memory_files.h"
#include "raft/quorum.h"
#include "trio.h"

namespace {

void commit_by_quorum(benchmark::State& state) {
  benchmarks::MemoryFiles files;
  benchmarks::Trio trio(files, "/data");
  const auto count = static_cast<std::size_t>(state.range(0));
  const std::string value(256, 'v');
  const auto command = database::encode_command(database::SetCommand{"bench/00001234", value});
  for (auto _ : state) {
    const std::size_t committed = trio.commit(std::vector<base::SharedBytes>(count, command));
    CHECK(committed == count, "{} of {} commands were committed", committed, count);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
// The log is not compacted here, and so the number of turns is bounded.
BENCHMARK(commit_by_quorum)->ArgName("commands")->Arg(1)->Iterations(5000);
BENCHMARK(commit_by_quorum)->ArgName("commands")->Arg(64)->Iterations(500);
BENCHMARK(commit_by_quorum)->ArgName("commands")->Arg(1000)->Iterations(50);

void count_quorum(benchmark::State& state) {
  const auto voters = static_cast<raft::NodeId>(state.range(0));
  std::vector<raft::NodeId> ids;
  for (raft::NodeId id = 1; id <= voters; ++id) ids.push_back(id);
  const raft::Quorum quorum(ids);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        quorum.reached_by_majority([](raft::NodeId id) { return 1000 + id * 7 % 5; }));
  }
}
BENCHMARK(count_quorum)->ArgName("voters")->Arg(3)->Arg(5)->Arg(9);

}  // namespace
