#include "bench/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "client/endpoints.h"

namespace bench {
namespace {

constexpr const char* kFooter = R"(
Examples:
  raft-bench write --start 3
  raft-bench read --start 3 --runtime threaded --clients 64 --in-flight 1024
  raft-bench mixed --start 3 --reads 0.9 --distribution zipf --keys 1000000
  raft-bench write --start 3 --rate 10000
  raft-bench write --start 3 --in-flight 1000 --clients 8 --profile
  raft-bench write --to tcp://127.0.0.1:4111 --clients 1 --in-flight 1 --json
  raft-bench write --to tcp://127.0.0.1:4111 --any-node --retry --requests 100000
  raft-bench write --start 3 --requests 100000 --subscribers 30
  raft-bench failover --start 3 --kills 5
  raft-bench sweep --start 3 --svg writes.svg
  raft-bench sweep --start 3 --reads 1 --over rate --steps 1000,10000,50000,100000

Closed loop, without --rate: each request waits for its answer before its place is taken by the
next, so the load is what --in-flight allows, and nodes that stand still are asked less. Open loop,
with --rate: so many requests become due a second, at even distances, whatever becomes of those
before, and a latency counts from when its request was due. --in-flight then only limits how many
are under way; unless given, it is 4096. What is due and has no answer a second after the end counts
with its age, and as unanswered.

Requests go to the leader, which is found through `status`, unless --any-node spreads the clients
over all nodes. What reads first writes its --keys. Keys are bench/00000000 and on. By --distribution,
all are as likely as each other, or some more than others (zipf, exponent 0.99), or they take turns.

With --retry no request is given up: it is sent again where a node is busy, has no leader, does not
know the outcome or ends before it answers, and its latency counts from its first sending. A key
always gets the same value, so that it does no harm to write it twice. With --requests the run ends
when each of them is answered, or when none was for --give-up seconds; with --seconds, what has
waited for ten seconds at the end is an error. So is, always, what a node owes an answer for ten
seconds while it is there. Clients of a node that ends go to another, with --any-node to any other.

failover starts a new cluster for each of its --kills, writes through all nodes for --warm-up
seconds, kills the leader, and takes the time until the first write is acknowledged that was sent
after the kill. sweep measures one load after another, prints a line for each, and draws latency
against load; or throughput, over sizes of values or numbers of keys.

--subscribers connect to the publish endpoints of the nodes that answer, in turns, each for all
changes of keys, before the load begins. From then on, warm-up included, each must get in log order
whatever was acknowledged or came to any of them; at the end that is waited for, ten seconds at
most. One that comes too late is out of order, and stays missing in its place. They have one thread
for all, and what it does not keep up with waits in memory.

Where the term of the cluster rose in the measured time, the report says how often: `elections`.

--profile shows for each actor its turns, the messages in and out and the events of a turn, and the
share of the time in which it worked, was in calls of ZeroMQ, and waited; a disk or a core that it
waits for counts as work. The nodes measure that where they were started with raft-actor --profile,
as those of --start then are; reading the clock so often costs a little.

Nodes: as for zmq-send, by --to, --config or RAFT_ACTOR_CONFIG_PATH; or those of --start, which are
made for this run, with files in a folder of their own, and removed at its end. CPU time and memory
are read from /proc, for the nodes of --start, else for every raft-actor on this machine.

Exit codes: 0 success, whatever errors and missing broadcasts the report tells of; 2 wrong usage; 3
no leader, or no request was answered, or none for --give-up seconds, or a subscriber heard nothing
from its node; 130 interrupted.)";

constexpr std::size_t kOpenLoopInFlight = 4096;
constexpr std::size_t kMaxInFlight = 1'000'000;
constexpr std::uint64_t kMaxKeys = 99'999'999;
constexpr std::uint64_t kMaxValueBytes = 64 << 20;
constexpr double kMaxRate = 10'000'000;

const std::map<std::string, Mode> kModes = {{"write", Mode::kWrite},
                                            {"read", Mode::kRead},
                                            {"mixed", Mode::kMixed},
                                            {"failover", Mode::kFailover},
                                            {"sweep", Mode::kSweep}};
const std::map<std::string, Distribution> kDistributions = {
    {"uniform", Distribution::kUniform},
    {"zipf", Distribution::kZipf},
    {"sequential", Distribution::kSequential}};
const std::map<std::string, Over> kOvers = {{"in-flight", Over::kInFlight},
                                            {"rate", Over::kRate},
                                            {"value-bytes", Over::kValueBytes},
                                            {"keys", Over::kKeys}};

// An option that takes one of the names of `values`.
template <typename Value>
CLI::Option* add_choice(CLI::App& app, const std::string& name, Value& value,
                        const std::map<std::string, Value>& values, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name, [&value, &values](const std::string& chosen) { value = values.at(chosen); }, help)
      ->check(CLI::IsMember(values));
}

