// Counter: a number that only rises, written by one actor, read by any. Nothing is ever decided by
// it.
#pragma once

#include <atomic>
#include <cstdint>

namespace actors {

class Counter {
 public:
  void add(std::uint64_t amount = 1) {
    // One writer: no read-modify-write is needed.
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

}  // namespace actors
