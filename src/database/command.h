// Command: what a client asks the state machine to do, and its encoding inside a log entry.
// docs/log-format.md specifies the bytes: a MessagePack array, its first element the kind.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"

namespace database {

struct SetCommand {
  std::string_view key;
  std::string_view value;
};
struct DeleteCommand {
  std::string_view key;
};
struct PublishCommand {
  std::string_view channel;
  std::string_view value;
};

using Write = std::variant<SetCommand, DeleteCommand, PublishCommand>;

// The node that takes the request fills in both numbers from its settings, so that all nodes
// decide by the same ones.
struct OpenSessionCommand {
  std::uint64_t timeout_ms;    // of the log's time
  std::uint64_t max_sessions;  // live ones, this one included
};
struct CloseSessionCommand {
  std::uint64_t session;
};
// A write that takes effect once, however often it is in the log.
struct SessionCommand {
  std::uint64_t session;
  std::uint64_t seq;  // from 1, the client's number of its request
  Write write;
};

// Views into the bytes that were decoded or are to be encoded.
using Command = std::variant<SetCommand, DeleteCommand, PublishCommand, OpenSessionCommand,
                             CloseSessionCommand, SessionCommand>;

[[nodiscard]] base::SharedBytes encode_command(const Command& command);
[[nodiscard]] base::Result<Command> decode_command(std::string_view bytes);

}  // namespace database
