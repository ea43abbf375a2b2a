// A script: blocks of commands, each followed by a line `----` and what the commands print, up to
// the next empty line. Everything but the printed part is kept as it was written.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace raft {

// What is wrong with a script, as one sentence.
class ScriptError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct ScriptBlock {
  std::size_t first_line;          // in the file, from 1
  std::vector<std::string> lines;  // commands, comments and empty lines, as written
  std::string expected;            // printed by the commands; empty, or ends with a line end
};

struct Script {
  std::vector<ScriptBlock> blocks;
  std::vector<std::string> trailing;  // comments and empty lines after the last block
};

// A line without its comment and the spaces around it.
[[nodiscard]] std::string_view command_of(std::string_view line);

// `name` stands in the errors.
[[nodiscard]] Script parse_script(const std::string& name, std::string_view text);
// The script with other outputs, one a block.
[[nodiscard]] std::string render_script(const Script& script,
                                        const std::vector<std::string>& outputs);

}  // namespace raft
