// Command: what a client asks the state machine to do, and its encoding inside a log entry.
// docs/log-format.md specifies the bytes: a MessagePack array, its first element the kind.
#pragma once

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

// Views into the bytes that were decoded or are to be encoded.
using Command = std::variant<SetCommand, DeleteCommand, PublishCommand>;

[[nodiscard]] base::SharedBytes encode_command(const Command& command);
[[nodiscard]] base::Result<Command> decode_command(std::string_view bytes);

}  // namespace database
