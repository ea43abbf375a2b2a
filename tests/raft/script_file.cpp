#include "script_file.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace raft {
namespace {

constexpr std::string_view kSeparator = "----";

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace

std::string_view command_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

Script parse_script(const std::string& name, std::string_view text) {
  const std::vector<std::string> lines = split_lines(text);
  Script script;
  ScriptBlock block{1, {}, {}};
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (lines[at] != kSeparator) {
      block.lines.push_back(lines[at]);
      continue;
    }
    for (++at; at < lines.size() && !lines[at].empty(); ++at) block.expected += lines[at] + "\n";
    script.blocks.push_back(std::move(block));
    block = {at + 2, {}, {}};
  }
  for (std::size_t each = 0; each < block.lines.size(); ++each) {
    if (command_of(block.lines[each]).empty()) continue;
    throw ScriptError(fmt::format("{}:{}: no line \"{}\" follows this command", name,
                                  block.first_line + each, kSeparator));
  }
  script.trailing = std::move(block.lines);
  if (script.blocks.empty()) throw ScriptError(fmt::format("{}:1: no commands", name));
  return script;
}

std::string render_script(const Script& script, const std::vector<std::string>& outputs) {
  CHECK(outputs.size() == script.blocks.size(), "{} outputs of {} blocks", outputs.size(),
        script.blocks.size());
  std::string text;
  for (std::size_t each = 0; each < outputs.size(); ++each) {
    for (const std::string& line : script.blocks[each].lines) text += line + "\n";
    text += fmt::format("{}\n{}", kSeparator, outputs[each]);
    if (each + 1 < outputs.size() || !script.trailing.empty()) text += "\n";
  }
  for (const std::string& line : script.trailing) text += line + "\n";
  return text;
}

}  // namespace raft
