#include "database/worker.h"

#include <pthread.h>

#include <utility>

#include "base/check.h"

namespace database {

Worker::Worker(std::string name)
    : name_(std::move(name)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

void Worker::begin(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    CHECK(!busy_, "{}: a task while another one is under way", name_);
    busy_ = true;
    failure_ = nullptr;
    task_ = std::move(task);
  }
  begun_.notify_one();
}

bool Worker::has_ended() const {
  const std::lock_guard lock(mutex_);
  return !busy_;
}

void Worker::finish() {
  std::unique_lock lock(mutex_);
  ended_.wait(lock, [this] { return !busy_; });
  if (failure_) std::rethrow_exception(failure_);
}

void Worker::run(const std::stop_token& stop) {
  pthread_setname_np(pthread_self(), name_.c_str());
  std::unique_lock lock(mutex_);
  while (begun_.wait(lock, stop, [this] { return task_ != nullptr; })) {
    auto task = std::exchange(task_, nullptr);
    lock.unlock();
    std::exception_ptr failure;
    try {
      task();
    } catch (...) {
      failure = std::current_exception();
    }
    task = nullptr;
    lock.lock();
    failure_ = failure;
    busy_ = false;
    ended_.notify_all();
  }
}

}  // namespace database
