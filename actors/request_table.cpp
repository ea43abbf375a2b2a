#include "actors/request_table.h"

#include <stdexcept>
#include <utility>

#include "base/check.h"

namespace actors {
namespace {

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
  ++last_number_;
  std::size_t& of_client = per_client_[client.routing_id];
  ++of_client;
  waiting_.emplace_hint(
      waiting_.end(), last_number_,
      Place{{std::move(client), std::move(id), kind, now + limits_.timeout_ms}, &of_client});
  return last_number_;
}

std::optional<WaitingRequest> RequestTable::take(raft::RequestNumber number) {
  // Most are answered in the order in which they came.
  auto found = waiting_.begin();
  if (found != waiting_.end() && found->first != number) found = waiting_.find(number);
  if (found == waiting_.end()) return std::nullopt;
  return remove(found);
}

std::optional<RequestTable::Numbered> RequestTable::take_expired(raft::Milliseconds now) {
  const auto oldest = waiting_.begin();
  if (oldest == waiting_.end() || oldest->second.request.deadline > now) return std::nullopt;
  const raft::RequestNumber number = oldest->first;
  return Numbered{number, remove(oldest)};
}

WaitingRequest RequestTable::remove(Places::iterator at) {
  Place place = std::move(at->second);
  waiting_.erase(at);
  CHECK(*place.of_client > 0, "a request in flight of a client that has none");
  if (--*place.of_client == 0) per_client_.erase(place.request.client.routing_id);
  return std::move(place.request);
}

}  // namespace actors
