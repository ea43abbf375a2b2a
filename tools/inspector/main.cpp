// raft-log: looks into the data directory of a node.
#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include "inspector/finding.h"
#include "inspector/options.h"

namespace {

int run(int argc, char** argv) {
  using namespace inspector;
  CLI::App app(
      "Looks into the data directory of a raft-actor node: what its log holds, and whether "
      "all of it is whole.",
      "raft-log");
  Options options;
  Command command = nullptr;
  declare_options(app, options, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  if (options.raw && options.json) {
    fmt::print(stderr, "raft-log: --raw prints bytes, --json does not: one of both\n");
    return kUsage;
  }
  const int code = command(options);
  if (std::fflush(stdout) != 0) {
    throw Unreadable(fmt::format("cannot write the output: {}", std::strerror(errno)));
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  // Whoever reads the output and stops reading ends this quietly, even where it was started by a
  // program that ignores the signal.
  signal(SIGPIPE, SIG_DFL);
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "raft-log: {}\n", error.what());
    return inspector::kUnreadable;
  }
}
