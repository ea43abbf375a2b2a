#include "database/rocks_worker.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <semaphore>
#include <stdexcept>

namespace database {
namespace {

TEST_CASE("rocks_worker_does_a_task_while_its_owner_goes_on") {
  RocksWorker worker;
  REQUIRE(worker.has_ended());
  std::binary_semaphore may_end(0);
  int done = 0;
  for (int round = 1; round <= 3; ++round) {
    worker.begin([&] {
      may_end.acquire();
      ++done;
    });
    REQUIRE_FALSE(worker.has_ended());
    may_end.release();
    worker.finish();
    REQUIRE(worker.has_ended());
    REQUIRE(done == round);
  }
}

TEST_CASE("rocks_worker_throws_what_its_task_threw_and_takes_the_next") {
  RocksWorker worker;
  worker.begin([] { throw std::runtime_error("no"); });
  REQUIRE_THROWS_AS(worker.finish(), std::runtime_error);
  worker.begin([] {});
  REQUIRE_NOTHROW(worker.finish());
}

TEST_CASE("rocks_worker_lets_go_of_a_task_before_its_end_is_seen") {
  RocksWorker worker;
  auto held = std::make_shared<int>(0);
  worker.begin([held] { ++*held; });
  worker.finish();
  REQUIRE(held.use_count() == 1);
}

TEST_CASE("rocks_worker_ends_a_task_before_it_ends_itself") {
  std::atomic<bool> done = false;
  {
    RocksWorker worker;
    worker.begin([&] { done = true; });
  }
  REQUIRE(done);
}

}  // namespace
}  // namespace database
