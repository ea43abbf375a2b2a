// Broadcasts as zmq-send prints them, and pages of past ones from `replay`.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/client.h"
#include "client/reply.h"

namespace sender {

// Views, valid as long as the message or reply that it was read from.
struct Broadcast {
  std::string_view topic;
  client::Fields header;
  std::string_view payload;

  [[nodiscard]] std::optional<std::uint64_t> index() const { return header.integer("index"); }
};

inline constexpr std::string_view kStatusTopic = "raft/status";

void print_broadcast(const Broadcast& broadcast, bool json);

// The topics that the user asked for; all changes where there are none.
[[nodiscard]] std::vector<std::string> topics_or_all(const std::vector<std::string>& prefixes);

struct Page {
  client::Outcome outcome;            // of the request; what follows is valid where it is ok
  std::vector<Broadcast> broadcasts;  // in order; views into the outcome
  std::uint64_t complete_to = 0;
};

inline constexpr std::uint64_t kPageSize = 1000;

[[nodiscard]] Page read_page(client::Outcome outcome);

// The lowest index that `outcome`, a refusal of `replay`, says is still kept; nothing where it is
// another failure.
[[nodiscard]] std::optional<std::uint64_t> first_kept_index(const client::Outcome& outcome);

}  // namespace sender
