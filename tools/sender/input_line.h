// The lines of --input: each one request, in words with the quoting of a shell, or as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "client/request.h"

namespace sender {

struct InputRequest {
  client::Request request;
  std::string read_key;  // of a `get`; empty for all others
};

// Nothing where the line is empty or a comment, which begins with '#'.
[[nodiscard]] base::Result<std::optional<InputRequest>> parse_input_line(std::string_view line);

// Words as a shell would split them: blanks separate, '…' keeps everything, "…" everything but \"
// and
// \\, a backslash the next character.
[[nodiscard]] base::Result<std::vector<std::string>> split_words(std::string_view line);

}  // namespace sender
