// Durability: which of the core's state is on disk, by the numbers of its Persist orders. An
// acknowledgement credits only what its own order wrote and no later order has replaced (A14).
#pragma once

#include <cstdint>
#include <deque>

#include "raft/types.h"

namespace raft {

class Durability {
 public:
  explicit Durability(Index durable_index) : durable_index_(durable_index) {}

  // A new order that leaves the log ending at last_index; returns its number. `now`: of the order.
  std::uint64_t order(Index last_index, bool with_hard_state, Milliseconds now);
  // `index` and all after it are replaced by orders to come.
  void truncate_from(Index index);
  // A snapshot on disk stands for all up to `index`; what the log had is given up.
  void reset(Index index);
  // Orders up to `number` are done. False where no such order is outstanding.
  [[nodiscard]] bool on_persisted(std::uint64_t number);

  [[nodiscard]] Index durable_index() const { return durable_index_; }
  [[nodiscard]] bool idle() const { return outstanding_.empty(); }
  [[nodiscard]] bool hard_state_durable() const { return hard_state_number_ <= done_number_; }
  [[nodiscard]] std::size_t outstanding() const { return outstanding_.size(); }
  // How long the oldest order has been waiting for the disk; 0 where none is.
  [[nodiscard]] Milliseconds waiting(Milliseconds now) const {
    return outstanding_.empty() ? 0 : now - outstanding_.front().given_at;
  }

 private:
  struct Order {
    std::uint64_t number;
    Index last_index;
    Milliseconds given_at;
  };
  std::deque<Order> outstanding_;
  std::uint64_t last_number_ = 0;
  std::uint64_t done_number_ = 0;
  std::uint64_t hard_state_number_ = 0;  // of the newest order with a hard state
  Index durable_index_;
};

}  // namespace raft
