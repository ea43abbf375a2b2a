// What it costs to apply committed commands, and to read, on RocksDB below TMPDIR. Nothing is
// synced: the Raft log is that.
#include <benchmark/benchmark.h>

#include "base/random.h"
#include "database/command.h"
#include "database/database.h"
#include "temporary_folder.h"

namespace {

constexpr std::uint64_t kKeys = 10'000;

std::string key_of(std::uint64_t number) { return "bench/" + std::to_string(number); }

// Sets of random keys, each time the next entries of the log.
class Writes {
 public:
  [[nodiscard]] std::vector<database::Committed> next(std::size_t count) {
    std::vector<database::Committed> entries;
    for (std::size_t i = 0; i < count; ++i) {
      const std::string key = key_of(random_.between(0, kKeys - 1));
      entries.push_back(
          {++index_, 1, database::encode_command(database::SetCommand{key, value_}), index_});
    }
    return entries;
  }

 private:
  base::Random random_{1};
  std::string value_ = std::string(256, 'v');
  std::uint64_t index_ = 0;
};

void apply_sets(benchmark::State& state) {
  const benchmarks::TemporaryFolder folder;
  database::Database database(folder.path() / "database", {});
  Writes writes;
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    const auto entries = writes.next(count);
    state.ResumeTiming();
    benchmark::DoNotOptimize(database.apply(entries));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(apply_sets)->ArgName("entries")->Arg(1)->Arg(64)->Arg(1000);

void get_key(benchmark::State& state) {
  const benchmarks::TemporaryFolder folder;
  database::Database database(folder.path() / "database", {});
  Writes writes;
  for (int i = 0; i < 20; ++i) (void)database.apply(writes.next(kKeys / 10));
  base::Random random(2);
  for (auto _ : state) benchmark::DoNotOptimize(database.get(key_of(random.between(0, kKeys - 1))));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(get_key);

}  // namespace
