#include "actors/progress_log.h"

#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;

struct Bench {
  storage::OpeningProgress read(std::uint64_t mebibytes, std::uint64_t entries) {
    return {storage::OpeningProgress::Work::kReadLog, mebibytes * kMebibyte, 200 * kMebibyte,
            entries};
  }

  HeardLog heard;
  raft::Milliseconds now = 5000;
  ProgressLog progress{ActorLog(*heard.logging, "node"), [this] { return now; }};
};

}  // namespace

TEST_CASE("progress_is_not_told_of_what_is_done_within_a_second") {
  Bench bench;
  for (std::uint64_t done = 0; done <= 200; ++done) {
    bench.progress.tell(bench.read(done, done));
    bench.now += 4;
  }
  bench.progress.tell_loaded(0, kMebibyte);
  bench.now += 999;
  bench.progress.tell_loaded(kMebibyte, kMebibyte);
  CHECK(bench.heard.text().empty());
}

TEST_CASE("progress_is_told_about_once_a_second") {
  Bench bench;
  for (std::uint64_t done = 0; done <= 200; ++done) {
    bench.progress.tell(bench.read(done, 1000 * done));
    bench.now += 16;
  }
  const std::string text = bench.heard.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK_THAT(text, Catch::Contains("node: reads the log: 31 %, 63 of 200 MiB, 63000 entries\n"));
  CHECK_THAT(text, Catch::Contains("node: reads the log: 63 %, 126 of 200 MiB, 126000 entries\n"));
}

TEST_CASE("progress_begins_a_second_with_each_work") {
  Bench bench;
  const auto verifies = storage::OpeningProgress::Work::kVerifySnapshot;
  bench.progress.tell({verifies, 0, 8 * kMebibyte, 0});
  bench.now += 1000;
  bench.progress.tell({verifies, 2 * kMebibyte, 8 * kMebibyte, 0});
  bench.now += 1000;
  bench.progress.tell(bench.read(0, 0));
  bench.now += 1000;
  bench.progress.tell_loaded(kMebibyte, 8 * kMebibyte);
  bench.now += 1000;
  bench.progress.tell_loaded(8 * kMebibyte, 8 * kMebibyte);
  bench.now += 1000;
  bench.progress.tell_applied(100, 150, 300);
  bench.now += 1000;
  bench.progress.tell_applied(100, 200, 300);
  const std::string text = bench.heard.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK_THAT(text, Catch::Contains("verifies the snapshot: 25 %, 2 of 8 MiB\n"));
  CHECK_THAT(text, Catch::Contains("loads the snapshot: 100 %, 8 of 8 MiB\n"));
  CHECK_THAT(text, Catch::Contains("applies the log again: 50 %, 100 of 200 entries\n"));
}
