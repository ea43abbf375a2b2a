// RocksWorker: has one task after the other done by a thread of RocksDB, while its owner goes on
// and asks for the end. What a task uses is the task's until then, or does not change. Private to
// src/database; one owner, one thread.
#pragma once

#include <functional>
#include <memory>

namespace database {

class RocksWorker {
 public:
  RocksWorker();
  // Waits for the end of a task.
  ~RocksWorker();
  RocksWorker(const RocksWorker&) = delete;
  RocksWorker& operator=(const RocksWorker&) = delete;

  // None is under way. What the task holds is destroyed on the other thread.
  void begin(std::function<void()> task);
  [[nodiscard]] bool has_ended() const;
  // Waits for the end, and throws what the last task threw.
  void finish();

 private:
  struct Task;
  // Never null. Kept by the thread too, which may look at it once more after its end is seen.
  std::shared_ptr<Task> last_;
};

}  // namespace database
