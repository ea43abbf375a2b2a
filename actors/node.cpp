#include "actors/node.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "raft/server.h"
#include "storage/data_directory.h"
#include "storage/hard_state_store.h"
#include "storage/log_store.h"
#include "storage/persistence.h"

namespace actors {
namespace {

// What database may have handed to publisher and not seen published.
constexpr std::size_t kPublishingTimesApplying = 8;

std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

raft::Options core_options(const settings::Settings& settings) {
  raft::Options options;
  options.id = settings.node.id;
  for (const settings::Member& member : settings.members) options.members.push_back(member.id);
  options.election_timeout_ms = settings.raft.election_timeout_ms;
  options.heartbeat_interval_ms = settings.raft.heartbeat_interval_ms;
  options.max_append_bytes = settings.raft.max_append_bytes;
  options.window_messages = settings.raft.window_messages;
  options.window_bytes = settings.raft.window_bytes;
  options.max_uncommitted_bytes = settings.raft.max_uncommitted_bytes;
  options.max_applying_bytes = settings.raft.max_applying_bytes;
  options.log_memory_bytes = settings.raft.log_memory_bytes;
  options.seed = random_seed();
  return options;
}

}  // namespace

struct Node::Disk {
  Disk(storage::FileSystem& file_system, const settings::Settings& settings)
      : directory(file_system, settings.node.data_directory, settings.node.cluster,
                  settings.node.id, random_seed()),
        persistence(std::make_unique<storage::Persistence>(
            directory.path(),
            std::make_unique<storage::HardStateStore>(file_system, directory.path(),
                                                      directory.fresh()),
            std::make_unique<storage::LogStore>(
                file_system, directory.log_path(), directory.id(),
                storage::LogOptions{.segment_bytes = settings.storage.segment_bytes}))),
        state_machine(std::make_unique<::database::Database>(directory.database_path(),
                                                             database_options(settings))) {
    if (state_machine->applied_index() > persistence->log().last_index()) {
      throw storage::Damage(fmt::format(
          "{}: the database holds entry {}, the log ends at {}: the end of the log is lost; "
          "put back both from the same backup, or give the node a new, empty directory and id",
          directory.path().string(), state_machine->applied_index(),
          persistence->log().last_index()));
    }
  }

  static ::database::Options database_options(const settings::Settings& settings) {
    ::database::Options options;
    options.block_cache_bytes = settings.database.block_cache_bytes;
    options.write_buffer_bytes = settings.database.write_buffer_bytes;
    options.replay_retention_bytes = settings.database.replay_retention_bytes;
    return options;
  }

  [[nodiscard]] raft::Restored restored(std::size_t log_memory_bytes) const {
    return persistence->restored(state_machine->applied_index(), log_memory_bytes);
  }

  storage::DataDirectory directory;  // held as long as the node lives
  // These move to their actors.
  std::unique_ptr<storage::Persistence> persistence;
  std::unique_ptr<::database::Database> state_machine;
};

Node::Node(settings::Settings settings, storage::FileSystem& file_system, Logging& logging)
    : settings_(std::move(settings)),
      logging_(logging),
      disk_(std::make_unique<Disk>(file_system, settings_)) {
  make_actors();
}

void Node::say_what_was_found() const {
  const ActorLog log(logging_, "node");
  const storage::LogStore& stored = disk_->persistence->log();
  if (stored.torn_bytes() > 0) {
    log.warning("cut {} bytes of an unfinished write from the end of the log", stored.torn_bytes());
  }
  log.info("starts as one of {} members of cluster {}: its log ends at {}, applied to {}",
           settings_.members.size(), settings_.node.cluster, stored.last_index(),
           disk_->state_machine->applied_index());
}

void Node::make_actors() {
  Wiring wiring = wire(contexts_.inside);
  SocketServer::Sockets listeners = open_listeners(contexts_, settings_);
  zmq::socket_t broadcasts = open_publisher(contexts_, settings_);
  const raft::Index applied_index = disk_->state_machine->applied_index();
  const settings::Raft& limits = settings_.raft;

  clock_ = std::make_unique<Clock>(limits.tick_ms, std::move(wiring.clock));
  socket_server_ = std::make_unique<SocketServer>(
      settings_, disk_->directory.starts(), monotonic_now(), std::move(listeners),
      std::move(wiring.socket_server), logging_, counters_);
  event_handler_ = std::make_unique<EventHandler>(
      raft::Server(core_options(settings_), disk_->restored(limits.log_memory_bytes)),
      std::move(wiring.event_handler), logging_, counters_);
  say_what_was_found();  // a node that cannot listen has not started
  outbound_dispatcher_ = std::make_unique<OutboundDispatcher>(
      contexts_.peers, settings_, monotonic_now(), std::move(wiring.outbound_dispatcher), logging_,
      counters_);
  log_writer_ = std::make_unique<LogWriter>(std::move(disk_->persistence),
                                            std::move(wiring.log_writer), logging_, counters_);
  database_ = std::make_unique<Database>(
      std::move(disk_->state_machine),
      Database::Limits{settings_.limits.max_replay_bytes,
                       kPublishingTimesApplying * limits.max_applying_bytes},
      std::move(wiring.state_machine), counters_);
  publisher_ = std::make_unique<Publisher>(settings_.node.id, applied_index, std::move(broadcasts),
                                           std::move(wiring.publisher));
}

Node::~Node() = default;

std::vector<Actor*> Node::actors() const {
  // outbound_dispatcher before log_writer: where they share a thread, entries are on their way to
  // the followers before this node's own disk is waited for.
  return {clock_.get(),      socket_server_.get(), event_handler_.get(), outbound_dispatcher_.get(),
          log_writer_.get(), database_.get(),      publisher_.get()};
}

std::vector<Actor*> Node::stop_order() const {
  return {clock_.get(),    socket_server_.get(), event_handler_.get(),      log_writer_.get(),
          database_.get(), publisher_.get(),     outbound_dispatcher_.get()};
}

}  // namespace actors
