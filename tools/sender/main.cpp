// zmq-send: the command line of the public protocol.
#include <fmt/format.h>
#include <signal.h>

#include <exception>

#include "client/endpoints.h"
#include "sender/commands.h"
#include "sender/options.h"

namespace {

int run(int argc, char** argv) {
  using namespace sender;
  CLI::App app("Sends requests to a raft-actor cluster, and listens to its broadcasts.",
               "zmq-send");
  Options options;
  Command command;
  declare_options(app, options, command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  if (!options.input.empty()) {
    if (command) throw client::UsageError("--input takes the requests from a file: no command");
    command = run_input;
  }
  if (!command) throw client::UsageError("nothing to do; `zmq-send --help` shows the commands");
  return command(options);
}

}  // namespace

int main(int argc, char** argv) {
  // Whoever reads the output and stops reading ends this quietly, even where it was started by a
  // program that ignores the signal.
  signal(SIGPIPE, SIG_DFL);
  try {
    return run(argc, argv);
  } catch (const client::UsageError& error) {
    fmt::print(stderr, "zmq-send: {}\n", error.what());
    return sender::kUsage;
  } catch (const std::exception& error) {
    fmt::print(stderr, "zmq-send: {}\n", error.what());
    return sender::kNoAnswer;
  }
}
