#include <fmt/format.h>

#include "actors/commands/commands.h"
#include "actors/commands/new_cluster.h"
#include "actors/commands/progress.h"
#include "storage/backup_file.h"
#include "storage/new_directory.h"

namespace commands {

void restore(storage::FileSystem& file_system, const settings::Settings& settings,
             const std::filesystem::path& file, bool new_cluster) {
  if (!new_cluster) {
    throw NotConfirmed(
        "a restore begins a new cluster, of this node alone, and brings nothing back into an old "
        "one, whose nodes it will not know: say --new-cluster if that is what you want");
  }
  const auto& directory = settings.node.data_directory;
  storage::refuse_used(file_system, directory);
  const storage::BackupReader backup(file_system, file);
  const raft::SnapshotHead& head = backup.head();
  if (head.last.index == 0) {
    throw storage::Refused(
        fmt::format("{} holds nothing: it was taken before its cluster began", file.string()));
  }
  {
    Progress progress("verified bytes of " + file.string(), head.size);
    backup.for_each_part([&](const base::SharedBytes& part) { progress.add(part.size()); });
  }
  {
    Progress progress("restored bytes", head.size);
    found_cluster(file_system, settings, directory, head.last, [&](::database::Database& state) {
      load_snapshot(state, [&](const TakePart& take) {
        backup.for_each_part([&](const base::SharedBytes& part) {
          take(part);
          progress.add(part.size());
        });
      });
    });
  }
  const auto& origin = backup.origin();
  fmt::print(
      "{}: node {} is a new cluster {} now, its only member, with everything up to index {} "
      "of node {} of cluster {}\n",
      directory.string(), settings.node.id, settings.node.cluster, head.last.index, origin.node,
      origin.cluster);
  if (origin.cluster != settings.node.cluster) {
    fmt::print("The backup is of cluster {}: the new one has another name.\n", origin.cluster);
  }
}

}  // namespace commands
