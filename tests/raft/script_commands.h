// The commands of a script. Each is one function; the table names them all, and
// `raft-scripts --help` prints it.
#pragma once

#include <string>
#include <string_view>

#include "script_stage.h"

namespace raft {

// Carries out one line; throws ScriptError with one sentence where it cannot.
void run_command(Stage& stage, std::string_view line);

// Every command with its words and what it does, a line each.
[[nodiscard]] std::string describe_commands();

}  // namespace raft
