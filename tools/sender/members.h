// The members of the cluster as the replies to `members` tell them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "client/ask_each.h"
#include "client/reply.h"

namespace sender {

struct Member {
  std::uint64_t id = 0;
  std::uint64_t priority = 0;
  std::string peer, client, publish;
  bool voter = false;
  bool promoting = false;                    // a learner that becomes a voter once it caught up
  std::optional<std::uint64_t> match_index;  // known to the leader alone
};

struct Members {
  std::uint64_t index = 0;  // of the configuration
  bool changing = false;    // a change of voters is under way
  std::vector<Member> members;

  [[nodiscard]] const Member* find(std::uint64_t id) const;
  // Whether the answering node knows how far the others are.
  [[nodiscard]] bool knows_progress() const;
};

// Nothing where the reply is none to `members`.
[[nodiscard]] std::optional<Members> read_members(const client::Reply& reply);

// The latest of the answers, and of several of one configuration the one that knows most: a node
// that was removed does not learn of what follows.
[[nodiscard]] std::optional<Members> latest_members(const std::vector<client::Answer>& answers);

// For people who wait: who is catching up, and how far.
[[nodiscard]] std::string describe_change(const Members& members);

}  // namespace sender
