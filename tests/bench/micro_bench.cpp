// micro-bench: how long small parts take. --help lists the options of Google Benchmark.
#include <benchmark/benchmark.h>

BENCHMARK_MAIN();
