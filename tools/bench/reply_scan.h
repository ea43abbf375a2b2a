// What the bench needs of a reply or a broadcast, read without building it: thousands of them a
// second must cost the tool less than they cost the nodes. Bytes from outside: bounds are checked
// at each step.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace bench {

struct ScannedReply {
  std::uint64_t id = 0;
  bool ok = false;
  std::uint64_t index = 0;  // in the log, of what a `set` did; 0: none told
  bool found = true;        // of a `get`
  bool has_leader = false;  // a hint: the node is not the leader
};

// Nothing where it is no map with an `id` that is an unsigned integer.
[[nodiscard]] std::optional<ScannedReply> scan_reply(std::string_view frame);

// The index in the log that the header of a broadcast tells; nothing where it tells none.
[[nodiscard]] std::optional<std::uint64_t> scan_index(std::string_view header);

}  // namespace bench
