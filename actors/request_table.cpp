#include "actors/request_table.h"

#include <stdexcept>
#include <utility>

#include "base/check.h"

namespace actors {
namespace {

// How long the row may be, in times of how many requests may wait.
constexpr std::size_t kRowsOfLimit = 2;

// The number before the first of this start; numbers of earlier starts must never come back.
raft::RequestNumber first_number(std::uint64_t starts) {
  if (starts >> (64 - raft::kRequestCounterBits) != 0) {
    throw std::runtime_error(
        "the data directory was started too often to number requests; replace the node");
  }
  return starts << raft::kRequestCounterBits;
}

}  // namespace

RequestTable::RequestTable(std::uint64_t starts, Limits limits)
    : limits_(limits),
      last_number_(first_number(starts)),
      highest_number_(last_number_ | ((std::uint64_t{1} << raft::kRequestCounterBits) - 1)) {}

bool RequestTable::full_for(const ClientAddress& client) const {
  const auto found = per_client_.find(client.routing_id);
  return found != per_client_.end() && found->second >= limits_.per_client;
}

raft::RequestNumber RequestTable::add(ClientAddress client, codec::RequestId id, RequestKind kind,
                                      raft::Milliseconds now) {
  if (last_number_ == highest_number_) {
    throw std::runtime_error("the request numbers of this start are used up; start the node again");
  }
  std::size_t& of_client = per_client_[client.routing_id];
  ++of_client;
  ++size_;
  if (row_.size() >= kRowsOfLimit * limits_.in_all) shorten_row();
  ++last_number_;
  row_.push_back(
      Place{{std::move(client), std::move(id), kind, now + limits_.timeout_ms}, &of_client});
  return last_number_;
}

std::optional<WaitingRequest> RequestTable::take(raft::RequestNumber number) {
  if (number > last_number_) return std::nullopt;
  if (number < first_in_row()) {
    const auto found = late_.find(number);
    if (found == late_.end()) return std::nullopt;
    return take_late(found);
  }
  if (number == first_in_row()) return take_first_in_row();
  std::optional<Place>& place = row_[number - first_in_row()];
  if (!place) return std::nullopt;
  WaitingRequest request = leave(*place);
  place.reset();
  return request;
}

std::optional<RequestTable::Numbered> RequestTable::take_expired(raft::Milliseconds now) {
  if (!late_.empty()) {
    const auto oldest = late_.begin();
    if (oldest->second.request.deadline > now) return std::nullopt;
    const raft::RequestNumber number = oldest->first;
    return Numbered{number, take_late(oldest)};
  }
  if (row_.empty() || row_.front()->request.deadline > now) return std::nullopt;
  const raft::RequestNumber number = first_in_row();
  return Numbered{number, take_first_in_row()};
}

// The first in it has waited for so long that many that came later are answered.
void RequestTable::shorten_row() {
  late_.emplace_hint(late_.end(), first_in_row(), std::move(*row_.front()));
  drop_first_in_row();
}

void RequestTable::drop_first_in_row() {
  row_.front().reset();
  while (!row_.empty() && !row_.front()) row_.pop_front();
}

WaitingRequest RequestTable::take_first_in_row() {
  WaitingRequest request = leave(*row_.front());
  drop_first_in_row();
  return request;
}

WaitingRequest RequestTable::take_late(std::map<raft::RequestNumber, Place>::iterator at) {
  WaitingRequest request = leave(at->second);
  late_.erase(at);
  return request;
}

WaitingRequest RequestTable::leave(Place& place) {
  CHECK(*place.of_client > 0, "a request in flight of a client that has none");
  if (--*place.of_client == 0) per_client_.erase(place.request.client.routing_id);
  --size_;
  return std::move(place.request);
}

}  // namespace actors
