// The table of requests that wait: numbers, limits, and whose time is up.
#include "actors/request_table.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"

using actors::ClientAddress;
using actors::RequestKind;
using actors::RequestTable;

namespace {

ClientAddress client(const std::string& routing_id) { return {routing_id, {}}; }

raft::RequestNumber add(RequestTable& table, const std::string& routing_id,
                        raft::Milliseconds now) {
  return table.add(client(routing_id), "\x01", RequestKind::kWrite, now);
}

}  // namespace

TEST_CASE("a_request_is_taken_once") {
  RequestTable table(1, {.in_all = 10, .per_client = 10, .timeout_ms = 100});
  const auto first = add(table, "a", 0);
  const auto second = add(table, "b", 0);
  REQUIRE(second == first + 1);
  REQUIRE(table.take(second)->client.routing_id == "b");
  REQUIRE_FALSE(table.take(second));
  REQUIRE(table.take(first)->client.routing_id == "a");
  REQUIRE_FALSE(table.take(first + 2));
  REQUIRE(table.size() == 0);
  REQUIRE(table.clients() == 0);
}

TEST_CASE("numbers_of_another_start_are_others") {
  RequestTable table(1, {.in_all = 10, .per_client = 10, .timeout_ms = 100});
  RequestTable next(2, {.in_all = 10, .per_client = 10, .timeout_ms = 100});
  const auto number = add(table, "a", 0);
  REQUIRE_FALSE(next.take(number));
  REQUIRE(add(next, "a", 0) > number);
}

TEST_CASE("the_table_is_full_for_one_client_or_for_all") {
  RequestTable table(1, {.in_all = 3, .per_client = 2, .timeout_ms = 100});
  const auto first = add(table, "a", 0);
  REQUIRE_FALSE(table.full_for(client("a")));
  static_cast<void>(add(table, "a", 0));
  REQUIRE(table.full_for(client("a")));
  REQUIRE_FALSE(table.full_for(client("b")));
  REQUIRE_FALSE(table.full());
  static_cast<void>(add(table, "b", 0));
  REQUIRE(table.full());
  REQUIRE(table.take(first));
  REQUIRE_FALSE(table.full());
  REQUIRE_FALSE(table.full_for(client("a")));
}

TEST_CASE("requests_expire_in_the_order_in_which_they_came_but_for_those_that_were_answered") {
  // So few that some wait while many that came later are answered.
  RequestTable table(1, {.in_all = 400, .per_client = 400, .timeout_ms = 1000});
  base::Random random(3);
  struct Waiting {
    raft::RequestNumber number;
    raft::Milliseconds deadline;
    std::string client;
  };
  std::vector<Waiting> waiting;
  std::map<std::string, std::size_t> waiting_of;
  const auto leave = [&](std::vector<Waiting>::iterator at) {
    if (--waiting_of[at->client] == 0) waiting_of.erase(at->client);
    waiting.erase(at);
  };
  raft::RequestNumber oldest = 0;
  for (raft::Milliseconds now = 0; now < 5000; ++now) {
    // Now all, and now none of a client's are answered.
    const std::string client = std::to_string(now / 100 % 7);
    waiting.push_back({add(table, client, now), now + 1000, client});
    ++waiting_of[client];
    if (random.chance(2, 3)) {
      const auto answered =
          waiting.begin() + static_cast<std::ptrdiff_t>(random.between(0, waiting.size() - 1));
      const auto taken = table.take(answered->number);
      REQUIRE((taken && taken->client.routing_id == answered->client));
      leave(answered);
    }
    while (const auto expired = table.take_expired(now)) {
      REQUIRE(waiting.front().deadline <= now);
      REQUIRE(expired->number > oldest);
      REQUIRE(expired->number == waiting.front().number);
      oldest = expired->number;
      leave(waiting.begin());
    }
    REQUIRE((waiting.empty() || waiting.front().deadline > now));
    REQUIRE(table.size() == waiting.size());
    REQUIRE(table.clients() == waiting_of.size());
  }
  REQUIRE(oldest > 0);
}
