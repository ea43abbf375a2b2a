#include "world.h"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <string_view>

namespace sim {
namespace {

const World* world_under_way = nullptr;  // for the handler of SIGABRT alone

extern "C" void print_story(int signal_number) {
  std::signal(signal_number, SIG_DFL);  // returning from here ends the process
  if (world_under_way != nullptr) std::fputs(world_under_way->story().c_str(), stderr);
}

std::string list_of(const std::vector<raft::NodeId>& nodes) {
  std::string text;
  for (const raft::NodeId node : nodes) text += fmt::format("{}{}", text.empty() ? "" : ",", node);
  return text;
}

std::string describe(const Node& node) {
  if (!node.runs()) return fmt::format("  node {}: down\n", node.id());
  const raft::Status status = node.status();
  std::string text = fmt::format(
      "  node {}: {} of term {}, leader {}, commit {}, applied {}, durable {}, last {}, on disk {}",
      node.id(), raft::role_name(status.role), status.term, status.leader.value_or(0),
      status.commit_index, status.applied_index, status.durable_index, status.last_index,
      node.disk().last_index());
  for (const auto& [name, value] : status.counters) {
    if (value != 0) text += fmt::format(", {} {}", name, value);
  }
  for (const auto& peer : status.peers) {
    text += fmt::format(", of node {}: match {} next {}{}", peer.id, peer.match_index,
                        peer.next_index, peer.reachable ? "" : " (lost)");
  }
  const raft::Configuration& members = status.configuration;
  text += fmt::format("; voters {} of configuration {}", list_of(members.voters),
                      status.configuration_index);
  if (members.joint()) text += fmt::format(", before {}", list_of(members.old_voters));
  if (!members.goal.empty()) text += fmt::format(", goal {}", list_of(members.goal));
  return text + '\n';
}

std::string command_line(const RunOptions& options) {
  const RunOptions drawn = draw_options(options.seed);
  std::string text = fmt::format("raft-simulate --seed {}", options.seed);
  if (options.nodes != drawn.nodes) text += fmt::format(" --nodes {}", options.nodes);
  if (options.milliseconds != drawn.milliseconds) {
    text += fmt::format(" --seconds {}", options.milliseconds / 1000);
  }
  if (options.client.operations != drawn.client.operations) {
    text += fmt::format(" --operations {}", options.client.operations);
  }
  if (!(options.faults == drawn.faults)) {
    text += fmt::format(" --faults {}", describe(options.faults));
  }
  return text;
}

}  // namespace

World::World(const RunOptions& options)
    : options_(options),
      random_(options.seed ^ 0x5eed),
      end_random_(options.seed ^ 0xdead),
      report_(schedule_),
      environment_{options_, schedule_, report_, *this},
      network_(
          options_, schedule_, report_,
          [this](raft::NodeId to, raft::MessageReceived message) {
            nodes_[to - 1]->receive(std::move(message));
          },
          [this](raft::NodeId node) { return nodes_[node - 1]->disk().identity(); }),
      checks_(nodes_, options_, report_),
      clients_(environment_, checks_, nodes_),
      dead_(all_nodes(options_)) {
  for (raft::NodeId id = 1; id <= all_nodes(options_); ++id) {
    nodes_.push_back(std::make_unique<Node>(environment_, id, id <= options_.nodes));
  }
  world_under_way = this;
}

World::~World() { world_under_way = nullptr; }

void World::on_sent(const Node& node, const raft::Send& send) {
  checks_.on_sent(node, send);
  network_.send(node.id(), send);
}

std::string World::story() const {
  std::string nodes;
  for (const auto& node : nodes_) nodes += describe(*node);
  return fmt::format("{}seed {} drew\n{}{}run this seed again: {}\n", report_.last_events(),
                     options_.seed, describe(options_), nodes, command_line(options_));
}

RunResult World::run() {
  RunResult result;
  try {
    for (const auto& node : nodes_) node->start();
    clients_.run();
    plan_faults();
    while (schedule_.now() < options_.milliseconds * 1000 && schedule_.run_next()) {
    }
    heal();
    check_liveness();
    clients_.check_histories();
  } catch (const std::exception& broken) {
    result.failure = fmt::format("broken: {}\n{}", broken.what(), story());
  }
  result.hash = report_.hash();
  result.statistics = report_.statistics;
  return result;
}

RunResult run(const RunOptions& options, std::FILE* trace) {
  World world(options);
  if (trace != nullptr) world.trace_to(trace);
  return world.run();
}

void print_story_on_abort() { std::signal(SIGABRT, print_story); }

}  // namespace sim
