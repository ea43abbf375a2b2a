#include "raft/durability.h"

#include <algorithm>

namespace raft {

std::uint64_t Durability::order(Index last_index, bool with_hard_state, Milliseconds now) {
  ++last_number_;
  outstanding_.push_back({last_number_, last_index, now});
  if (with_hard_state) hard_state_number_ = last_number_;
  return last_number_;
}

void Durability::truncate_from(Index index) {
  durable_index_ = std::min(durable_index_, index - 1);
  for (Order& order : outstanding_) order.last_index = std::min(order.last_index, index - 1);
}

void Durability::reset(Index index) {
  durable_index_ = index;
  for (Order& order : outstanding_) order.last_index = std::min(order.last_index, index);
}

bool Durability::on_persisted(std::uint64_t number) {
  if (number <= done_number_ || number > last_number_) return false;
  done_number_ = number;
  while (!outstanding_.empty() && outstanding_.front().number <= number) {
    durable_index_ = std::max(durable_index_, outstanding_.front().last_index);
    outstanding_.pop_front();
  }
  return true;
}

}  // namespace raft
