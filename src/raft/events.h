// What happens to a server, in the past tense. The core learns of the world only through these.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "base/bytes.h"
#include "raft/messages.h"
#include "raft/types.h"

namespace raft {

// The clock ticked. Ticks may be late or missing; time may jump forward, never back.
struct TickElapsed {
  Milliseconds now;
};

// A message that is addressed to this server and passed the guards of the codec.
struct MessageReceived {
  NodeId from;
  Message message;
};

// A client of this node wants `command` in the replicated log.
struct CommandSubmitted {
  RequestNumber request;
  base::SharedBytes command;
};

// A client of this node wants a read that sees everything acknowledged before now.
struct ReadRequested {
  RequestNumber request;
};

// Nobody waits for this request any more (it timed out): forget it.
struct RequestExpired {
  RequestNumber request;
};

// Everything handed out up to Persist number `number` is on disk. In the order of the numbers.
struct Persisted {
  std::uint64_t number;
};

// The state machine has applied everything up to `index`.
struct EntriesApplied {
  Index index;
};

// Answers FetchEntries: entries read back from this node's own log, consecutive, from the index
// that was asked for. At least one.
struct EntriesFetched {
  std::optional<NodeId> peer;  // as in the effect
  std::vector<Entry> entries;
};

using Event = std::variant<TickElapsed, MessageReceived, CommandSubmitted, ReadRequested,
                           RequestExpired, Persisted, EntriesApplied, EntriesFetched>;

}  // namespace raft
