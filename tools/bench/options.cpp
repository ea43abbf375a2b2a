#include "bench/options.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/endpoints.h"

namespace bench {
namespace {

constexpr const char* kFooter = R"(
Examples:
  raft-bench write --start 3
  raft-bench read --start 3 --runtime async --clients 64 --in-flight 1024
  raft-bench write --to tcp://127.0.0.1:4111 --clients 1 --in-flight 1 --json
  raft-bench write --to tcp://127.0.0.1:4111 --any-node --retry --requests 100000
  raft-bench failover --start 3 --kills 5

Each request waits for its answer before its place is taken by the next, so the load is what
--in-flight allows. Requests go to the leader, which is found through `status`, unless --any-node
spreads the clients over all nodes. A read first writes its --keys. Keys are bench/00000000 and on.

With --retry no request is given up: it is sent again where a node is busy, has no leader, does not
know the outcome or ends before it answers, and its latency counts from its first sending. A key
always gets the same value, so that it does no harm to write it twice. With --requests the run ends
when each of them is answered, however long that takes; with --seconds, what has waited for ten
seconds at the end is an error. So is, always, what a node owes an answer for ten seconds while it
is there. Clients of a node that ends go to another, with --any-node to any other.

failover starts a new cluster for each of its --kills, writes through all nodes for --warm-up
seconds, kills the leader, and takes the time until the first write is acknowledged that was sent
after the kill.

Nodes: as for zmq-send, by --to, --config or RAFT_ACTOR_CONFIG_PATH; or those of --start, which are
made for this run, with files in a folder of their own, and removed at its end. CPU time and memory
are read from /proc, for the nodes of --start, else for every raft-actor on this machine.

Exit codes: 0 success; 2 wrong usage; 3 no leader, or no request was answered; 130 interrupted.)";

Mode mode_named(const std::string& name) {
  if (name == "failover") return Mode::kFailover;
  return name == "read" ? Mode::kRead : Mode::kWrite;
}

}  // namespace

void declare_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "raft-bench " RAFT_ACTOR_VERSION);
  app.footer(kFooter);
  app.add_option_function<std::string>(
         "mode", [&options](const std::string& mode) { options.mode = mode_named(mode); },
         "write: set keys; read: get them; failover: kill the leader under writes")
      ->required()
      ->check(CLI::IsMember({"write", "read", "failover"}));
  app.add_option("--to", options.to, "The client endpoint of a node (repeatable)")
      ->expected(1)
      ->take_all()
      ->type_name("ENDPOINT");
  app.add_option("--config", options.config, "Take the endpoints of a node's configuration file")
      ->type_name("FILE");
  app.add_flag("--any-node", options.any_node, "Spread the clients over all nodes");
  app.add_flag("--local", options.local, "read: take what a node has, which may be old");
  app.add_option("--clients", options.clients,
                 "Connections; unless given, not more than --in-flight")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--in-flight", options.in_flight, "Requests under way, in total over all clients")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "Threads that the clients are divided among")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--value-bytes", options.value_bytes, "The size of a value")
      ->check(CLI::Range(0, 64 << 20))
      ->capture_default_str();
  app.add_option("--keys", options.keys, "Different keys")
      ->check(CLI::Range(1, 99'999'999))
      ->capture_default_str();
  app.add_option("--seconds", options.seconds, "How long to measure")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up_s, "Seconds of load before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--requests", options.requests,
                 "Instead of --seconds and --warm-up: so many, until each is answered")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
  app.add_flag("--retry", options.retry,
               "Send what was refused, or whose answer was lost, again until it is answered");
  app.add_option("--kills", options.kills, "failover: how often")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_flag("--json", options.json, "One JSON object on one line");
  app.add_option("--start", options.start, "Start a cluster of this many nodes for this run")
      ->check(CLI::Range(1, 9));
  app.add_option("--runtime", options.runtime, "With --start: how the nodes' actors run")
      ->check(CLI::IsMember({"threaded", "async"}))
      ->capture_default_str();
  app.add_option("--data-dir", options.data_dir,
                 "With --start: the folder for the nodes' files, by default that of TMPDIR");
}

namespace {

void check_failover(const CLI::App& app, Options& options) {
  if (options.start < 3) {
    throw client::UsageError("failover kills nodes, and so takes those of --start 3 or more");
  }
  if (options.requests || app.count("--seconds") > 0) {
    throw client::UsageError(
        "failover ends with the last of its --kills: leave out --seconds and --requests");
  }
  options.any_node = true;
  options.retry = true;
}

}  // namespace

void check_options(const CLI::App& app, Options& options) {
  if (options.start > 0 && !(options.to.empty() && options.config.empty())) {
    throw client::UsageError("--start makes its own nodes: leave out --to and --config");
  }
  if (options.requests && app.count("--seconds") + app.count("--warm-up") > 0) {
    throw client::UsageError("--requests says when to end: leave out --seconds and --warm-up");
  }
  if (options.mode == Mode::kFailover) check_failover(app, options);
  if (app.count("--clients") == 0) options.clients = std::min(options.clients, options.in_flight);
  if (options.in_flight < options.clients) {
    throw client::UsageError(
        fmt::format("--in-flight {} is less than one request for each of {} --clients",
                    options.in_flight, options.clients));
  }
  if (options.threads > options.clients) {
    throw client::UsageError(fmt::format("{} --threads have only {} --clients to work with",
                                         options.threads, options.clients));
  }
}

}  // namespace bench
