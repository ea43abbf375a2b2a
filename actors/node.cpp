#include "actors/node.h"

#include <fmt/format.h>

#include <utility>

#include "actors/process.h"
#include "raft/server.h"

namespace actors {
namespace {

// What database may have handed to publisher and not seen published.
constexpr std::size_t kPublishingTimesApplying = 8;

// As the first configuration of a new cluster has it: who has which directory is heard later.
raft::Member to_member(const settings::Member& member) {
  return {.id = member.id,
          .identity = 0,
          .priority = 0,
          .peer = member.peer,
          .client = member.client,
          .publish = member.publish};
}

raft::Options core_options(const settings::Settings& settings, raft::Identity identity) {
  const settings::Raft& raft = settings.raft;
  raft::Options options;
  options.self = to_member(settings.self());
  options.self.identity = identity;
  options.self.priority = static_cast<std::uint32_t>(raft.priority);
  if (settings.join.empty()) {
    for (const auto& member : settings.members) options.first_members.push_back(to_member(member));
  }
  options.election_timeout_ms = raft.election_timeout_ms;
  options.heartbeat_interval_ms = raft.heartbeat_interval_ms;
  options.max_append_bytes = raft.max_append_bytes;
  options.window_messages = raft.window_messages;
  options.window_bytes = raft.window_bytes;
  options.max_uncommitted_bytes = raft.max_uncommitted_bytes;
  options.max_applying_bytes = raft.max_applying_bytes;
  options.log_memory_bytes = raft.log_memory_bytes;
  options.snapshot_log_bytes = raft.snapshot_log_bytes;
  options.trailing_entries = raft.trailing_entries;
  options.snapshot_bytes_per_second = raft.snapshot_bytes_per_second;
  options.max_disk_wait_ms = raft.max_disk_wait_ms;
  options.read_lease_drift_percent = static_cast<std::uint32_t>(raft.read_lease_drift_percent);
  options.seed = random_number();
  return options;
}

std::string endpoints_of(const raft::Member& member) {
  return fmt::format("{}, {}, {}", member.peer, member.client, member.publish);
}

// Members come and go by command, so the list in the settings is of no matter later; this node's
// own addresses are.
void say_where_this_node_moved(const ActorLog& log, const raft::Member& self,
                               const raft::Configuration& configuration) {
  const raft::Member* known = configuration.find(self.id);
  if (known == nullptr || endpoints_of(*known) == endpoints_of(self)) return;
  log.info("is found at {} now, in the cluster's log at {}: it tells the others",
           endpoints_of(self), endpoints_of(*known));
}

}  // namespace

Node::Node(settings::Settings settings, storage::FileSystem& file_system, Logging& logging)
    : settings_(std::move(settings)),
      logging_(logging),
      disk_(file_system, settings_, ActorLog(logging, "node")) {
  make_actors();
}

void Node::say_what_was_found() const {
  const ActorLog log(logging_, "node");
  const auto configuration = disk_.configuration();
  const std::size_t members =
      configuration ? configuration->members.size() : settings_.members.size();
  if (joins()) {
    log.info("starts, to join cluster {}", settings_.node.cluster);
  } else {
    log.info("starts as one of {} members of cluster {}: its log ends at {}, applied to {}",
             members, settings_.node.cluster, disk_.persistence->log().last_index(),
             disk_.state_machine->applied_index());
  }
  if (configuration) say_where_this_node_moved(log, to_member(settings_.self()), *configuration);
}

bool Node::joins() const { return !settings_.join.empty() && !disk_.configuration(); }

void Node::make_actors() {
  const bool on_one_thread = settings_.runtime == settings::RuntimeMode::kAsync;
  Wiring wiring = wire(contexts_.inside, on_one_thread ? Ends::kOnOneThread : Ends::kApart);
  SocketServer::Sockets listeners = open_listeners(contexts_, settings_);
  zmq::socket_t broadcasts = open_publisher(contexts_, settings_);
  const raft::Index applied_index = disk_.state_machine->applied_index();
  const raft::Index log_end = disk_.persistence->log().last_index();
  const settings::Raft& limits = settings_.raft;
  const codec::PeerIdentity self{settings_.node.cluster, settings_.node.id, disk_.directory.id()};
  const bool has_leases = limits.read_lease_drift_percent > 0;
  const bool joins = this->joins();

  clock_ = std::make_unique<Clock>(limits.tick_ms, std::move(wiring.clock));
  socket_server_ = std::make_unique<SocketServer>(
      settings_, self, disk_.directory.starts(), monotonic_now(), std::move(listeners),
      std::move(wiring.socket_server), logging_, counters_);
  event_handler_ = std::make_unique<EventHandler>(
      raft::Server(core_options(settings_, self.identity), disk_.restored(limits.log_memory_bytes)),
      has_leases ? EventHandler::LeaseClock(monotonic_now) : nullptr,
      std::move(wiring.event_handler), logging_, counters_);
  say_what_was_found();  // a node that cannot listen has not started
  outbound_dispatcher_ = std::make_unique<OutboundDispatcher>(
      contexts_.peers, settings_, self, monotonic_now(), std::move(wiring.outbound_dispatcher),
      logging_, counters_);
  log_writer_ = std::make_unique<LogWriter>(std::move(disk_.persistence), std::move(disk_.space),
                                            std::move(wiring.log_writer), logging_, counters_);
  database_ = std::make_unique<Database>(
      std::move(disk_.state_machine), log_end,
      Database::Limits{settings_.limits.max_replay_bytes,
                       kPublishingTimesApplying * limits.max_applying_bytes},
      std::move(wiring.state_machine), logging_, counters_);
  snapshot_store_ = std::make_unique<SnapshotStore>(std::move(disk_.snapshots),
                                                    std::move(wiring.snapshot_store), logging_);
  publisher_ = std::make_unique<Publisher>(settings_.node.id, applied_index, std::move(broadcasts),
                                           std::move(wiring.publisher), logging_);
  if (joins) {
    joiner_ = std::make_unique<Joiner>(contexts_.clients, settings_, self.identity,
                                       std::move(wiring.joiner), logging_);
  }
}

Node::~Node() = default;

std::vector<Actor*> Node::actors() const {
  std::vector<Actor*> actors = {
      clock_.get(),      socket_server_.get(), event_handler_.get(),  outbound_dispatcher_.get(),
      log_writer_.get(), database_.get(),      snapshot_store_.get(), publisher_.get()};
  if (joiner_) actors.push_back(joiner_.get());
  return actors;
}

std::vector<Actor*> Node::stop_order() const {
  std::vector<Actor*> order = {clock_.get(),      socket_server_.get(),      event_handler_.get(),
                               log_writer_.get(), database_.get(),           snapshot_store_.get(),
                               publisher_.get(),  outbound_dispatcher_.get()};
  if (joiner_) order.insert(order.end() - 1, joiner_.get());
  return order;
}

}  // namespace actors
