#include "mutation_runs.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "json.h"
#include "mutation.h"
#include "workers.h"

namespace sim {
namespace {

using mutation::Mutation;

constexpr int kWaitMs = 1000;

// The seeds that were run with one mutation.
struct Search {
  const Mutation* mutation;
  std::optional<std::uint64_t> seed;  // the first that broke
  std::uint64_t seeds = 0;            // that were run
  double seconds = 0;
  std::string finding;
};

// What a CHECK prints as it ends a worker, and the story behind it: read, and not shown.
class CapturedErrors {
 public:
  CapturedErrors() : shown_(dup(STDERR_FILENO)), file_(memfd_create("errors", 0)) {
    if (shown_ < 0 || file_ < 0) throw std::runtime_error("cannot capture what workers print");
    dup2(file_, STDERR_FILENO);
  }
  ~CapturedErrors() {
    dup2(shown_, STDERR_FILENO);
    close(shown_);
    close(file_);
  }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;

  [[nodiscard]] std::string first_line() const {
    char text[500];
    const ssize_t size = pread(file_, text, sizeof text, 0);
    return sim::first_line(std::string(text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))));
  }

 private:
  int shown_;
  int file_;
};

const Mutation* find(const std::string& name) {
  const auto& all = mutation::all();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const Mutation& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// The lowest seed that breaks: those before it were begun before it, and end, too.
void run_seeds(const CommandLine& line, Search& search) {
  const CapturedErrors errors;
  Workers workers(line);
  const auto take = [&](const SeedResult& ended) {
    ++search.seeds;
    if (ended.result.failure.empty() || (search.seed && *search.seed < ended.seed)) return;
    workers.stop();
    search.seed = ended.seed;
    const std::string check = ended.result.aborted ? errors.first_line() : "";
    search.finding = check.empty() ? first_line(ended.result.failure) : check;
  };
  while (workers.wait(kWaitMs, take)) {
  }
}

Search run_mutation(const CommandLine& line, const Mutation& mutation) {
  const auto start = std::chrono::steady_clock::now();
  Search search;
  search.mutation = &mutation;
  mutation::planted = mutation.number;
  if (line.recorded && mutation.seed != 0) {
    CommandLine one = line;
    one.first_seed = one.last_seed = mutation.seed;
    one.jobs = 1;
    run_seeds(one, search);
  }
  if (!search.seed) run_seeds(line, search);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start;
  search.seconds = passed.count();
  return search;
}

void print(const Search& search) {
  const Mutation& mutation = *search.mutation;
  if (search.seed) {
    fmt::print("{} ({}): found by seed {} in {:.1f} s: {}\n", mutation.name, mutation.hazard,
               *search.seed, search.seconds, search.finding);
  } else {
    fmt::print("{} ({}): NOT FOUND by {} seeds in {:.1f} s: {}\n", mutation.name, mutation.hazard,
               search.seeds, search.seconds, mutation.breaks);
  }
  std::fflush(stdout);
}

std::string row_of(const Search& search) {
  const Mutation& mutation = *search.mutation;
  return fmt::format(
      "{{\"name\":{},\"hazard\":{},\"breaks\":{},\"seed\":{},\"seeds\":{},\"seconds\":{:.3f},"
      "\"finding\":{}}}",
      as_json(mutation.name), as_json(mutation.hazard), as_json(mutation.breaks),
      search.seed ? fmt::format("{}", *search.seed) : "null", search.seeds, search.seconds,
      as_json(search.finding));
}

void print_summary(const std::vector<Search>& searches) {
  std::vector<std::uint64_t> seeds;
  double seconds = 0;
  for (const Search& each : searches) {
    if (each.seed) seeds.push_back(*each.seed);
    seconds += each.seconds;
  }
  std::sort(seeds.begin(), seeds.end());
  fmt::print("{} of {} mutations found in {:.0f} s", seeds.size(), searches.size(), seconds);
  if (!seeds.empty()) {
    fmt::print("; half of them by seed {}, all of these by seed {}", seeds[(seeds.size() - 1) / 2],
               seeds.back());
  }
  fmt::print("\n");
}

int run_all(const CommandLine& line, const std::vector<const Mutation*>& wanted) {
  std::vector<Search> searches;
  for (const Mutation* mutation : wanted) {
    searches.push_back(run_mutation(line, *mutation));
    if (!line.json) print(searches.back());
  }
  if (line.json) {
    std::string rows;
    for (const Search& each : searches) {
      if (!rows.empty()) rows += ',';
      rows += row_of(each);
    }
    fmt::print("{{\"seeds\":{},\"mutations\":[{}]}}\n", line.last_seed, rows);
  } else {
    print_summary(searches);
  }
  const bool all_found = std::all_of(searches.begin(), searches.end(),
                                     [](const Search& each) { return each.seed.has_value(); });
  return all_found ? 0 : 1;
}

}  // namespace

std::optional<int> run_mutations(const CommandLine& line, char**) {
  std::vector<std::string> names = line.mutation_names;
  if (!line.mutation.empty()) names = {line.mutation};
  std::vector<const Mutation*> wanted;
  for (const std::string& name : names) {
    wanted.push_back(find(name));
    if (wanted.back() != nullptr) continue;
    fmt::print(stderr, "raft-simulate: no mutation is called {}; there are:\n", name);
    for (const Mutation& each : mutation::all()) {
      fmt::print(stderr, "  {:<30} {:<8} {}\n", each.name, each.hazard, each.breaks);
    }
    return 2;
  }
  if (!line.mutation.empty()) {
    mutation::planted = wanted.front()->number;
    return std::nullopt;
  }
  if (!line.mutations) return std::nullopt;
  if (wanted.empty()) {
    for (const Mutation& each : mutation::all()) wanted.push_back(&each);
  }
  return run_all(line, wanted);
}

}  // namespace sim
