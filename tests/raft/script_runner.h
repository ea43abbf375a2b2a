// Runs scripts, and compares what they print with what stands in them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace raft {

// The text of the script with what it prints now. Throws ScriptError, one sentence with `name` and
// the line, where the script is wrong.
[[nodiscard]] std::string run_script(const std::string& name, std::string_view text);

// The scripts that come with the tests, by name.
[[nodiscard]] std::vector<std::filesystem::path> all_scripts();
[[nodiscard]] std::string read_script(const std::filesystem::path& path);

// In the unified format with three lines around each change; empty where they are equal.
[[nodiscard]] std::string unified_diff(const std::string& name, std::string_view expected,
                                       std::string_view actual);

}  // namespace raft