void declare_nodes(CLI::App& app, Options& options) {
  app.add_option("--to", options.to, "The client endpoint of a node (repeatable)")
      ->expected(1)
      ->take_all()
      ->type_name("ENDPOINT");
  app.add_option("--config", options.config, "Take the endpoints of a node's configuration file")
      ->type_name("FILE");
  app.add_option("--start", options.start, "Start a cluster of this many nodes for this run")
      ->check(CLI::Range(1, 9));
  app.add_option("--runtime", options.runtime, "With --start: how the nodes' actors run")
      ->check(CLI::IsMember({"threaded", "async"}))
      ->capture_default_str();
  app.add_option("--data-dir", options.data_dir,
                 "With --start: the folder for the nodes' files, by default that of TMPDIR");
  app.add_flag("--any-node", options.any_node, "Spread the clients over all nodes");
}

void declare_load(CLI::App& app, Options& options) {
  app.add_option("--clients", options.clients,
                 "Connections; unless given, not more than --in-flight")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--in-flight", options.in_flight, "Requests under way, in total over all clients")
      ->check(CLI::Range(std::size_t{1}, kMaxInFlight))
      ->capture_default_str();
  app.add_option("--rate", options.rate, "Open loop: so many requests become due a second")
      ->check(CLI::Range(0.1, kMaxRate));
  app.add_option("--threads", options.threads, "Threads that the clients are divided among")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  app.add_option("--subscribers", options.subscribers,
                 "write, mixed: connections that hear every change, and are checked for it")
      ->check(CLI::Range(0, 1000))
      ->capture_default_str();
  app.add_option("--value-bytes", options.value_bytes, "The size of a value")
      ->check(CLI::Range(std::uint64_t{0}, kMaxValueBytes))
      ->capture_default_str();
  app.add_option("--keys", options.keys, "Different keys")
      ->check(CLI::Range(std::uint64_t{1}, kMaxKeys))
      ->capture_default_str();
  add_choice(app, "--distribution", options.distribution, kDistributions,
             "Which keys, by default uniform");
  app.add_option("--reads", options.read_share,
                 "mixed, sweep: the share of reads, 0 to 1; mixed by default 0.5, sweep 0")
      ->check(CLI::Range(0.0, 1.0));
  app.add_flag("--local", options.local, "Reads take what a node has, which may be old");
}

