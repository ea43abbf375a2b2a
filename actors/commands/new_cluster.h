// How a cluster begins with what another one left: a data directory with all its keys and
// sessions, in which this node is the only member, under an identity of its own. What `restore`
// and `recover` share.
#pragma once

#include <filesystem>
#include <functional>

#include "base/bytes.h"
#include "database/database.h"
#include "raft/types.h"
#include "settings/settings.h"
#include "storage/file_system.h"

namespace commands {

// Makes `directory`, which holds nothing yet, the data directory of a new cluster as `settings`
// name it. `fill` brings a database, which is empty, to the state at `last`, the entry behind which
// the log begins. The directory is usable once this has returned, and not before
// (storage/new_directory.h).
void found_cluster(storage::FileSystem& file_system, const settings::Settings& settings,
                   const std::filesystem::path& directory, const raft::LogPosition& last,
                   const std::function<void(::database::Database&)>& fill);

// Loads a snapshot into `state`, which is empty. `read` hands each part of it to what it is given,
// in order. Throws where the parts make no snapshot.
using TakePart = std::function<void(const base::SharedBytes&)>;
void load_snapshot(::database::Database& state, const std::function<void(const TakePart&)>& read);

// Reads the whole state, part by part.
void read_state(const ::database::Database& state, const TakePart& take);

}  // namespace commands
