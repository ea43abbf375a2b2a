#include "actors/commands/new_cluster.h"

#include <fmt/format.h>

#include <stdexcept>

#include "actors/disk.h"
#include "actors/process.h"
#include "base/check.h"
#include "raft/configuration.h"
#include "storage/new_directory.h"

namespace commands {
namespace {

constexpr std::size_t kSliceBytes = 1 << 20;

raft::Configuration this_node_alone(const settings::Settings& settings, raft::Identity identity) {
  const settings::Member& self = settings.self();
  raft::Configuration configuration;
  configuration.members.push_back({.id = self.id,
                                   .identity = identity,
                                   .priority = static_cast<std::uint32_t>(settings.raft.priority),
                                   .peer = self.peer,
                                   .client = self.client,
                                   .publish = self.publish});
  configuration.voters = {self.id};
  return configuration;
}

}  // namespace

void found_cluster(storage::FileSystem& file_system, const settings::Settings& settings,
                   const std::filesystem::path& directory, const raft::LogPosition& last,
                   const std::function<void(::database::Database&)>& fill) {
  storage::NewDirectory made(file_system, directory, actors::random_number());
  {
    ::database::Database state(made.database_path(), actors::database_options(settings));
    fill(state);
    if (state.applied_index() != last.index) {
      throw std::runtime_error(fmt::format("the content is that of entry {}, and not of entry {}",
                                           state.applied_index(), last.index));
    }
    state.flush();
    storage::SnapshotStore& snapshots = made.snapshots();
    snapshots.begin({last, this_node_alone(settings, made.id()), 0, 0});
    read_state(state, [&](const base::SharedBytes& part) { snapshots.append(part.span()); });
    CHECK(snapshots.finish(), "a new directory has another snapshot than its first");
  }
  made.finish(settings.node.cluster, settings.node.id);
}

void load_snapshot(::database::Database& state, const std::function<void(const TakePart&)>& read) {
  const auto loader = state.load_snapshot();
  read([&](const base::SharedBytes& part) {
    if (const auto error = loader->add(part.view())) throw std::runtime_error(error->message);
  });
  const auto applied = loader->finish();
  if (!applied) throw std::runtime_error(applied.error());
}

void read_state(const ::database::Database& state, const TakePart& take) {
  const auto reader = state.read_snapshot();
  for (auto part = reader->next(kSliceBytes); !part.empty(); part = reader->next(kSliceBytes)) {
    take(part);
  }
}

}  // namespace commands
