#include "database/rocks_worker.h"

#include <rocksdb/env.h>

#include <atomic>
#include <exception>
#include <utility>

#include "base/check.h"

namespace database {

struct RocksWorker::Task {
  std::function<void()> work;
  std::exception_ptr failure;
  std::atomic<bool> ended = false;

  static void run(void* handle) {
    const std::unique_ptr<std::shared_ptr<Task>> held(static_cast<std::shared_ptr<Task>*>(handle));
    Task& task = **held;
    try {
      task.work();
    } catch (...) {
      task.failure = std::current_exception();
    }
    task.work = nullptr;
    task.ended.store(true, std::memory_order_release);
    task.ended.notify_one();
  }
};

RocksWorker::RocksWorker() : last_(std::make_shared<Task>()) {
  last_->ended = true;
  // One beside that for flushes, of which RocksDB does one at a time, as it is set up here.
  rocksdb::Env::Default()->IncBackgroundThreadsIfNeeded(2, rocksdb::Env::Priority::HIGH);
}

RocksWorker::~RocksWorker() { last_->ended.wait(false, std::memory_order_acquire); }

void RocksWorker::begin(std::function<void()> task) {
  CHECK(has_ended(), "a task while another one is under way");
  last_ = std::make_shared<Task>();
  last_->work = std::move(task);
  auto handle = std::make_unique<std::shared_ptr<Task>>(last_);
  rocksdb::Env::Default()->Schedule(&Task::run, handle.release(), rocksdb::Env::Priority::HIGH);
}

bool RocksWorker::has_ended() const { return last_->ended.load(std::memory_order_acquire); }

void RocksWorker::finish() {
  last_->ended.wait(false, std::memory_order_acquire);
  if (last_->failure) std::rethrow_exception(last_->failure);
}

}  // namespace database
