// Worker: a thread that does one task after the other for its owner, who goes on meanwhile and asks
// for the end. Private to src/database; one owner, one thread but for the task.
#pragma once

#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

namespace database {

class Worker {
 public:
  // Of at most 15 characters, pthread_setname_np(3).
  explicit Worker(std::string name);
  // A task that was begun is done first.
  ~Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // None is under way. What the task holds is destroyed on the thread of the worker.
  void begin(std::function<void()> task);
  [[nodiscard]] bool has_ended() const;
  // Waits for the end, and throws what the last task threw.
  void finish();

 private:
  void run(const std::stop_token& stop);

  const std::string name_;
  mutable std::mutex mutex_;  // of what follows
  std::condition_variable_any begun_;
  std::condition_variable ended_;
  std::function<void()> task_;
  bool busy_ = false;
  std::exception_ptr failure_;
  std::jthread thread_;  // last: it ends before what it uses
};

}  // namespace database
