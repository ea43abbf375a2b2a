#include "sender/options.h"

#include "sender/commands.h"

namespace sender {
namespace {

constexpr const char* kFooter = R"(
Examples:
  zmq-send set colour blue
  zmq-send get colour
  zmq-send publish news "hello"
  zmq-send subscribe kv/ ch/news
  zmq-send status
  zmq-send --input requests.txt

Nodes: those of --to, else of --config, else of the files in the folders of
RAFT_ACTOR_CONFIG_PATH, else tcp://127.0.0.1:4111 to 4115. When one does not answer the next is
tried, and the leader is found by itself.

Sent again: what a node did not take; reads; and `set` and `delete` whose outcome is unknown, as
they leave the same state when they take effect twice (--once forbids it). A `publish` that a node
may have taken is never sent again.

JSON: one object a line. Bytes that are not UTF-8 appear as {"base64": "..."}.

A value that begins with '-' stands behind '--': zmq-send set temperature -- -5

Exit codes: 0 success; 1 the key is not there; 2 wrong usage; 3 no answer, or an error reply.)";

CLI::App* add_command(CLI::App& app, Command& command, const std::string& name,
                      const std::string& description, const std::string& examples,
                      Command function) {
  CLI::App* sub = app.add_subcommand(name, description);
  sub->fallthrough();  // --to and its like may stand behind the command
  sub->footer("\nExamples:\n" + examples);
  sub->callback([&command, function] { command = function; });
  return sub;
}

void add_value(CLI::App* sub, Options& options, const std::string& name) {
  auto* value = sub->add_option("value", options.value, name + "; '-' reads it from stdin")
                    ->each([&options](const std::string&) { options.value_given = true; });
  sub->add_option("--file", options.file, "Take it from this file instead")->excludes(value);
}

void declare_key_commands(CLI::App& app, Options& options, Command& command) {
  CLI::App* set =
      add_command(app, command, "set", "Set a key",
                  "  zmq-send set colour blue\n  zmq-send set picture --file sunset.png\n"
                  "  date | zmq-send set today -",
                  run_set);
  set->add_option("key", options.key, "The key")->required();
  add_value(set, options, "The value");
  CLI::App* get = add_command(
      app, command, "get", "Print the bytes of a key's value, and nothing else",
      "  zmq-send get colour\n  zmq-send get picture > sunset.png\n  zmq-send get colour --local",
      run_get);
  get->add_option("key", options.key, "The key")->required();
  get->add_flag("--local", options.local,
                "Take what the asked node has, which may be old, instead of the latest");
  CLI::App* remove = add_command(app, command, "delete", "Delete a key (exit 1: it was not there)",
                                 "  zmq-send delete colour", run_delete);
  remove->add_option("key", options.key, "The key")->required();
  CLI::App* publish =
      add_command(app, command, "publish", "Publish a message on a channel, at every node",
                  "  zmq-send publish news hello\n  uptime | zmq-send publish news -", run_publish);
  publish->add_option("channel", options.key, "The channel")->required();
  add_value(publish, options, "The message");
}

void declare_broadcast_commands(CLI::App& app, Options& options, Command& command) {
  const char* prefixes = "Beginnings of topics: kv/KEY, ch/CHANNEL, raft/status; none: kv/ and ch/";
  CLI::App* subscribe = add_command(
      app, command, "subscribe",
      "Print broadcasts as they come, until Ctrl-C\n"
      "It listens to one node, says on stderr where messages of a channel are missing, and moves "
      "to "
      "another node when one is silent for three seconds. With --complete every broadcast is "
      "printed once, in order, without a hole.",
      "  zmq-send subscribe kv/ ch/news\n  zmq-send subscribe --complete --after 0 ch/\n"
      "  zmq-send subscribe --count 1 kv/colour --json\n"
      "  zmq-send subscribe --publish-endpoint tcp://127.0.0.1:5111 raft/status",
      run_subscribe);
  subscribe->add_option("prefix", options.prefixes, prefixes);
  subscribe->add_option("--count", options.count, "End after this many")
      ->check(CLI::PositiveNumber);
  auto* complete = subscribe->add_flag("--complete", options.complete,
                                       "Fetch with `replay` whatever the socket did not bring");
  subscribe->add_option("--after", options.after, "With --complete: begin behind this index")
      ->needs(complete);
  subscribe
      ->add_option("--publish-endpoint", options.publish_endpoints,
                   "Listen here, instead of where `status` of the nodes says (repeatable)")
      ->expected(1)
      ->take_all();
  CLI::App* replay =
      add_command(app, command, "replay", "Print past broadcasts, those of an index above --after",
                  "  zmq-send replay --after 0 ch/\n"
                  "  zmq-send replay --after 1200 kv/ --count 10 --json",
                  run_replay);
  replay->add_option("prefix", options.prefixes, prefixes);
  replay->add_option("--after", options.after, "The index that the first one lies behind")
      ->required();
  replay->add_option("--count", options.count, "End after this many")->check(CLI::PositiveNumber);
}

void declare_cluster_commands(CLI::App& app, Options& options, Command& command) {
  add_command(app, command, "status", "A table of all members that can be reached",
              "  zmq-send status\n  zmq-send status --json", run_status);
  add_command(app, command, "debug", "Print a node's state, and have it written to the node's log",
              "  zmq-send debug --to tcp://127.0.0.1:4113", run_debug);
  CLI::App* raw = add_command(
      app, command, "raw", "Send any JSON as a request; prints the reply as JSON",
      "  zmq-send raw '{\"op\": \"get\", \"key\": \"colour\"}'\n"
      "  zmq-send raw '{\"op\": \"set\", \"key\": \"a\", \"value\": {\"base64\": \"/w==\"}}'",
      run_raw);
  raw->add_option("json", options.value, "The request; {\"base64\": \"...\"} stands for bytes")
      ->required();
}

}  // namespace

void declare_options(CLI::App& app, Options& options, Command& command) {
  app.set_version_flag("--version", "zmq-send " RAFT_ACTOR_VERSION);
  app.footer(kFooter);
  app.require_subcommand(0, 1);
  app.add_option("--to", options.to, "The client endpoint of a node (repeatable)")
      ->expected(1)
      ->take_all()
      ->type_name("ENDPOINT");
  app.add_option("--config", options.config, "Take the endpoints of a node's configuration file")
      ->type_name("FILE");
  app.add_option("--timeout", options.timeout_s,
                 "Seconds a request may take, over all its attempts")
      ->check(CLI::Range(0.001, 86400.0))
      ->capture_default_str();
  app.add_flag("--json", options.json, "Machine-readable lines");
  app.add_flag("--once", options.once, "Never send a write again when its outcome is unknown");
  auto* input = app.add_option(
      "--input", options.input,
      "Send the requests of a file, one a line; '-' is stdin. A line is `set KEY VALUE`, "
      "`get KEY`, `delete KEY` or `publish CHANNEL VALUE` with the quoting of a shell, or a JSON "
      "object as for raw. Lines are sent side by side, so their order is not kept unless "
      "--in-flight is 1");
  input->type_name("FILE");
  app.add_option("--in-flight", options.in_flight, "With --input: requests under way at once")
      ->needs(input)
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  declare_key_commands(app, options, command);
  declare_broadcast_commands(app, options, command);
  declare_cluster_commands(app, options, command);
}

}  // namespace sender
