#include "script_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "script_commands.h"
#include "script_file.h"

namespace raft {
namespace {

constexpr std::size_t kContextLines = 3;

struct DiffLine {
  char mark;  // ' ', '-' or '+'
  std::string_view text;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// By the longest common subsequence; scripts are short.
std::vector<DiffLine> compare(const std::vector<std::string_view>& expected,
                              const std::vector<std::string_view>& actual) {
  const std::size_t rows = expected.size();
  const std::size_t columns = actual.size();
  std::vector<std::vector<std::size_t>> common(rows + 1, std::vector<std::size_t>(columns + 1, 0));
  for (std::size_t i = rows; i-- > 0;) {
    for (std::size_t j = columns; j-- > 0;) {
      common[i][j] = expected[i] == actual[j] ? common[i + 1][j + 1] + 1
                                              : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<DiffLine> lines;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < rows || j < columns) {
    if (i < rows && j < columns && expected[i] == actual[j]) {
      lines.push_back({' ', expected[i++]});
      ++j;
    } else if (i < rows && (j == columns || common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back({'-', expected[i++]});
    } else {
      lines.push_back({'+', actual[j++]});
    }
  }
  return lines;
}

std::string hunk(const std::vector<DiffLine>& lines, std::size_t begin, std::size_t end) {
  const auto count = [&](std::size_t first, std::size_t last, char other) {
    return std::count_if(lines.begin() + static_cast<std::ptrdiff_t>(first),
                         lines.begin() + static_cast<std::ptrdiff_t>(last),
                         [&](const DiffLine& line) { return line.mark != other; });
  };
  std::string text =
      fmt::format("@@ -{},{} +{},{} @@\n", count(0, begin, '+') + 1, count(begin, end, '+'),
                  count(0, begin, '-') + 1, count(begin, end, '-'));
  for (std::size_t at = begin; at < end; ++at) {
    text += fmt::format("{}{}\n", lines[at].mark, lines[at].text);
  }
  return text;
}

}  // namespace

std::string run_script(const std::string& name, std::string_view text) {
  const Script script = parse_script(name, text);
  Stage stage;
  std::vector<std::string> outputs;
  for (const ScriptBlock& block : script.blocks) {
    for (std::size_t each = 0; each < block.lines.size(); ++each) {
      const std::string_view command = command_of(block.lines[each]);
      if (command.empty()) continue;
      try {
        run_command(stage, command);
      } catch (const ScriptError& error) {
        throw ScriptError(fmt::format("{}:{}: {}", name, block.first_line + each, error.what()));
      }
    }
    outputs.push_back(stage.take_told());
  }
  return render_script(script, outputs);
}

std::vector<std::filesystem::path> all_scripts() {
  std::vector<std::filesystem::path> paths;
  for (const auto& each : std::filesystem::directory_iterator(RAFT_SCRIPTS_DIRECTORY)) {
    if (each.path().extension() == ".txt") paths.push_back(each.path());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string read_script(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) throw ScriptError(fmt::format("{}: cannot be read", path.string()));
  return text;
}

std::string unified_diff(const std::string& name, std::string_view expected,
                         std::string_view actual) {
  const auto lines = compare(lines_of(expected), lines_of(actual));
  std::string text;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (lines[at].mark == ' ') continue;
    const std::size_t begin = at - std::min(at, kContextLines);
    std::size_t last_change = at;
    while (at < lines.size() && at <= last_change + 2 * kContextLines) {
      if (lines[at].mark != ' ') last_change = at;
      ++at;
    }
    const std::size_t end = std::min(last_change + kContextLines + 1, lines.size());
    text += hunk(lines, begin, end);
    at = end - 1;
  }
  if (text.empty()) return text;
  return fmt::format("--- {0} (expected)\n+++ {0} (actual)\n{1}", name, text);
}

}  // namespace raft
