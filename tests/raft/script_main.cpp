// raft-scripts [--rewrite] [FILE...]: runs scripts, all of them where none is named, and prints
// how their outcome differs from what stands in them; or writes the outcome into them.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "script_commands.h"
#include "script_file.h"
#include "script_runner.h"

namespace {

// True where the script prints what stands in it, or now does.
bool run(const std::filesystem::path& path, bool rewrite) {
  const std::string text = raft::read_script(path);
  const std::string outcome = raft::run_script(path.string(), text);
  const std::string difference = raft::unified_diff(path.string(), text, outcome);
  std::fputs(difference.c_str(), stdout);
  if (!rewrite || outcome == text) return outcome == text;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << outcome;
  file.close();
  if (!file) throw raft::ScriptError(path.string() + ": cannot be written");
  return true;
}

void print_usage() {
  std::printf("usage: raft-scripts [--rewrite] [FILE...]\n\ncommands of a script:\n%s",
              raft::describe_commands().c_str());
}

}  // namespace

int main(int count, char** values) {
  bool rewrite = false;
  std::vector<std::filesystem::path> paths;
  for (int each = 1; each < count; ++each) {
    const std::string_view argument = values[each];
    if (argument == "--rewrite") {
      rewrite = true;
    } else if (argument.starts_with("-")) {
      print_usage();
      return argument == "--help" ? 0 : 2;
    } else {
      paths.emplace_back(argument);
    }
  }
  if (paths.empty()) paths = raft::all_scripts();
  bool same = true;
  for (const auto& path : paths) {
    try {
      same = run(path, rewrite) && same;
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      same = false;
    }
  }
  return same ? 0 : 1;
}
