#include "sender/options.h"

#include "sender/commands.h"

namespace sender {
namespace {

constexpr int kMaxNodeId = 65535;

constexpr const char* kFooter = R"(
Examples:
  zmq-send set colour blue
  zmq-send get colour
  zmq-send publish news "hello"
  zmq-send subscribe kv/ ch/news
  zmq-send status
  zmq-send join --config node6.toml
  zmq-send --input requests.txt

Nodes: those of --to, else of --config, else of the files in the folders of
RAFT_ACTOR_CONFIG_PATH, else tcp://127.0.0.1:4111 to 4115. When one does not answer the next is
tried, and the leader is found by itself.

Sent again: what a node did not take; reads; and `set` and `delete` whose outcome is unknown, as
they leave the same state when they take effect twice (--once forbids it). A `publish` that a node
may have taken is never sent again. With --retry each of the three is sent until it is answered, and
takes effect exactly once: under a session, in which the cluster knows it again.

JSON: one object a line. Bytes that are not UTF-8 appear as {"base64": "..."}.

A value that begins with '-' stands behind '--': zmq-send set temperature -- -5

Exit codes: 0 success; 1 the key or session is not there; 2 wrong usage; 3 no answer, an error
reply, a file that cannot be written, or a change of the cluster that is not complete in time.)";

constexpr const char* kWaiting =
    "It waits until the change is complete, at most --timeout; the cluster goes on with it in any "
    "case.";

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

void add_exactly_once(CLI::App* sub, Options& options) {
  auto* retry = sub->add_flag("--retry", options.retry,
                              "Send it until it is answered, at whichever node; it takes effect "
                              "exactly once");
  auto* session = sub->add_option("--session", options.session,
                                  "Send it under this session: a number of `zmq-send session`")
                      ->check(CLI::PositiveNumber)
                      ->excludes(retry);
  auto* seq = sub->add_option("--seq", options.seq,
                              "With --session: the number of this write, 1, 2, 3 ...; what is sent "
                              "again under one number takes effect once")
                  ->check(CLI::PositiveNumber)
                  ->needs(session);
  session->needs(seq);
}

void declare_key_commands(CLI::App& app, Options& options, Command& command) {
  CLI::App* set =
      add_command(app, command, "set", "Set a key",
                  "  zmq-send set colour blue\n  zmq-send set picture --file sunset.png\n"
                  "  date | zmq-send set today -\n  zmq-send set colour green --session 17 --seq 1",
                  run_set);
  set->add_option("key", options.key, "The key")->required();
  add_value(set, options, "The value");
  add_exactly_once(set, options);
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
  add_exactly_once(remove, options);
  CLI::App* publish =
      add_command(app, command, "publish", "Publish a message on a channel, at every node",
                  "  zmq-send publish news hello\n  uptime | zmq-send publish news -\n"
                  "  zmq-send publish orders 4711 --retry --timeout 60",
                  run_publish);
  publish->add_option("channel", options.key, "The channel")->required();
  add_value(publish, options, "The message");
  add_exactly_once(publish, options);
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

void add_node(CLI::App* sub, Options& options, const std::string& description, bool required) {
  sub->add_option("node", options.node, description)
      ->check(CLI::Range(1, kMaxNodeId))
      ->required(required);
}

void add_no_wait(CLI::App* sub, Options& options) {
  sub->add_flag("--no-wait", options.no_wait, "Do not wait until the change is complete");
}

void declare_join(CLI::App& app, Options& options, Command& command) {
  CLI::App* join = add_command(
      app, command, "join",
      std::string("Let a node in: it gets the log, and becomes a voter once it caught up\n"
                  "Its id and endpoints are those of its --config; the nodes to ask are those of "
                  "--to, or the other members in that file. A member that moved need not join again: "
                  "it says itself where it is found. ") +
          kWaiting,
      "  zmq-send join --config node6.toml\n  zmq-send join --config node6.toml --replace 2\n"
      "  zmq-send join --config node6.toml --learner --to tcp://127.0.0.1:4111\n"
      "  zmq-send join --node 6 --peer tcp://10.0.0.6:3116 --client tcp://10.0.0.6:4116 "
      "--publish tcp://10.0.0.6:5116",
      run_join);
  join->add_option("--node", options.node, "Its id, instead of --config")
      ->check(CLI::Range(1, kMaxNodeId));
  join->add_option("--peer", options.peer_endpoint, "Its endpoint for other nodes")
      ->type_name("ENDPOINT");
  join->add_option("--client", options.client_endpoint, "Its endpoint for requests")
      ->type_name("ENDPOINT");
  join->add_option("--publish", options.publish_endpoint, "Its endpoint for subscribers")
      ->type_name("ENDPOINT");
  join->add_option("--replace", options.replaces,
                   "A member that leaves in the same step (repeatable)")
      ->check(CLI::Range(1, kMaxNodeId))
      ->expected(1)
      ->take_all()
      ->type_name("ID");
  join->add_option("--priority", options.priority,
                   "Leadership settles on the highest that can have it")
      ->check(CLI::Range(std::uint64_t{0}, std::uint64_t{UINT32_MAX}))
      ->capture_default_str();
  join->add_flag("--learner", options.learner, "It stays a learner: a replica without a vote");
  add_no_wait(join, options);
}

void declare_membership_commands(CLI::App& app, Options& options, Command& command) {
  add_command(app, command, "members",
              "A table of the members: who votes, who learns, and how far each is",
              "  zmq-send members\n  zmq-send members --json", run_members);
  declare_join(app, options, command);
  CLI::App* leave = add_command(app, command, "leave", std::string("Remove a member. ") + kWaiting,
                                "  zmq-send leave 3\n  zmq-send leave 3 --no-wait", run_leave);
  add_node(leave, options, "The member", true);
  add_no_wait(leave, options);
  CLI::App* promote =
      add_command(app, command, "promote",
                  std::string("Make a learner a voter, once it caught up. ") + kWaiting,
                  "  zmq-send promote 6\n  zmq-send promote 6 --timeout 600", run_promote);
  add_node(promote, options, "The learner", true);
  add_no_wait(promote, options);
  CLI::App* transfer =
      add_command(app, command, "transfer", "Hand leadership over, without a pause for clients",
                  "  zmq-send transfer 4\n  zmq-send transfer", run_transfer);
  add_node(transfer, options, "Who shall lead; none: the one that fits best", false);
  add_no_wait(transfer, options);
  add_command(app, command, "snapshot",
              "Have the asked node write a snapshot, and drop the log before it",
              "  zmq-send snapshot --to tcp://127.0.0.1:4113", run_snapshot);
  CLI::App* session = add_command(
      app, command, "session",
      "Open a session and print its number, or close one\n"
      "Writes under a session are numbered, and each takes effect once, however often it is sent "
      "(exit 1: the session to be closed was not open).",
      "  zmq-send session\n  zmq-send session --expire-after 3600\n"
      "  zmq-send set colour blue --session 17 --seq 1\n  zmq-send session close 17",
      run_session);
  session->add_option("action", options.action, "open (default) or close")
      ->check(CLI::IsMember({"open", "close"}));
  session->add_option("session", options.session, "With close: its number")
      ->check(CLI::PositiveNumber);
  session
      ->add_option("--expire-after", options.expire_after_s,
                   "Seconds without a write after which it ends; none: the cluster's own setting")
      ->check(CLI::Range(1.0, 86400.0));
}

void declare_cluster_commands(CLI::App& app, Options& options, Command& command) {
  add_command(app, command, "status", "A table of all members that can be reached",
              "  zmq-send status\n  zmq-send status --json", run_status);
  add_command(app, command, "debug", "Print a node's state, and have it written to the node's log",
              "  zmq-send debug --to tcp://127.0.0.1:4113", run_debug);
  CLI::App* backup = add_command(
      app, command, "backup",
      "Copy everything that a running node has into a file\n"
      "It holds every write that was acknowledged to anyone before. The node goes on serving; "
      "the first of --to that answers is asked. `raft-actor restore` makes a new cluster of it.",
      "  zmq-send backup monday.backup\n"
      "  zmq-send backup monday.backup --force --to tcp://127.0.0.1:4113",
      run_backup);
  backup->add_option("file", options.file, "Where to write it; it appears once it is whole")
      ->required();
  backup->add_flag("--force", options.force, "Replace the file if it is there");
  backup->add_flag("--local", options.local,
                   "Take what the asked node has, which may be old: where no leader is left");
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
  declare_membership_commands(app, options, command);
}

}  // namespace sender