void declare_course(CLI::App& app, Options& options) {
  app.add_option("--seconds", options.seconds, "How long to measure")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  app.add_option("--warm-up", options.warm_up_s, "Seconds of load before that")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  app.add_option("--requests", options.requests,
                 "Instead of --seconds and --warm-up: so many, until each is answered")
      ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1'000'000'000'000}));
  app.add_option("--give-up", options.give_up_s,
                 "With --requests, and while keys are written: end after so many seconds in which "
                 "nothing was answered")
      ->check(CLI::Range(0.1, 86'400.0))
      ->capture_default_str();
  app.add_flag("--retry", options.retry,
               "Send what was refused, or whose answer was lost, again until it is answered");
  app.add_option("--kills", options.kills, "failover: how often")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add_choice(app, "--over", options.over, kOvers, "sweep: what changes, by default in-flight");
  app.add_option("--steps", options.steps, "sweep: the values of that, divided by commas")
      ->delimiter(',')
      ->expected(1, 1000);
  app.add_option("--svg", options.svg, "sweep: the file for the plot")
      ->type_name("FILE")
      ->capture_default_str();
  app.add_flag("--profile", options.profile,
               "write, read, mixed: also what each actor of the nodes did, and for how long");
  app.add_flag("--json", options.json, "One JSON object on one line");
}

void check_failover(const CLI::App& app, Options& options) {
  if (options.start < 3) {
    throw client::UsageError("failover kills nodes, and so takes those of --start 3 or more");
  }
  if (options.requests || options.rate > 0 || app.count("--seconds") > 0) {
    throw client::UsageError(
        "failover ends with the last of its --kills: leave out --seconds, --requests and --rate");
  }
  options.any_node = true;
  options.retry = true;
}

std::vector<std::uint64_t> usual_steps(Over over) {
  switch (over) {
    case Over::kInFlight:
      return {1, 4, 16, 64, 256, 1000};
    case Over::kRate:
      return {1000, 2000, 5000, 10'000, 20'000, 50'000};
    case Over::kValueBytes:
      return {16, 64, 256, 1024, 4096, 16'384, 65'536};
    case Over::kKeys:
      return {1000, 10'000, 100'000, 1'000'000};
  }
  return {};
}

void check_sweep(const CLI::App& app, Options& options) {
  if (options.steps.empty()) options.steps = usual_steps(options.over);
  const std::map<Over, std::pair<const char*, std::uint64_t>> limits = {
      {Over::kInFlight, {"--in-flight", kMaxInFlight}},
      {Over::kRate, {"--rate", static_cast<std::uint64_t>(kMaxRate)}},
      {Over::kValueBytes, {"--value-bytes", kMaxValueBytes}},
      {Over::kKeys, {"--keys", kMaxKeys}}};
  const auto [name, most] = limits.at(options.over);
  if (app.count(name) > 0) {
    throw client::UsageError(fmt::format("the sweep is over that: leave out {}", name));
  }
  if (options.requests) throw client::UsageError("a sweep goes by --seconds: leave out --requests");
  for (const std::uint64_t step : options.steps) {
    if (step >= 1 && step <= most) continue;
    throw client::UsageError(fmt::format("--steps: {} is not between 1 and {}", step, most));
  }
  // For the checks of what goes together: at each step the same holds.
  if (options.over == Over::kInFlight) options.in_flight = options.clients;
  if (options.over == Over::kRate) options.rate = static_cast<double>(options.steps.front());
}

void check_reads(const CLI::App& app, Options& options) {
  const bool given = app.count("--reads") > 0;
  if (given && options.mode != Mode::kMixed && options.mode != Mode::kSweep) {
    throw client::UsageError("--reads is a share of a mixed work: use raft-bench mixed or sweep");
  }
  if (options.mode == Mode::kRead) options.read_share = 1;
  if (options.mode == Mode::kMixed && !given) options.read_share = 0.5;
}

void check_numbers(const CLI::App& app, Options& options) {
  if (options.rate > 0 && app.count("--in-flight") == 0) options.in_flight = kOpenLoopInFlight;
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

}  // namespace

void declare_options(CLI::App& app, Options& options) {
  app.set_version_flag("--version", "raft-bench " RAFT_ACTOR_VERSION);
  app.footer(kFooter);
  add_choice(
      app, "mode", options.mode, kModes,
      "write: set keys; read: get them; mixed: both; failover: kill the leader under writes; "
      "sweep: one load after another")
      ->required();
  declare_nodes(app, options);
  declare_load(app, options);
  declare_course(app, options);
}

void check_options(const CLI::App& app, Options& options) {
  if (options.start > 0 && !(options.to.empty() && options.config.empty())) {
    throw client::UsageError("--start makes its own nodes: leave out --to and --config");
  }
  if (options.requests && app.count("--seconds") + app.count("--warm-up") > 0) {
    throw client::UsageError("--requests says when to end: leave out --seconds and --warm-up");
  }
  if (options.profile && (options.mode == Mode::kFailover || options.mode == Mode::kSweep)) {
    throw client::UsageError("--profile is of one load: use raft-bench write, read or mixed");
  }
  if (options.subscribers > 0 && options.mode != Mode::kWrite && options.mode != Mode::kMixed) {
    throw client::UsageError("--subscribers hear what is written: use raft-bench write or mixed");
  }
  if (options.mode == Mode::kFailover) check_failover(app, options);
  if (options.mode == Mode::kSweep) check_sweep(app, options);
  check_reads(app, options);
  check_numbers(app, options);
}

}  // namespace bench
